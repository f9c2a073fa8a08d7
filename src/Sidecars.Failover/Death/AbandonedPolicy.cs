using System.Collections.Immutable;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Succession;
using Sidecars.Core.Topology;
using Sidecars.Failover.Watch;

namespace Sidecars.Failover.Death;

/// <summary>What is known beside a replica whose master may be down, with nobody who replaces it.</summary>
public sealed record AbandonedFacts
{
    /// <summary>The announced address of the server beside this process; null: not known.</summary>
    public RedisEndpoint? Address { get; init; }

    /// <summary>What the Sentinels say.</summary>
    public required QuorumFacts Quorum { get; init; }

    /// <summary>Sentinels that name the master and hold it for down (s_down), TILT aside.</summary>
    public required int Down { get; init; }

    /// <summary>Configured number of Sentinels.</summary>
    public required int SentinelCount { get; init; }

    /// <summary>For how long a majority has held it for down, and no Sentinel has run a failover, without a break.</summary>
    public required TimeSpan AbandonedFor { get; init; }

    /// <summary>This server's place among the replicas, from 0.</summary>
    public required int Rank { get; init; }

    /// <summary>Time since the last attempt of this sidecar; null: none was made.</summary>
    public TimeSpan? AttemptedAgo { get; init; }

    /// <summary>The process that an attempt has promoted, or may have; null: none.</summary>
    public string? Promoted { get; init; }

    /// <summary>Why further attempts come to nothing, so that a Sentinel is asked; null: they may succeed, as far as is known.</summary>
    public string? TellingFailed { get; init; }

    /// <summary>The replicas' answers; null: they have not been polled.</summary>
    public ImmutableArray<NodeObservation>? Replicas { get; init; }

    /// <summary>What answers at the master's address, polled together with the replicas; null: it has not been polled.</summary>
    public NodeObservation? Master { get; init; }
}

/// <summary>What to do about it. Closed.</summary>
public abstract record AbandonedDecision(string Code, string Reason) : IDecision
{
    /// <summary>Ask the replicas and the master itself for their looks, and decide again.</summary>
    public sealed record AskReplicas(string Reason) : AbandonedDecision("ask-replicas", Reason);

    /// <summary>Promote a replica and tell the Sentinels.</summary>
    public sealed record Succeed(SuccessionPlan Plan, string Reason) : AbandonedDecision("succeed", Reason);

    /// <summary>Ask this one Sentinel to fail over.</summary>
    public sealed record RequestFailover(RedisEndpoint Sentinel, RedisEndpoint Master, string Reason)
        : AbandonedDecision("request-failover", Reason);

    /// <summary>Not now.</summary>
    public sealed record Wait(string Code, string Reason) : AbandonedDecision(Code, Reason);

    /// <summary>Not now, for want of evidence.</summary>
    public sealed record Refuse(string Code, string Reason) : AbandonedDecision(Code, Reason);

    /// <summary>The master is not down, or somebody replaces it.</summary>
    public sealed record Nothing(string Code, string Reason) : AbandonedDecision(Code, Reason);
}

/// <summary>
/// Whether a master that is down for a Sentinel majority, and that no Sentinel replaces, is replaced by a replica's sidecar. Pure. Sentinel
/// begins its own failover within a second or two; it does not while a vote for somebody who died stands (2 × failover-timeout), or after a
/// failover of its own that was aborted. The vote is the guard: two sidecars that act at once do not win one epoch. A master that lives is
/// never replaced: Sentinels hold it for down for up to 15 s after its restart, while their connections still lead to the pod before it.
/// </summary>
public static class AbandonedPolicy
{
    /// <summary>
    /// How long Sentinel is left alone: its own attempt begins within a second of o_down, and shows as a failover; an election that nobody
    /// won is over by then.
    /// </summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>How much later each further replica's sidecar acts: longer than an attempt takes.</summary>
    public static readonly TimeSpan RankDelay = TimeSpan.FromSeconds(1);

    /// <summary>How much later each further replica's sidecar asks a Sentinel: longer than a failover takes.</summary>
    public static readonly TimeSpan RequestDelay = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Between two attempts: each may leave an unused vote, which keeps Sentinels from acting by themselves. So there are few of them
    /// (<see cref="SuccessionAttempts.Most"/>), after which one Sentinel is asked: it needs no vote for that.
    /// </summary>
    public static readonly TimeSpan AfterAttempt = TimeSpan.FromSeconds(3);

