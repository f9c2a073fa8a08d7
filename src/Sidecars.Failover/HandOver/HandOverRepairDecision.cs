using Sidecars.Core.Primitives;

namespace Sidecars.Failover.HandOver;

/// <summary>What the repair knows in one round.</summary>
/// <param name="Group">One look; its own node is the server beside this process.</param>
/// <param name="Coordinator">Another process holds the lock of this server; null: it can't be told.</param>
public sealed record HandOverRepairFacts(HandOverSnapshot Group, bool? Coordinator);

/// <summary>What the sidecar of a Redis does about what a dead coordinator left; a closed set, each with a stable code and a reason.</summary>
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

    /// <summary>This server was promoted and the old master demoted: have this one Sentinel make it so.</summary>
    public sealed record TellSentinel(RedisEndpoint Sentinel, string Reason) : HandOverRepairDecision("tell-sentinel", Reason);

    /// <summary>That one was promoted and this master never demoted: make it follow again, as Sentinel would after 8 s and an INFO.</summary>
    public sealed record TakeBack(RedisEndpoint Endpoint, string RunId, RedisEndpoint Master, string Reason) : HandOverRepairDecision("take-back", Reason);

    /// <summary>This server, which Sentinels still name, follows one that is dead: be master again.</summary>
    public sealed record Resume(string RunId, long MinReplicas, string Reason) : HandOverRepairDecision("resume", Reason);

    /// <summary>Give <c>min-replicas-to-write</c> of this server its configured value.</summary>
    public sealed record SetMinReplicas(string Code, string RunId, long Value, string Reason) : HandOverRepairDecision(Code, Reason);

    /// <summary>Give <c>replica-priority</c> of this server its configured value.</summary>
    public sealed record SetPriority(string RunId, int Value, string Reason) : HandOverRepairDecision("restore-priority", Reason);
}
