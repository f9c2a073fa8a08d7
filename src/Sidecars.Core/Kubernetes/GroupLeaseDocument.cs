using Sidecars.Core.Primitives;

namespace Sidecars.Core.Kubernetes;

/// <summary>A pod that an election chose, and that has not yet been seen to serve.</summary>
/// <param name="PodUid">UID of the pod; a StatefulSet's name is used again, a UID is not.</param>
/// <param name="PodName">Name of the pod, whose volume holds the data.</param>
/// <param name="Address">The address it will announce.</param>
/// <param name="Term">The term it was chosen for.</param>
/// <param name="Incarnation">Its process, 1..64 characters: a container that restarted in the same pod is another candidate.</param>
public sealed record LeaseCandidate(string PodUid, string PodName, RedisEndpoint Address, long Term, string Incarnation);

/// <summary>The pod that was last seen with ROLE=master, with the fencing token of that moment in its three parts.</summary>
/// <param name="PodUid">UID of the pod.</param>
/// <param name="PodName">Name of the pod, whose volume holds the data.</param>
/// <param name="Address">The address it announced.</param>
/// <param name="Term">Raised by each election.</param>
/// <param name="Epoch">Sentinel's config-epoch.</param>
/// <param name="Rev">Raised when the same master's address changes.</param>
/// <param name="ReplicationId">Its replication id, 40 hexadecimal digits.</param>
/// <param name="Offset">Replication offset that its disk had when this was written, bytes.</param>
public sealed record LeaseServing(string PodUid, string PodName, RedisEndpoint Address, long Term, long Epoch, long Rev, string ReplicationId, long Offset);

/// <summary>One replication id that the group has had.</summary>
/// <param name="ReplicationId">40 hexadecimal digits.</param>
/// <param name="Offset">Replication offset at which it began, bytes.</param>
/// <param name="Term">Term in force then.</param>
/// <param name="Epoch">Sentinel's config-epoch then.</param>
/// <param name="Generation">Count of replication ids up to this one.</param>
/// <param name="MasterUid">UID of the pod that was master.</param>
/// <param name="MasterName">Its name.</param>
public sealed record LineagePoint(string ReplicationId, long Offset, long Term, long Epoch, long Generation, string MasterUid, string MasterName);

/// <summary>A pod that was in sync.</summary>
/// <param name="Uid">UID.</param>
/// <param name="Name">Name.</param>
/// <param name="Offset">Replication offset that it had acknowledged, bytes.</param>
public sealed record InSyncPod(string Uid, string Name, long Offset);

/// <summary>The last term that began by a person's word.</summary>
/// <param name="Kind">What was said, 1..16 characters.</param>
/// <param name="PodName">The pod whose data, or whose empty disk, the group went on with.</param>
/// <param name="Term">The term.</param>
public sealed record LeaseWord(string Kind, string PodName, long Term);

/// <summary>A master that refuses writes on purpose.</summary>
/// <param name="PodUid">UID of the fenced pod.</param>
/// <param name="Reason">Why, for people.</param>
public sealed record FenceFact(string PodUid, string Reason);

/// <summary>
/// What a group knows about itself, as it stands in the annotations of its Lease. Values only: what they mean is
/// decided by the election. Immutable; written by <see cref="GroupLeaseReader.Apply"/>.
/// </summary>
public sealed record GroupLeaseDocument
{
    /// <summary>Most points of <see cref="Lineage"/> that are kept, the newest: 64 take 12 KiB and cover months of failovers.</summary>
    public const int MaxLineage = 64;

    /// <summary>Most pods in <see cref="InSync"/>.</summary>
    public const int MaxInSync = 32;

    /// <summary>Highest number that a term, an epoch, a rev or an offset may have; JSON numbers are exact below it in every reader.</summary>
    public const long MaxNumber = (1L << 53) - 1;

    /// <summary>Term; 0: the group has never had one (a first installation).</summary>
    public long Term { get; init; }

    /// <summary>Highest Sentinel epoch that any sidecar has seen, with which new Sentinels are seeded.</summary>
    public long HighestEpoch { get; init; }

    /// <summary>The chosen pod, null between elections.</summary>
    public LeaseCandidate? Candidate { get; init; }

    /// <summary>The last pod that served; null before the first.</summary>
    public LeaseServing? LastServing { get; init; }

    /// <summary>Replication ids of the group, oldest first.</summary>
    public IReadOnlyList<LineagePoint> Lineage { get; init; } = [];

    /// <summary>The pods that were in sync with <see cref="LastServing"/>; null where unknown, which is not the same as none.</summary>
    public IReadOnlyList<InSyncPod>? InSync { get; init; }

    /// <summary>Term out of which a person allowed an empty start, once; null where nobody did.</summary>
    public long? EmptyStartAllowedInTerm { get; init; }

    /// <summary>Name of the pod whose data a person declared the group's, for the next election; null where nobody did.</summary>
    public string? Trusted { get; init; }

    /// <summary>The last term that began by a person's word; null where none did.</summary>
    public LeaseWord? Word { get; init; }

    /// <summary>Nonce of the evidence round that is under way; null outside of one.</summary>
    public string? Round { get; init; }

    /// <summary>The configured durability (<c>aof</c>, <c>rdb</c>, <c>none</c>) that the data was written with; null before the first master.</summary>
    public string? Durability { get; init; }

    /// <summary>A fence that stands; null where none is known.</summary>
    public FenceFact? Fence { get; init; }

    /// <inheritdoc/>
    public bool Equals(GroupLeaseDocument? other) =>
        other is not null && Term == other.Term && HighestEpoch == other.HighestEpoch && Candidate == other.Candidate
        && LastServing == other.LastServing && Round == other.Round && EmptyStartAllowedInTerm == other.EmptyStartAllowedInTerm && Durability == other.Durability && Fence == other.Fence
        && Trusted == other.Trusted && Word == other.Word
        && Lineage.SequenceEqual(other.Lineage)
        && (InSync is null ? other.InSync is null : other.InSync is not null && InSync.SequenceEqual(other.InSync));

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Term, HighestEpoch, Candidate, LastServing, Round, Lineage.Count);
}
