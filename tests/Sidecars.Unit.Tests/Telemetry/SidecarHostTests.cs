using System.Diagnostics;
using System.Globalization;
using Sidecars.Core.Hosting;
using Sidecars.Telemetry;
using Sidecars.TestKit.Processes;
using Sidecars.Unit.Tests.Core.Hosting;

namespace Sidecars.Unit.Tests.Telemetry;

/// <summary>How the services of a sidecar begin and end.</summary>
[Collection(SignalScopeTests.Signals)]
public sealed class SidecarHostTests
{
    [Fact]
    public async Task A_signal_ends_all_by_the_executables_own_hearing_and_the_host_catches_none()
    {
        using var heard = new SignalScope();
        using var stop = new CancellationTokenSource();
        var drained = 0;
        var running = SidecarHost.RunAsync(TimeSpan.FromSeconds(10), stop.Token, UntilCancelledAsync, UntilCancelledAsync);
        await SendTermAsync();
        await Eventually.UntilAsync("the signal", () => heard.Token.IsCancellationRequested);
        Assert.Equal((false, 143), (running.IsCompleted, heard.ExitCode));
        await stop.CancelAsync();
        await running;
        Assert.Equal(2, drained);
        using var again = new SignalScope();
        await SendTermAsync();
        await Eventually.UntilAsync("a signal after the end of the host", () => again.Token.IsCancellationRequested);

        async Task UntilCancelledAsync(CancellationToken cancellation)
        {
            await Task.Delay(
                Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            Interlocked.Increment(ref drained);
        }
    }

    [Fact]
    public async Task A_service_that_fails_ends_the_others_and_its_failure_is_the_callers()
    {
        var ended = false;
        var runs = new TaskCompletionSource();
        var failure = await Assert.ThrowsAsync<IOException>(
            () => SidecarHost.RunAsync(TimeSpan.FromSeconds(10), default, FailAsync, UntilCancelledAsync));
        Assert.Equal(("away", true), (failure.Message, ended));

        async Task FailAsync(CancellationToken cancellation)
        {
            await runs.Task;
            throw new IOException("away");
        }

        async Task UntilCancelledAsync(CancellationToken cancellation)
        {
            runs.SetResult();
            await Task.Delay(
                Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            ended = true;
        }
    }

    [Fact]
    public async Task A_service_that_does_not_end_is_left_behind()
    {
        var never = new TaskCompletionSource();
        using var stop = new CancellationTokenSource();
        var running = SidecarHost.RunAsync(TimeSpan.FromMilliseconds(50), stop.Token, _ => never.Task);
        await stop.CancelAsync();
        await running;
    }

    private static async Task SendTermAsync()
    {
        using var kill = Process.Start("sh", ["-c", $"kill -TERM {Environment.ProcessId.ToString(CultureInfo.InvariantCulture)}"]);
        await kill.WaitForExitAsync();
        Assert.Equal(0, kill.ExitCode);
    }
}
