using System.Diagnostics;

namespace Sidecars.TestKit.Processes;

/// <summary>A program that is run to its end.</summary>
public static class Command
{
    /// <summary>Full path of a program on <c>PATH</c>; null where it is not installed.</summary>
    public static string? Find(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Where(folder => folder.Length > 0)
            .Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);

    /// <summary>Null where it ended with 0, else what it said on stderr (or its exit code where it said nothing).</summary>
    public static string? Run(string program, params string[] arguments) => RunWith(null, program, arguments);

    /// <summary>As <see cref="Run"/>, with a text on its stdin.</summary>
    public static string? RunWith(string? input, string program, params string[] arguments)
    {
        using var process = Process.Start(
            new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardInput = input is not null })
            ?? throw new InvalidOperationException($"{program} was not started");
        if (input is not null)
        {
            process.StandardInput.Write(input);
            process.StandardInput.Close();
        }

        var error = process.StandardError.ReadToEnd().Trim();
        process.WaitForExit();
        return process.ExitCode == 0 ? null : error.Length > 0 ? error : FormattableString.Invariant($"exit code {process.ExitCode}");
    }
}
