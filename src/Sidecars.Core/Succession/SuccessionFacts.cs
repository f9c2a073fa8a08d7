using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Sidecars.Core.Primitives;
using Sidecars.Core.Topology;

namespace Sidecars.Core.Succession;

/// <summary>What is known where a master that is certainly dead is to be succeeded.</summary>
public sealed record SuccessionFacts
{
    /// <summary>The dead master's address in the group.</summary>
    public required RedisEndpoint Master { get; init; }

    /// <summary>Replicas that at least one Sentinel would promote: those that are silent are waited for.</summary>
    public required ImmutableArray<RedisEndpoint> Listed { get; init; }

    /// <summary>
    /// Replicas that Sentinels list and have no connection to at this moment, as just after a restart: as good as the others where their
    /// data are of <see cref="ReplicationId"/>, and waited for only where there are no others.
    /// </summary>
    public ImmutableArray<RedisEndpoint> Unreached { get; init; } = [];

    /// <summary>What these, and other replicas that are to follow, say since the death.</summary>
    public required ImmutableArray<NodeObservation> Replicas { get; init; }

    /// <summary>Since the death was noticed.</summary>
    public required TimeSpan DeadFor { get; init; }

    /// <summary>The dead process' connections are still open: a replica reads no end of its link.</summary>
    public bool HoldsConnections { get; init; }

    /// <summary>Replication id of the dead master's data; null: not known.</summary>
    public string? ReplicationId { get; init; }

    /// <summary>The process that an earlier attempt promoted, and that not every Sentinel knows of yet; null: none.</summary>
    public string? Promoted { get; init; }
}

/// <summary>A node that takes part.</summary>
/// <param name="Endpoint">Where it is asked.</param>
/// <param name="Address">Its address in the group.</param>
/// <param name="RunId">Its process.</param>
public sealed record SuccessionNode(RedisEndpoint Endpoint, RedisEndpoint Address, string RunId);

/// <summary>Who succeeds whom.</summary>
/// <param name="Master">The dead master's address, which the Sentinels name.</param>
/// <param name="Target">The next master.</param>
/// <param name="Others">Replicas that are to follow it.</param>
public sealed record SuccessionPlan(RedisEndpoint Master, SuccessionNode Target, ImmutableArray<SuccessionNode> Others);

/// <summary>Whether somebody succeeds, and who. Closed.</summary>
[JsonPolymorphic]
public abstract record SuccessionDecision : IDecision
{
    private SuccessionDecision(string code, string reason) => (Code, Reason) = (code, reason);

    /// <summary>Stable, for logs, metrics and tests.</summary>
    public string Code { get; }

    /// <summary>Why, in words.</summary>
    public string Reason { get; }

    /// <summary>Promote it, and tell the Sentinels.</summary>
    public sealed record Succeed(SuccessionPlan Plan, string Reason) : SuccessionDecision("succeed", Reason);

    /// <summary>Not yet: look again after <paramref name="Again"/>; null: at the caller's pace.</summary>
    public sealed record Wait(string Code, string Reason, TimeSpan? Again = null) : SuccessionDecision(Code, Reason);

    /// <summary>Not now, for want of evidence: look again after <paramref name="Again"/>; null: at the caller's pace.</summary>
    public sealed record Refuse(string Code, string Reason, TimeSpan? Again = null) : SuccessionDecision(Code, Reason);
}
