using System.Collections.Immutable;
using Sidecars.Core.Primitives;
using Sidecars.Failover.Watch;

namespace Sidecars.Failover.HandOver;

/// <summary>What a look at the group means for a hand-over; a closed set, each with a stable code and a reason for people.</summary>
public abstract record StepDownDecision : IDecision
{
    private StepDownDecision(string code, string reason) => (Code, Reason) = (code, reason);

    /// <summary>Stable, for logs, metrics and tests.</summary>
    public string Code { get; }

    /// <summary>Why, in words.</summary>
    public string Reason { get; }

    /// <summary>There is nothing to hand over: success.</summary>
    public sealed record Nothing(string Code, string Reason) : StepDownDecision(Code, Reason);

    /// <summary>A fact is missing, or against it, that may change within seconds: look again while there is time.</summary>
    public sealed record Wait(string Code, string Reason) : StepDownDecision(Code, Reason);

    /// <summary>What is known forbids it, and only a person or a restart changes that.</summary>
    public sealed record Refuse(string Code, string Reason) : StepDownDecision(Code, Reason);

    /// <summary>Replicas besides the target can still be elected: lower them, and look again until every Sentinel shows it.</summary>
    public sealed record LowerFirst(StepDownPlan Plan, string Reason) : StepDownDecision("lower-first", Reason);

    /// <summary>It could go, and a Sentinel switches sooner in a moment: look again soon.</summary>
    public sealed record AwaitMoment(string Reason) : StepDownDecision("moment", Reason);

    /// <summary>Go: the target is the only one that any Sentinel would elect.</summary>
    public sealed record HandOver(StepDownPlan Plan, string Reason) : StepDownDecision("hand-over", Reason);
}

/// <summary>A replica whose priority was taken from it.</summary>
/// <param name="Endpoint">Where it is asked.</param>
/// <param name="RunId">The process.</param>
/// <param name="Priority">What it had, and gets back.</param>
public sealed record LoweredReplica(RedisEndpoint Endpoint, string RunId, int Priority);

/// <summary>One hand-over, as it was decided; immutable.</summary>
public sealed record StepDownPlan
{
    /// <summary>The master's address in the group.</summary>
    public required RedisEndpoint Master { get; init; }

    /// <summary>Its process.</summary>
    public required string MasterRunId { get; init; }

    /// <summary>Replication id of the data.</summary>
    public required string ReplicationId { get; init; }

    /// <summary>Where the target is asked.</summary>
    public required RedisEndpoint TargetEndpoint { get; init; }

    /// <summary>The target's address in the group.</summary>
    public required RedisEndpoint Target { get; init; }

    /// <summary>Its process.</summary>
    public required string TargetRunId { get; init; }

    /// <summary>Sentinel's config-epoch of the master; the switch raises it.</summary>
    public required long Epoch { get; init; }

    /// <summary>Replicas to lower, the target not among them; empty where none has a priority.</summary>
    public required ImmutableArray<LoweredReplica> Lower { get; init; }

    /// <summary>CLIENT PAUSE … WRITE; null: the fence alone.</summary>
    public required TimeSpan? Pause { get; init; }

    /// <summary>What <c>min-replicas-to-write</c> is to be afterwards, on both.</summary>
    public required int MinReplicas { get; init; }

    /// <summary>Sentinels in the order of <see cref="SwitchTiming"/>; the first that can be connected to is told.</summary>
    public required ImmutableArray<RedisEndpoint> Sentinels { get; init; }
}
