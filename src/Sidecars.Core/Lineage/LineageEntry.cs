namespace Sidecars.Core.Lineage;

/// <summary>A pod. The name stays with the volume (StatefulSet), the UID with the life of the pod.</summary>
/// <param name="Name">Pod name, 1..253 characters.</param>
/// <param name="Uid">Pod UID, 1..64 characters.</param>
public sealed record NodeIdentity(string Name, string Uid)
{
    /// <summary>Longest name: that of a Kubernetes object.</summary>
    public const int MaxNameLength = 253;

    /// <summary>Longest UID: a UUID has 36 characters; room for other platforms.</summary>
    public const int MaxUidLength = 64;

    /// <summary>A master that a replica saw by its address only. It is nobody's name: it starts with a dot.</summary>
    public static NodeIdentity Unknown { get; } = new(".unknown", ".unknown");

    /// <summary><c>name(uid)</c>.</summary>
    public override string ToString() => $"{Name}({Uid})";
}

/// <summary>Where a replication id stands in the order of history.</summary>
/// <param name="Term">Term of the election, 0 or more.</param>
/// <param name="Epoch">Sentinel's config-epoch, 0 or more.</param>
/// <param name="Generation">Count of replication ids in the history that the id continues, from 1; raised by every new id, also by one
/// that raised neither term nor epoch (a restart from the AOF in place). Unlike an index in a list it survives the list being cut.</param>
public readonly record struct LineagePosition(long Term, long Epoch, long Generation) : IComparable<LineagePosition>
{
    /// <inheritdoc/>
    public int CompareTo(LineagePosition other) => (Term, Epoch, Generation).CompareTo((other.Term, other.Epoch, other.Generation));

    /// <summary>Strictly before.</summary>
    public static bool operator <(LineagePosition left, LineagePosition right) => left.CompareTo(right) < 0;

    /// <summary>Strictly after.</summary>
    public static bool operator >(LineagePosition left, LineagePosition right) => left.CompareTo(right) > 0;

    /// <summary>Before or equal.</summary>
    public static bool operator <=(LineagePosition left, LineagePosition right) => left.CompareTo(right) <= 0;

    /// <summary>After or equal.</summary>
    public static bool operator >=(LineagePosition left, LineagePosition right) => left.CompareTo(right) >= 0;

    /// <summary><c>term.epoch#generation</c>.</summary>
    public override string ToString() => $"{Term}.{Epoch}#{Generation}";
}

/// <summary>One replication id that a master of the group served under.</summary>
/// <param name="Id">The replication id.</param>
/// <param name="StartOffset">Offset at which it began, 0 or more.</param>
/// <param name="Position">Its place in history.</param>
/// <param name="Master">Who served.</param>
public sealed record LineageEntry(ReplicationId Id, long StartOffset, LineagePosition Position, NodeIdentity Master);
