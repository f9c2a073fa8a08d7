using System.Text.Json.Serialization;
using Sidecars.Core.Primitives;
using Sidecars.Core.Topology;

namespace Sidecars.Failover.HandOver;

/// <summary>What one Redis said of itself: INFO and its settings, in one exchange on one fresh connection.</summary>
public sealed record HandOverNode
{
    /// <summary>The process. An address may lead to another one in a moment.</summary>
    public required string RunId { get; init; }

    /// <summary>What it is called in the group: the announced address, else the one it was asked at.</summary>
    public required RedisEndpoint Address { get; init; }

    /// <summary>Its role.</summary>
    public required NodeRole Role { get; init; }

    /// <summary>Replication id of its data.</summary>
    public string ReplicationId { get; init; } = "";

    /// <summary>Replication id before its last promotion; "" where there is none.</summary>
    public string PreviousReplicationId { get; init; } = "";

    /// <summary>First offset that <see cref="PreviousReplicationId"/> does not cover (<c>second_repl_offset</c>); null where there is none.</summary>
    public long? PreviousEnded { get; init; }

    /// <summary>Replication offset in bytes.</summary>
    public long Offset { get; init; }

    /// <summary>A replica's master.</summary>
    public RedisEndpoint? MasterAddress { get; init; }

    /// <summary>A replica's link is up.</summary>
    public bool LinkUp { get; init; }

    /// <summary>Since it heard from its master; null on a master, or while the link is down.</summary>
    public TimeSpan? Silence { get; init; }

    /// <summary>A full copy is being received.</summary>
    public bool Syncing { get; init; }

    /// <summary>It reads its data from disk.</summary>
    public bool Loading { get; init; }

    /// <summary>
    /// An AOF rewrite runs or is scheduled. After a full sync the disk holds the dataset before it until the rewrite ends: killed then, a
    /// server comes back with that (measured: 10 keys of 200,000).
    /// </summary>
    public bool Rewriting { get; init; }

    /// <summary>Redis' own FAILOVER runs here; it refuses REPLICAOF meanwhile.</summary>
    public bool FailingOver { get; init; }

    /// <summary><c>replica-priority</c>; 0 is never promoted.</summary>
    public required int Priority { get; init; }

    /// <summary><c>min-replicas-to-write</c>.</summary>
    public required long MinReplicas { get; init; }

    /// <summary><c>min-replicas-max-lag</c>, seconds; 0 switches the check, and so any fence, off.</summary>
    public required long MaxLag { get; init; }

    /// <summary>Replicas that are attached and acknowledged within <see cref="MaxLag"/>.</summary>
    public int Attached { get; init; }
}

/// <summary>The outcome of asking one Redis. Closed; unreachable is not dead.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "state")]
[JsonDerivedType(typeof(Known), "known")]
[JsonDerivedType(typeof(Unknown), "unknown")]
[JsonDerivedType(typeof(Unreachable), "unreachable")]
public abstract record HandOverObservation
{
    private HandOverObservation(RedisEndpoint endpoint) => Endpoint = endpoint;

    /// <summary>Where it was asked.</summary>
    public RedisEndpoint Endpoint { get; }

    /// <summary>It answered.</summary>
    public sealed record Known(RedisEndpoint Endpoint, HandOverNode Node) : HandOverObservation(Endpoint);

    /// <summary>Something is there, and what it says can't be used.</summary>
    public sealed record Unknown(RedisEndpoint Endpoint, string Why) : HandOverObservation(Endpoint);

    /// <summary>No connection.</summary>
    public sealed record Unreachable(RedisEndpoint Endpoint, string Why) : HandOverObservation(Endpoint);
}
