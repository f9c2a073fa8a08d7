using System.Collections.Immutable;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;
using Sidecars.Failover.Watch;

namespace Sidecars.Failover.Death;

/// <summary>What is known when the process beside this sidecar may have died.</summary>
public sealed record DeathFacts
{
    /// <summary>The server.</summary>
    public required OwnServer Server { get; init; }

    /// <summary>Its announced address; null: not known.</summary>
    public RedisEndpoint? Address { get; init; }

    /// <summary>What the Sentinels say.</summary>
    public required QuorumFacts Quorum { get; init; }

    /// <summary>
    /// redis-bootstrap has sent a heartbeat since the death: the container is back, and asks for the failover itself if one is due.
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
}

/// <summary>What to do about a death. Closed.</summary>
public abstract record DeathDecision(string Code, string Reason) : IDecision
{
    /// <summary>Ask this one Sentinel to fail over.</summary>
    public sealed record RequestFailover(RedisEndpoint Sentinel, string Reason) : DeathDecision("request-failover", Reason);

    /// <summary>Dead, and not now: look again after <paramref name="Again"/>; null: at the usual pace.</summary>
    public sealed record Wait(string Code, string Reason, TimeSpan? Again = null) : DeathDecision(Code, Reason);

    /// <summary>Nothing to do here: another actor's task, or not a death of a master.</summary>
    public sealed record Nothing(string Code, string Reason) : DeathDecision(Code, Reason);
}

/// <summary>
/// Whether a Sentinel is asked to fail over at once instead of after down-after, and which one. Pure. One actor: this sidecar until bootstrap
/// is back, then bootstrap, which waits if a Sentinel shows a failover. The Sentinel that switches soonest is asked; no second one is asked
/// while any of them shows a failover.
/// A Sentinel chooses by offsets as old as its last INFO. If the replicas differ, it may promote one that is behind: that loses what only
/// another one has, and forces that one into a full copy, during which writes are refused (<c>min-replicas-to-write</c>). So a Sentinel is
/// asked that would choose a replica with the most data; until it has chosen, it learns of no other offset, since it asks a second after its
/// last INFO. The replicas cannot be brought level: one whose master is gone does not replicate to another (NOMASTERLINK).
/// </summary>
public static class DeathPolicy
{
    /// <summary>An accepted request is not repeated within this: the failover must show at the Sentinels first.</summary>
    public static readonly TimeSpan ShowsWithin = TimeSpan.FromSeconds(3);

    /// <summary>
    /// How long after the death a Sentinel that chooses well is awaited: the longest that one goes without an INFO, and a tick. Then any is asked.
    /// </summary>
    public static readonly TimeSpan ChoosesWithin = TimeSpan.FromMilliseconds(750);

    /// <summary>
    /// How long a replica is awaited that reads no end of its connection, since the dead process' are still open: data in flight, and a look.
    /// </summary>
    public static readonly TimeSpan ReadsWithin = TimeSpan.FromMilliseconds(50);

    // What a replica has received it reads within milliseconds.
    private static readonly TimeSpan Reads = TimeSpan.FromMilliseconds(3);

    // A fifth of Sentinel's tick: an INFO is known soon after it came.
    private static readonly TimeSpan Learns = TimeSpan.FromMilliseconds(20);

    /// <summary>Decides.</summary>
    public static DeathDecision Decide(DeathFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        if (facts.Server is not OwnServer.Dead dead) return new DeathDecision.Nothing("not-dead", "the server is not known to be dead");
        if (!dead.WasMaster) return new DeathDecision.Nothing("was-replica", "a replica died: Sentinel has nothing to do");
        var quorum = facts.Quorum;
        if (facts.Address is null) return new DeathDecision.Wait("address-unknown", "the announced address of the server that died is not known");
        if (quorum.Named is not { } named) return new DeathDecision.Wait("no-agreement", quorum.Reason);
        if (named != facts.Address) return new DeathDecision.Nothing("another-named", quorum.Reason);
        if (quorum.IsFailingOver) return new DeathDecision.Wait("failing-over", "a Sentinel runs the failover");
        if (facts.AcceptedAgo < ShowsWithin) return new DeathDecision.Wait("accepted", "a Sentinel has accepted the request");
        if (facts.BootstrapLives) return new DeathDecision.Nothing("bootstrap-acts", "redis-bootstrap is back, and asks for it where it is due");
        if (quorum.Promotable.IsEmpty) return new DeathDecision.Wait("no-promotable-replica", $"{quorum.Reason}, and no replica can be promoted");
        if (quorum.Executor is not { } sentinel) return new DeathDecision.Wait("no-executor", "every Sentinel that names this server distrusts its clock");
        var compared = facts.DeadFor < ChoosesWithin ? [.. facts.Replicas.OfType<NodeObservation.Known>().Where(r => r.View is { Role: NodeRole.Replica, Loading: false, SyncInProgress: false })] : ImmutableArray<NodeObservation.Known>.Empty;
        // Offsets are final once a replica has read the end of its connection: what the dead master sent lies in front of it.
        if (!(dead.HoldsConnections && facts.DeadFor >= ReadsWithin) && compared.FirstOrDefault(r => r.View.MasterLinkUp && r.View.MasterAddress == facts.Address) is { } reading)
            return new DeathDecision.Wait("replica-reads", $"{reading.Address} has not read all that the dead master sent", Reads);
        if (facts.Voters.Any(v => v.View.Master is { FailoverInProgress: true })) return new DeathDecision.Wait("failing-over", "a Sentinel runs the failover");
        var voters = QuorumFacts.Executors(facts.Voters, named);
        var good = Behind(compared) is { Count: > 0 } behind ? voters.RemoveAll(v => IsMistaken(v.View, behind)) : voters;
        if (good.IsEmpty && !voters.IsEmpty)
            return new DeathDecision.Wait("sentinels-behind", $"no Sentinel knows yet who has most: {voters[0].Endpoint} would promote {voters[0].View.Choice?.Address.ToString() ?? "nobody"}", Learns);
        var soonest = SwitchTiming.Order(good).Append(sentinel).First();
        return new DeathDecision.RequestFailover(soonest, $"the process {dead.RunId} at {facts.Address} has died, and {quorum.Promotable[0]} can be promoted");
    }

    // Mistaken is a choice by an outdated offset; a difference in priority is intended.
    private static bool IsMistaken(SentinelView view, HashSet<RedisEndpoint> behind) => view.Choice is not { } choice
        || (behind.Contains(choice.Address) && view.Replicas.Any(r => r.Promotable && r.Priority == choice.Priority && !behind.Contains(r.Address)));

    // Offsets of two histories can't be compared.
    private static HashSet<RedisEndpoint> Behind(ImmutableArray<NodeObservation.Known> replicas)
    {
        if (replicas.Select(r => r.View.ReplicationId).Distinct(StringComparer.Ordinal).Count() != 1) return [];
        var most = replicas.Max(r => r.View.Offset);
        return [.. replicas.Where(r => (r.View.Offset ?? 0) < most).Select(r => r.Address)];
    }
}
