using System.Diagnostics;

namespace Sidecars.Manifests.Tests.Rendering;

/// <summary>What a finished command left.</summary>
public sealed record ToolResult(int ExitCode, string Output, string Error);

/// <summary>Runs a command to its end, with the environment of the test and what is added.</summary>
public static class Tool
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5); // scripts/images, the slowest

    /// <summary>The path of a command on PATH; null where it is not installed.</summary>
    public static string? Find(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(folder => Path.Combine(folder, name))
            .FirstOrDefault(File.Exists);

    /// <summary>Runs it; an exit code that is not 0 is a result, not an exception.</summary>
    public static async Task<ToolResult> RunAsync(
        string command, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? variables = null, string? folder = null)
    {
        var start = new ProcessStartInfo(command, arguments)
        { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        if (folder is not null) start.WorkingDirectory = folder;
        foreach (var (name, value) in variables ?? new Dictionary<string, string>()) start.Environment[name] = value;
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{command} was not started");
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        using var limit = new CancellationTokenSource(Limit);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{command} did not end within {Limit}");
        }

        return new ToolResult(process.ExitCode, await output, await error);
    }

    /// <summary>Why a test can't run here; null where it can.</summary>
    internal static string? Missing(IEnumerable<string> tools)
    {
        var missing = tools.Where(tool => Find(tool) is null).ToArray();
        return missing.Length == 0 ? null : $"not on PATH: {string.Join(", ", missing)} (scripts/setup --manifests says what is needed)";
    }
}

/// <summary>A fact that is skipped, visibly, where a command is not installed.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ToolFactAttribute : FactAttribute
{
    public ToolFactAttribute(params string[] tools) => Skip = Tool.Missing(tools);
}

/// <summary>A theory that is skipped, visibly, where a command is not installed.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ToolTheoryAttribute : TheoryAttribute
{
    public ToolTheoryAttribute(params string[] tools) => Skip = Tool.Missing(tools);
}
