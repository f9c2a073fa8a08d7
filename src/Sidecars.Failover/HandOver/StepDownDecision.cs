using System.Collections.Immutable;
using Sidecars.Core.Primitives;
using Sidecars.Core.Succession;

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

    /// <summary>Go.</summary>
    public sealed record HandOver(StepDownPlan Plan, string Reason) : StepDownDecision("hand-over", Reason);
}

/// <summary>One hand-over, as it was decided; immutable.</summary>
public sealed record StepDownPlan
{
    /// <summary>The master's address in the group.</summary>
    public required RedisEndpoint Master { get; init; }

    /// <summary>Its process.</summary>
    public required string MasterRunId { get; init; }

    /// <summary>Replication id of the data.</summary>
    public required string ReplicationId { get; init; }

    /// <summary>The next master.</summary>
    public required SuccessionNode Target { get; init; }

    /// <summary>The other replicas.</summary>
    public required ImmutableArray<SuccessionNode> Others { get; init; }

    /// <summary>
    /// Replicas that a Sentinel would promote and that are terminating or gave no usable answer: where a Sentinel must be asked, it might
    /// choose one of them. What it knows of a replica is up to 10 s old.
    /// </summary>
    public required ImmutableArray<RedisEndpoint> OutOfReach { get; init; }

    /// <summary>Sentinel's config-epoch of the master; the switch raises it.</summary>
    public required long Epoch { get; init; }

    /// <summary>CLIENT PAUSE … WRITE; null: the fence alone.</summary>
    public required TimeSpan? Pause { get; init; }

    /// <summary>What <c>min-replicas-to-write</c> is to be afterwards, on both.</summary>
    public required int MinReplicas { get; init; }

    /// <summary>The Sentinels that answered and know the master, by id.</summary>
    public required ImmutableArray<RedisEndpoint> Sentinels { get; init; }
}
