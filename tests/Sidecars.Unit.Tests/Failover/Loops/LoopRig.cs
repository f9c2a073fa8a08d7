using System.Collections.Concurrent;
using Sidecars.Core.Primitives;
using Sidecars.Failover.Decisions;
using Xunit.Abstractions;

namespace Sidecars.Unit.Tests.Failover.Loops;

/// <summary>One loop under a virtual clock, kept running as the sidecar keeps it.</summary>
internal sealed class LoopRig : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;

    public LoopRig() => Supervisor = new Supervisor(
        new BackoffSchedule(TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(30)),
        (name, e) => Failures.Enqueue($"{name}: {e.Message}"), Time, () => 0.5);

    public VirtualTime Time { get; } = new();

    public Supervisor Supervisor { get; }

    public ConcurrentQueue<string> Failures { get; } = new();

    public MemoryGroup.RecordingSink Sink { get; } = new();

    public void Start(string name, Func<CancellationToken, Task> loop) => _running = Supervisor.KeepAsync(name, loop, _stop.Token);

    /// <summary>Lets time pass; the loop holds one timer while it sleeps, or waits to be started again.</summary>
    public void Run(TimeSpan span) => Time.Run(span, () => Time.Sleepers == 1);

    /// <summary>A day in which nothing happens.</summary>
    public void PassDay(ITestOutputHelper output) => QuietDay.Pass(Time, () => Time.Sleepers == 1, output);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }
}