    /// <summary>
    /// A replica that has heard its master within this has a master that lives: <c>repl-ping-replica-period</c> is 2 s, and the server
    /// counts whole seconds.
    /// </summary>
    public static readonly TimeSpan Heard = TimeSpan.FromSeconds(3);

    /// <summary>Decides.</summary>
    public static AbandonedDecision Decide(AbandonedFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        var quorum = facts.Quorum;
        if (quorum.IsFailingOver) return new AbandonedDecision.Nothing("failing-over", "a Sentinel runs the failover");
        if (facts.Down < SentinelQuorumPolicy.Majority(facts.SentinelCount))
            return new AbandonedDecision.Nothing("not-down", $"{facts.Down} of {facts.SentinelCount} Sentinels hold the master for down");
        if (quorum.Named is not { } named) return new AbandonedDecision.Refuse("no-agreement", quorum.Reason);
        if (named == facts.Address)
            return new AbandonedDecision.Nothing("own", "it is the server beside this process: its death is noticed elsewhere");
        var due = Patience + (facts.Rank * RankDelay);
        if (facts.AbandonedFor < due)
            return new AbandonedDecision.Wait(
                "sentinels-turn", $"{quorum.Reason}, which is down; Sentinel's own failover is waited for, {DurationText.About(due)}");
        if (facts.Replicas is null && facts.AttemptedAgo < AfterAttempt)
            return new AbandonedDecision.Wait("sentinels-turn", $"{quorum.Reason}, which is down; the last attempt is not over");
        if (facts.Replicas is not { } replicas)
            return new AbandonedDecision.AskReplicas(
                $"{quorum.Reason}, which has been down for {DurationText.About(facts.AbandonedFor)}, and nobody replaces it");
        if (facts.Master is NodeObservation.Known { View.Role: NodeRole.Master })
            return new AbandonedDecision.Refuse("master-answers", $"{quorum.Reason}, which they hold for down, and it answers as master");
        var hears = replicas.OfType<NodeObservation.Known>()
            .FirstOrDefault(r => r.View is { MasterLinkUp: true } v && v.MasterAddress == named && v.Silence <= Heard);
        if (hears is not null)
            return new AbandonedDecision.Refuse(
                "master-heard", $"{quorum.Reason}, which they hold for down, and {hears.Address} hears it as its replica");
        // One that another sidecar has promoted is told by that one, or settled by Sentinel: a failover to a third would outdo it.
        var isPromoted = replicas.OfType<NodeObservation.Known>().Any(r => r.View.Role == NodeRole.Master);
        if (facts is { TellingFailed: { } why, Promoted: null } && !isPromoted)
        {
            // FAILOVER raises the epoch without a vote: two Sentinels that were asked by two sidecars would name two masters in one epoch.
            var turn = due + (facts.Rank * RequestDelay);
            if (facts.AbandonedFor < turn)
                return new AbandonedDecision.Wait(
                    "sentinels-turn", $"{quorum.Reason}, which is down; another replica's sidecar asks a Sentinel, this one does after "
                    + DurationText.About(turn));
            return quorum.Executor is { } sentinel
                ? new AbandonedDecision.RequestFailover(sentinel, named,
                    $"{quorum.Reason}, which has been down for {DurationText.About(facts.AbandonedFor)}, and no replica could be put in its "
                    + $"place: {why}")
                : new AbandonedDecision.Wait("no-executor", "every Sentinel that names the master distrusts its clock");
        }

        return SuccessionPolicy.Decide(new SuccessionFacts
        {
            Master = named,
            Listed = quorum.Promotable,
            Unreached = quorum.Unreached,
            Replicas = replicas,
            DeadFor = facts.AbandonedFor,
            Promoted = facts.Promoted,
        }) switch
        {
            SuccessionDecision.Succeed succeed => new AbandonedDecision.Succeed(succeed.Plan,
                $"{named} has been down for {DurationText.About(facts.AbandonedFor)}, and nobody replaces it; {succeed.Reason}"),
            SuccessionDecision.Refuse refuse => new AbandonedDecision.Refuse(refuse.Code, refuse.Reason),
            var wait => new AbandonedDecision.Wait(wait.Code, wait.Reason),
        };
    }
}
