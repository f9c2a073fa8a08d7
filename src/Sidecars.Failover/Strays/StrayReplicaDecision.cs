using Sidecars.Core.Primitives;
using Sidecars.Failover.HandOver;

namespace Sidecars.Failover.Strays;

/// <summary>What is known where the server beside this sidecar may follow somebody else than the group's master.</summary>
public sealed record StrayReplicaFacts
{
    /// <summary>
    /// The own server, the Sentinels, and, once <see cref="StandingFor"/> is long enough, the master that they name, asked after the own
    /// server on a new connection.
    /// </summary>
    public required HandOverSnapshot Group { get; init; }

    /// <summary>Announced address of the own server; null: not known yet.</summary>
    public RedisEndpoint? Address { get; init; }

    /// <summary>A step-down holds the lock of the own server; null: it can't be told.</summary>
    public bool? StepDownRuns { get; init; }

    /// <summary>How long <see cref="StrayReplicaPolicy.Find"/> has found the same without a break.</summary>
    public TimeSpan StandingFor { get; init; }
}

/// <summary>A replica that no Sentinel knows and that follows another server than the master they name.</summary>
/// <param name="RunId">Its process.</param>
/// <param name="Follows">Whom it follows.</param>
/// <param name="Master">Whom the Sentinels name.</param>
public sealed record StrayLink(string RunId, RedisEndpoint Follows, RedisEndpoint Master);

/// <summary>What to do about a stray replica; a closed set.</summary>
public abstract record StrayReplicaDecision(string Code, string Reason) : IDecision
{
    /// <summary>Make the own server a replica of the master.</summary>
    /// <param name="Link">Who, from whom, to whom.</param>
    /// <param name="ReplicationId">Of its data. The master's own, or the one before its promotion.</param>
    /// <param name="Below">Its offset must be below this one; null: the master has all of <paramref name="ReplicationId"/>.</param>
    /// <param name="Reason">Why, in words.</param>
    public sealed record Attach(StrayLink Link, string ReplicationId, long? Below, string Reason) : StrayReplicaDecision("attach", Reason);

    /// <summary>It is a stray, and the evidence is not enough to attach it. Counted.</summary>
    public sealed record Wait(string Code, string Reason) : StrayReplicaDecision(Code, Reason);

    /// <summary>It is no stray as far as is known, or not yet for long enough.</summary>
    public sealed record Nothing(string Code, string Reason) : StrayReplicaDecision(Code, Reason);
}
