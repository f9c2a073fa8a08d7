using System.Collections.Immutable;
using Sidecars.Core.Failover.Watch;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;

namespace Sidecars.Core.Failover.Death;

/// <summary>What is known when the process beside this sidecar may have died.</summary>
public sealed record DeathFacts
{
    /// <summary>The server.</summary>
    public required OwnServer Server { get; init; }

    /// <summary>Its announced address.</summary>
    public required RedisEndpoint Address { get; init; }

    /// <summary>What the Sentinels say.</summary>
    public required QuorumFacts Quorum { get; init; }

    /// <summary>
    /// redis-bootstrap has beaten its heart since the death: the container is back, and asks for the fail-over itself where it is due.
    /// </summary>
    public bool BootstrapLives { get; init; }

    /// <summary>Time since a Sentinel accepted our request for this death; null: none has.</summary>
    public TimeSpan? AcceptedAgo { get; init; }

    /// <summary>Time since the death was noticed.</summary>
    public TimeSpan DeadFor { get; init; }

    /// <summary>What the replicas that can be promoted say since the death; one that is not here was not asked.</summary>
    public ImmutableArray<NodeObservation> Replicas { get; init; } = [];

    /// <summary>The Sentinels, asked after that: when each would switch is told by the last INFO that it had (<see cref="SwitchTiming"/>).</summary>
    public ImmutableArray<SentinelObservation.Known> Voters { get; init; } = [];

    /// <summary>A replica has refused to follow another: nothing more is tried for this death.</summary>
    public bool LevelRefused { get; init; }
}

/// <summary>What to do about a death. Closed.</summary>
public abstract record DeathDecision(string Code, string Reason) : IDecision
{
    /// <summary>Ask this one Sentinel to fail over.</summary>
    public sealed record RequestFailover(RedisEndpoint Sentinel, string Reason) : DeathDecision("request-failover", Reason);

    /// <summary>Have these replicas follow the one that has most of the dead master's data, until they have the same.</summary>
    public sealed record Level(ImmutableArray<NodeObservation.Known> Behind, RedisEndpoint Best, string Reason) : DeathDecision("level-replicas", Reason);

    /// <summary>Dead, and not now: ask again soon; where it <paramref name="IsShort"/>, for what a replica does within milliseconds.</summary>
    public sealed record Wait(string Code, string Reason, bool IsShort = false) : DeathDecision(Code, Reason);

    /// <summary>No concern of ours.</summary>
    public sealed record Nothing(string Code, string Reason) : DeathDecision(Code, Reason);
}

/// <summary>
/// Whether a death is handed to Sentinel at once instead of after down-after, and to which. Pure. One actor: until bootstrap is back it is
/// this sidecar, then bootstrap, which waits where a Sentinel shows a failover. Told is the Sentinel that switches soonest; a second one is
/// not while any shows a failover.
/// Sentinel chooses by offsets that are as old as its last INFO: where the replicas differ, it may promote the one that is behind, which loses what only the other has, and costs that one a full copy, while which nobody may write
/// (<c>min-replicas-to-write</c>). So they are made equal first: whoever is behind follows the best, and has the missing bytes of its
/// backlog within milliseconds.
/// </summary>
public static class DeathPolicy
{
    /// <summary>An accepted request is not repeated within this: the failover must show at the Sentinels first.</summary>
    public static readonly TimeSpan ShowsWithin = TimeSpan.FromSeconds(3);

    /// <summary>For so long after the death replicas are made equal; then Sentinel chooses as it will. A usual one takes some milliseconds.</summary>
    public static readonly TimeSpan LevelWithin = TimeSpan.FromMilliseconds(500);

    /// <summary>Decides.</summary>
    public static DeathDecision Decide(DeathFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        if (facts.Server is not OwnServer.Dead dead) return new DeathDecision.Nothing("not-dead", "the server is not known to be dead");
        if (!dead.WasMaster) return new DeathDecision.Nothing("was-replica", "a replica died: Sentinel has nothing to do");
        var quorum = facts.Quorum;
        if (quorum.Named is not { } named) return new DeathDecision.Wait("no-agreement", quorum.Reason);
        if (named != facts.Address) return new DeathDecision.Nothing("another-named", quorum.Reason);
        if (quorum.IsFailingOver) return new DeathDecision.Wait("failing-over", "a Sentinel runs the failover");
        if (facts.AcceptedAgo < ShowsWithin) return new DeathDecision.Wait("accepted", "a Sentinel has accepted the request");
        if (facts.BootstrapLives) return new DeathDecision.Nothing("bootstrap-acts", "redis-bootstrap is back, and asks for it where it is due");
        if (quorum.Promotable.IsEmpty) return new DeathDecision.Wait("no-promotable-replica", $"{quorum.Reason}, and no replica can be promoted");
        if (quorum.Executor is not { } sentinel) return new DeathDecision.Wait("no-executor", "every Sentinel that names this server distrusts its clock");
        if (!facts.LevelRefused && facts.DeadFor < LevelWithin && Unequal(facts) is { } first) return first;
        if (facts.Voters.Any(v => v.View.Master is { FailoverInProgress: true })) return new DeathDecision.Wait("failing-over", "a Sentinel runs the failover");
        var soonest = SwitchTiming.Order(QuorumFacts.Executors(facts.Voters, named)).Append(sentinel).First();
        return new DeathDecision.RequestFailover(soonest, $"the process {dead.RunId} at {facts.Address} has died, and {quorum.Promotable[0]} can be promoted");
    }

    // Offsets are final once a replica has read the end of its connection: what the dead master sent lies in front of it.
    private static DeathDecision? Unequal(DeathFacts facts)
    {
        var replicas = facts.Replicas.OfType<NodeObservation.Known>().Where(r => r.View is { Role: NodeRole.Replica, Loading: false, SyncInProgress: false }).ToList();
        if (replicas.Find(r => r.View.MasterLinkUp && r.View.MasterAddress == facts.Address) is { } reading)
            return new DeathDecision.Wait("replica-reads", $"{reading.Address} has not read all that the dead master sent", IsShort: true);
        if (replicas.Select(r => r.View.ReplicationId).Distinct(StringComparer.Ordinal).Count() != 1) return null; // offsets of two histories can't be compared
        var best = replicas.OrderByDescending(r => r.View.Offset).ThenBy(r => r.Address.ToString(), StringComparer.Ordinal).First();
        // What the best one's backlog no longer holds would be a full copy, in which the one that is behind loses what it has.
        var behind = replicas.Where(r => r.View.Offset < best.View.Offset && best.View.BacklogStart <= r.View.Offset + 1).ToList();
        if (behind.Count == 0) return null;
        var places = $"{behind[0].Address} is at {behind[0].View.Offset}, {best.Address} at {best.View.Offset}";
        return behind.Exists(r => r.View.MasterAddress == best.Address)
            ? new DeathDecision.Wait("levelling", places, IsShort: true)
            : new DeathDecision.Level([.. behind], best.Address, $"{places}: one that is behind must not be promoted");
    }
}
