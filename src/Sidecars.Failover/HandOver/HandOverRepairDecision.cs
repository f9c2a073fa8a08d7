using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;

namespace Sidecars.Failover.HandOver;

/// <summary>What the repair knows in one round.</summary>
/// <param name="Group">One look; its own node is the server beside this process.</param>
/// <param name="Coordinator">Another process holds the lock of this server; null: it can't be told.</param>
/// <param name="GivenUp">For whom this server gives up; null: for nobody.</param>
/// <param name="GivenUpUnreadable">Why the note of it can't be read; null: it can, or there is none.</param>
public sealed record HandOverRepairFacts(
    HandOverSnapshot Group, bool? Coordinator, GivingUp? GivenUp = null, string? GivenUpUnreadable = null);

/// <summary>
/// What the sidecar of a Redis does about what a dead coordinator left; a closed set, each with a stable code and a reason.
/// </summary>
public abstract record HandOverRepairDecision : IDecision
{
    private HandOverRepairDecision(string code, string reason) => (Code, Reason) = (code, reason);

    /// <summary>Stable, for logs, metrics and tests.</summary>
    public string Code { get; }

    /// <summary>Why, in words.</summary>
    public string Reason { get; }

    /// <summary>How long the same must have been seen before it is done: longer than a living coordinator leaves it so.</summary>
    public TimeSpan After { get; init; }

    /// <summary>True if something is to be done.</summary>
    public virtual bool IsAct => true;

    /// <summary>Nothing is left over here, or another one's turn.</summary>
    public sealed record Nothing(string Code, string Reason) : HandOverRepairDecision(Code, Reason)
    {
        /// <inheritdoc/>
        public override bool IsAct => false;
    }

    /// <summary>Something is left over, and the view is not good enough to touch it. Counted by code.</summary>
    public sealed record Refuse(string Code, string Reason) : HandOverRepairDecision(Code, Reason)
    {
        /// <inheritdoc/>
        public override bool IsAct => false;
    }

    /// <summary>
    /// Win the next epoch and announce this node in it: the one that was promoted, or this server where that one is gone.
    /// </summary>
    /// <param name="Code">Stable.</param>
    /// <param name="Target">Who is announced.</param>
    /// <param name="Replaces">Whom a majority names now.</param>
    /// <param name="Above">The dead coordinator's epoch, in which its votes stand.</param>
    /// <param name="Reason">In words.</param>
    public sealed record Tell(string Code, RedisEndpoint Target, RedisEndpoint Replaces, long Above, string Reason)
        : HandOverRepairDecision(Code, Reason);

    /// <summary>A majority names the one that this server gave up for: follow it, and cut the clients.</summary>
    public sealed record Demote(string RunId, RedisEndpoint Master, long MinReplicas, string Reason)
        : HandOverRepairDecision("demote", Reason);

    /// <summary>Give <c>min-replicas-to-write</c> of this server its configured value; the giving-up is void first.</summary>
    public sealed record SetMinReplicas(string Code, string RunId, long Value, string Reason) : HandOverRepairDecision(Code, Reason);

    /// <summary>The giving-up is done, or void.</summary>
    public sealed record Forget(string Reason) : HandOverRepairDecision("forget", Reason);
}
