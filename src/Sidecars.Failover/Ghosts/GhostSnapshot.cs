using System.Collections.Immutable;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;

namespace Sidecars.Failover.Ghosts;

/// <summary>Everything that the repair of ghosts knows in one round; immutable.</summary>
public sealed record GhostSnapshot
{
    /// <summary>Configured number of Redis nodes; the larger one while it changes.</summary>
    public required int RedisCount { get; init; }

    /// <summary>Configured number of Sentinels; the larger one while it changes.</summary>
    public required int SentinelCount { get; init; }

    /// <summary>One per Sentinel address asked: the configured ones, each with its list of the others.</summary>
    public required ImmutableArray<SentinelObservation> Sentinels { get; init; }

    /// <summary>One per Redis address asked.</summary>
    public required ImmutableArray<NodeObservation> Nodes { get; init; }

    /// <summary>Run id of the Redis beside the one that asks: only the sidecar of the master acts.</summary>
    public required string MyRunId { get; init; }

    /// <summary>
    /// For how long every look has had the same <see cref="GhostRepairPolicy.Fingerprint"/>, since the last RESET at the most.
    /// </summary>
    public required TimeSpan UnchangedFor { get; init; }
}

/// <summary>What is done about ghosts; a closed set, each with a stable code and a reason for people.</summary>
public abstract record GhostDecision : IDecision
{
    private GhostDecision(string code, string reason) => (Code, Reason) = (code, reason);

    /// <summary>Stable, for logs, metrics and tests.</summary>
    public string Code { get; }

    /// <summary>Why, in words.</summary>
    public string Reason { get; }

    /// <summary>No Sentinel knows more Sentinels or replicas than there should be.</summary>
    public sealed record Nothing(string Reason) : GhostDecision("no-ghosts", Reason);

    /// <summary>Ghosts are there and could be removed, but another sidecar does it.</summary>
    public sealed record LeaveToMaster(string Reason) : GhostDecision("left-to-master", Reason);

    /// <summary>They could be removed; not before this time has passed without a change.</summary>
    public sealed record Wait(TimeSpan Remaining, string Reason) : GhostDecision("settling", Reason);

    /// <summary>RESET this one Sentinel.</summary>
    public sealed record Reset(RedisEndpoint Sentinel, string MyId, string Reason) : GhostDecision("reset", Reason);

    /// <summary>There are ghosts, perhaps, and the view is not good enough to act on. Counted by code.</summary>
    public sealed record Refuse(string Code, string Reason) : GhostDecision(Code, Reason);
}
