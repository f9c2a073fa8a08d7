using System.Collections.Immutable;
using Sidecars.Core.Primitives;
using Sidecars.Core.Succession;
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
    /// redis-bootstrap has sent a heartbeat since the death: the container is back, and its bootstrap does what is due.
    /// </summary>
    public bool BootstrapLives { get; init; }

    /// <summary>A step-down runs beside the server, and may have promoted its target already; null: it can't be told.</summary>
    public bool? SteppingDown { get; init; }

    /// <summary>Time since a majority confirmed the successor, or a Sentinel accepted our request for this death; null: neither.</summary>
    public TimeSpan? AcceptedAgo { get; init; }

    /// <summary>Time since the death was noticed.</summary>
    public TimeSpan DeadFor { get; init; }

    /// <summary>Replication id of the dead server's data; null: not known.</summary>
    public string? ReplicationId { get; init; }

    /// <summary>The listed replicas' answers since the death; null: they have not been polled.</summary>
    public ImmutableArray<NodeObservation>? Replicas { get; init; }

    /// <summary>The process that an attempt for this death has promoted, unconfirmed; null: none.</summary>
    public string? Promoted { get; init; }

    /// <summary>A majority of the Sentinels has confirmed the promoted one.</summary>
    public bool IsSucceeded { get; init; }

    /// <summary>Why the Sentinels can't be told, so that one of them is asked; null: they can, as far as is known.</summary>
    public string? TellingFailed { get; init; }
}

/// <summary>What to do about a death. Closed.</summary>
public abstract record DeathDecision(string Code, string Reason) : IDecision
{
    /// <summary>Ask the replicas for their looks, and decide again.</summary>
    public sealed record AskReplicas(string Reason) : DeathDecision("ask-replicas", Reason);

    /// <summary>Promote a replica and tell the Sentinels.</summary>
    public sealed record Succeed(SuccessionPlan Plan, string Reason) : DeathDecision("succeed", Reason);

    /// <summary>Ask this one Sentinel to fail over.</summary>
    public sealed record RequestFailover(RedisEndpoint Sentinel, string Reason) : DeathDecision("request-failover", Reason);

    /// <summary>Dead, and not now: look again after <paramref name="Again"/>; null: at the usual pace.</summary>
    public sealed record Wait(string Code, string Reason, TimeSpan? Again = null) : DeathDecision(Code, Reason);

    /// <summary>The same for want of evidence.</summary>
    public sealed record Refuse(string Code, string Reason, TimeSpan? Again = null) : DeathDecision(Code, Reason);

    /// <summary>Nothing to do here: another actor's task, or not a death of a master.</summary>
    public sealed record Nothing(string Code, string Reason) : DeathDecision(Code, Reason);
}

/// <summary>
/// Whether a dead master is replaced at once instead of after down-after. Pure. One actor: this sidecar until bootstrap is back, then
/// bootstrap. Whom is <see cref="SuccessionPolicy"/>'s; where the Sentinels can't be told, one of them is asked (<c>SENTINEL FAILOVER</c>).
/// </summary>
public static class DeathPolicy
{
    /// <summary>An accepted request is not repeated within this: the failover must show at the Sentinels first.</summary>
    public static readonly TimeSpan ShowsWithin = TimeSpan.FromSeconds(3);

    /// <summary>
    /// How long a step-down of the server that died is waited for: its target may be promoted in an epoch that another one would outdo.
    /// From the fence to the announcement it takes 3 s at most.
    /// </summary>
    public static readonly TimeSpan StepDownEndsWithin = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(50);

    /// <summary>Decides.</summary>
    public static DeathDecision Decide(DeathFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        if (facts.Server is not OwnServer.Dead dead) return new DeathDecision.Nothing("not-dead", "the server is not known to be dead");
        if (!dead.WasMaster) return new DeathDecision.Nothing("was-replica", "a replica died: Sentinel has nothing to do");
        var quorum = facts.Quorum;
        if (facts.IsSucceeded) return new DeathDecision.Nothing("succeeded", "a majority of the Sentinels names the next master");
        if (facts.Address is null)
            return new DeathDecision.Refuse("address-unknown", "the announced address of the server that died is not known");
        if (quorum.IsFailingOver) return new DeathDecision.Wait("failing-over", "a Sentinel runs the failover");
        if (quorum.Named is { } other && other != facts.Address) return new DeathDecision.Nothing("another-named", quorum.Reason);
        // After a promotion a part of the Sentinels may know of it: nobody is named then.
        if (quorum.Named is null && facts.Promoted is null) return new DeathDecision.Refuse("no-agreement", quorum.Reason);
        if (facts.AcceptedAgo < ShowsWithin)
            return new DeathDecision.Wait("accepted", "the Sentinels have been told, or one has accepted the request");
        if (facts.BootstrapLives) return new DeathDecision.Nothing("bootstrap-acts", "redis-bootstrap is back, and does what is due");
        if (facts.SteppingDown == true && facts.DeadFor < StepDownEndsWithin)
            return new DeathDecision.Wait("step-down", "a step-down of this server may have promoted its target", Soon);
        // Sentinel itself promotes none that it does not reach.
        var candidates = facts.TellingFailed is null ? quorum.Promotable.Length + quorum.Unreached.Length : quorum.Promotable.Length;
        if (candidates == 0 && facts.Promoted is null)
            return new DeathDecision.Refuse("no-promotable-replica", $"{quorum.Reason}, and no replica can be promoted");
        if (facts.TellingFailed is { } why && facts.Promoted is null)
        {
            return quorum.Executor is { } sentinel
                ? new DeathDecision.RequestFailover(
                    sentinel, $"the process {dead.RunId} at {facts.Address} has died, and the Sentinels can't be told: {why}")
                : new DeathDecision.Wait("no-executor", "every Sentinel that names this server distrusts its clock");
        }

        if (facts.Replicas is not { } replicas)
            return new DeathDecision.AskReplicas($"the process {dead.RunId} at {facts.Address} has died");
        return SuccessionPolicy.Decide(new SuccessionFacts
        {
            Master = facts.Address,
            Listed = quorum.Promotable,
            Unreached = quorum.Unreached,
            Replicas = replicas,
            DeadFor = facts.DeadFor,
            HoldsConnections = dead.HoldsConnections,
            ReplicationId = facts.ReplicationId,
            Promoted = facts.Promoted,
        }) switch
        {
            SuccessionDecision.Succeed succeed =>
                new DeathDecision.Succeed(succeed.Plan, $"the process {dead.RunId} at {facts.Address} has died; {succeed.Reason}"),
            SuccessionDecision.Wait wait => new DeathDecision.Wait(wait.Code, wait.Reason, wait.Again),
            SuccessionDecision.Refuse refuse => new DeathDecision.Refuse(refuse.Code, refuse.Reason, refuse.Again),
            var unknown => throw new InvalidOperationException(unknown.GetType().Name),
        };
    }
}
