using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Unit.Tests.Pages;

/// <summary>Runs a script of <c>scripts/lint.d</c> as <c>scripts/lint</c> does.</summary>
internal static class LintScript
{
    /// <summary>Writes one file, and runs the script on it.</summary>
    public static async Task<(int ExitCode, string[] Lines)> OfTextAsync(string script, string name, string text)
    {
        using var folder = new TempFolder("lint");
        return await OfFilesAsync(script, folder.Write(name, text + "\n"));
    }

    /// <summary>Runs the script on files, in this order.</summary>
    public static async Task<(int ExitCode, string[] Lines)> OfFilesAsync(string script, params string[] files)
    {
        await using var process = await ServerProcess.StartAsync(new ServerStart(
            "env", ["LC_ALL=C", "awk", "-f", Path.Combine(Repository.Root, "scripts", "lint.d", script), .. files]));
        return (await process.WaitForExitAsync(), [.. process.Output]);
    }
}
