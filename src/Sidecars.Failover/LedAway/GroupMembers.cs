using Sidecars.Core.Primitives;

namespace Sidecars.Failover.LedAway;

/// <summary>
/// Which addresses are those of the group's nodes, by its record and by what the sidecars have recorded. Read when asked for, at most
/// once a minute. Not safe for concurrent use.
/// </summary>
/// <param name="read">Reads what is recorded of the group.</param>
/// <param name="redisCount">Configured number of nodes.</param>
/// <param name="time">Its clock.</param>
public sealed class GroupMembers(Func<CancellationToken, Task<RecordReading>> read, int redisCount, TimeProvider time)
{
    private static readonly TimeSpan Age = TimeSpan.FromMinutes(1);

    // A master is down meanwhile. Without an answer everybody counts as a node, as before.
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(1);

    private (RecordedGroup? Group, long At)? _last;

    /// <summary>Whether an address is known to be no node's; false where not every node is known.</summary>
    public bool IsForeign(RedisEndpoint address) => _last?.Group?.Excludes(address, redisCount) == true;

    /// <summary>Reads what is recorded, unless that was done within the last minute.</summary>
    public async Task ReadAsync(CancellationToken cancellation)
    {
        if (_last is { } last && time.GetElapsedTime(last.At) < Age) return;
        using var over = new CancellationTokenSource(Within, time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(over.Token, cancellation);
        RecordedGroup? group = null;
        try
        {
            group = (await read(limit.Token).ConfigureAwait(false)).Group;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // It does not answer in time.
        }

        _last = (group, time.GetTimestamp());
    }
}
