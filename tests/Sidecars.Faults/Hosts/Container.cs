using Sidecars.TestKit.Processes;

namespace Sidecars.Faults.Hosts;

/// <summary>
/// One process that belongs on a host, as a container does: it is started again when it ends, unless a fault holds it down.
/// </summary>
internal sealed class Container(string name, Func<Task> start, Func<ServerProcess?> process) : IDisposable
{
    private const int TailKept = 40;
    private static readonly TimeSpan GracePeriod = TimeSpan.FromSeconds(20);
    private readonly SemaphoreSlim _gate = new(1, 1);
    private int _holds = 1; // not started yet
    private int _pauses;
    private int _logBlocks;
    private bool _expected = true; // a fault ended it, or it never ran

    public string Name => name;

    /// <summary>The process now or last; null before the first start.</summary>
    public ServerProcess? Process => process();

    /// <summary>When it ended by itself: exit code, and its last words.</summary>
    public List<(int Code, string Tail)> Ends { get; } = [];

    private bool Running => process() is { Running: true };

    /// <summary>A fault wants it down; returns with the process as it is.</summary>
    public void Hold() => Interlocked.Increment(ref _holds);

    /// <summary>The fault has ended; what holds it down last lets it start.</summary>
    public void Release() => Interlocked.Decrement(ref _holds);

    /// <summary>SIGKILL; down until <see cref="Release"/>.</summary>
    public async Task KillAsync()
    {
        Hold();
        await UnderGateAsync(async () =>
        {
            _expected = true;
            if (Running) await process()!.KillAsync();
        });
    }

    /// <summary>SIGTERM, and SIGKILL after the grace period; down until <see cref="Release"/>.</summary>
    public async Task TerminateAsync()
    {
        Hold();
        await UnderGateAsync(async () =>
        {
            _expected = true;
            try
            {
                if (Running) await process()!.TerminateAsync(GracePeriod);
            }
            catch (TimeoutException)
            {
                await process()!.KillAsync();
            }
        });
    }

    /// <summary>SIGSTOP.</summary>
    public void Pause()
    {
        if (Interlocked.Increment(ref _pauses) == 1) process()?.Pause();
    }

    /// <summary>SIGCONT, when every pause has ended.</summary>
    public void Resume()
    {
        if (Interlocked.Decrement(ref _pauses) == 0) process()?.Resume();
    }

    /// <summary>Nobody reads its log: neither of the process that runs nor of those that start.</summary>
    public Task BlockLogAsync() => UnderGateAsync(() => _logBlocks++ == 0 && Running ? process()!.BlockOutputAsync() : Task.CompletedTask);

    /// <summary>It is read again, when every block has ended.</summary>
    public Task ReadLogAsync() => UnderGateAsync(() =>
    {
        if (--_logBlocks == 0) process()?.UnblockOutput();
        return Task.CompletedTask;
    });

    /// <summary>What kubelet does now and then.</summary>
    public async Task StartIfDownAsync()
    {
        if (_holds > 0 || Running) return;
        await UnderGateAsync(async () =>
        {
            if (_holds > 0 || Running) return;
            if (process()?.ExitCode is { } code && !_expected) Ends.Add((code, process()!.Tail(TailKept)));
            await start();
            _expected = false;
            if (_logBlocks > 0) await process()!.BlockOutputAsync();
        });
    }

    public void Dispose() => _gate.Dispose();

    // One at a time: nothing starts while it is ended.
    private async Task UnderGateAsync(Func<Task> act)
    {
        await _gate.WaitAsync();
        try
        {
            await act();
        }
        finally
        {
            _gate.Release();
        }
    }
}
