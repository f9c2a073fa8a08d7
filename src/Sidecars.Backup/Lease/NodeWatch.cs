namespace Sidecars.Backup.Lease;

/// <summary>Looks at the server beside the uploader once a second; shipping never waits for it.</summary>
internal sealed class NodeWatch : IAsyncDisposable
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);
    private readonly NodeFacts _node;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;
    private volatile Seen _seen;

    private NodeWatch(NodeFacts node, TimeProvider time) =>
        (_node, _time, _seen) = (node, time, new Seen(NodeStanding.Unknown, DateTimeOffset.UnixEpoch, time.GetTimestamp()));

    private sealed record Seen(NodeStanding Standing, DateTimeOffset CurrentUntil, long CurrentAt);

    /// <summary>As of the last look.</summary>
    public NodeStanding Standing => _seen.Standing;

    /// <summary>
    /// Up to this time the server had what the group acknowledged: the last look at which it was a master, or when it last heard the one it
    /// follows. While it is cut off this stands still: what it does not have can't be claimed to be in the store.
    /// </summary>
    public DateTimeOffset CurrentUntil => _seen.CurrentUntil;

    /// <summary>Since it was last seen as a server to upload from.</summary>
    public TimeSpan OutOfSyncFor => _time.GetElapsedTime(_seen.CurrentAt);

    /// <summary>Begins; the first look is taken when this returns.</summary>
    public static async Task<NodeWatch> StartAsync(NodeFacts node, TimeProvider time, CancellationToken cancellation)
    {
        var watch = new NodeWatch(node, time);
        await watch.LookAsync(cancellation).ConfigureAwait(false);
        watch._running = watch.RunAsync(watch._stop.Token);
        return watch;
    }

    /// <summary>Ends it.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                await Task.Delay(Every, _time, cancellation).ConfigureAwait(false);
                await LookAsync(cancellation).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // Disposed.
        }
    }

    private async Task LookAsync(CancellationToken cancellation)
    {
        var began = _time.GetUtcNow();
        var look = await _node.LookAsync(cancellation).ConfigureAwait(false);
        var until = look.IsCurrent && began - look.HeardAgo is var heard && heard > _seen.CurrentUntil ? heard : _seen.CurrentUntil;
        _seen = new Seen(look.Standing, until, look.IsCurrent ? _time.GetTimestamp() : _seen.CurrentAt);
    }
}
