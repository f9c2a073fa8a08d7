using System.Diagnostics;
using System.Globalization;
using Sidecars.Core.Hosting;
using Sidecars.TestKit.Processes;

namespace Sidecars.Unit.Tests.Core.Hosting;

[Collection(Signals)]
public sealed class SignalScopeTests
{
    // Tests that send signals to this very process: one at a time.
    internal const string Signals = "signals";

    [Theory]
    [InlineData("TERM", 143)]
    [InlineData("INT", 130)]
    public async Task The_first_signal_cancels_and_fixes_the_exit_code(string signal, int exitCode)
    {
        using var scope = new SignalScope();
        Assert.Null(scope.ExitCode);
        await SendAsync(signal);
        await Eventually.UntilAsync("the cancellation", () => scope.Token.IsCancellationRequested);
        Assert.Equal(exitCode, scope.ExitCode);
        using var second = new SignalScope(); // sees the next signal arrive, so that we need not wait for "nothing"
        await SendAsync(signal == "TERM" ? "INT" : "TERM");
        await Eventually.UntilAsync("the second signal", () => second.Token.IsCancellationRequested);
        Assert.Equal(exitCode, scope.ExitCode);
    }

    // To this very process: with the scope alive, it drains instead of ending.
    private static async Task SendAsync(string signal)
    {
        using var kill = Process.Start("sh", ["-c", $"kill -{signal} {Environment.ProcessId.ToString(CultureInfo.InvariantCulture)}"]);
        await kill.WaitForExitAsync();
        Assert.Equal(0, kill.ExitCode);
    }
}
