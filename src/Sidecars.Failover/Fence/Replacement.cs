using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;

namespace Sidecars.Failover.Fence;

/// <summary>
/// A failover that nothing this master says can stop: a Sentinel has been elected for it (or was told to by SENTINEL FAILOVER, which takes
/// no vote) and has a replica to promote. From its election on it takes one step with each tick of its timer (52 to 100 ms: elected,
/// replica selected, REPLICAOF NO ONE), whether the master is back or not.
/// </summary>
/// <param name="Sentinel">The Sentinel that runs it.</param>
/// <param name="State">Its <c>failover-state</c>.</param>
public sealed record Replacement(RedisEndpoint Sentinel, string State)
{
    /// <summary>
    /// The failover by which <paramref name="master"/> is replaced; null: none is known. Before the election (<c>wait_start</c>) it is only
    /// a suspicion, and most attempts end there. <c>select_slave</c> with a replica to select is the first proof, two ticks before the
    /// promotion; without one it ends a tick later. A failover to this master, and a hand-over's, show another address as monitored.
    /// </summary>
    public static Replacement? Find(IEnumerable<SentinelObservation> sentinels, RedisEndpoint master)
    {
        ArgumentNullException.ThrowIfNull(sentinels);
        foreach (var known in sentinels.OfType<SentinelObservation.Known>())
        {
            if (known.View.Master is { FailoverInProgress: true } m && m.Monitored == master && IsPastReturn(m, known.View))
                return new Replacement(known.Endpoint, m.FailoverState);
        }

        return null;
    }

    /// <summary>A reason why the word of a majority for <paramref name="master"/> may be about to change; null: none is known.</summary>
    public static string? Doubt(IEnumerable<SentinelObservation> sentinels, RedisEndpoint master)
    {
        ArgumentNullException.ThrowIfNull(sentinels);
        foreach (var known in sentinels.OfType<SentinelObservation.Known>())
        {
            // The leader of a failover *to* this master shows the old one as monitored.
            if (known.View.Master is not { } m || m.Address != master || (m.Monitored ?? m.Address) != master) continue;
            if (m.FailoverInProgress) return $"Sentinel {known.Endpoint} runs a failover of it ({m.FailoverState})";
            if (m.ObjectivelyDown) return $"Sentinel {known.Endpoint} holds it for down (o_down)";
        }

        return null;
    }

    /// <summary>Whether its Sentinel, asked again, runs it no more.</summary>
    public bool IsOver(IEnumerable<SentinelObservation> sentinels, RedisEndpoint master) =>
        sentinels.OfType<SentinelObservation.Known>()
            .Any(k => k.Endpoint == Sentinel && !(k.View.Master is { FailoverInProgress: true } m && m.Monitored == master));

    private static bool IsPastReturn(SentinelMaster master, SentinelView view) => master.FailoverState switch
    {
        "wait_start" => false,
        "select_slave" => view.Replicas.Any(r => r.Promotable),
        "" => view.Replicas.Any(r => r.Chosen), // a server that does not show the state
        _ => true,
    };
}
