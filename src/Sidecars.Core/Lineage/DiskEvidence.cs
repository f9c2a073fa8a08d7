namespace Sidecars.Core.Lineage;

/// <summary>What lies on a disk, for an election.</summary>
public enum DataState
{
    /// <summary>
    /// The server would start on it without saying so, but it is not, or may not be, the dataset that was last in memory. Never elected.
    /// </summary>
    Suspect,

    /// <summary>No files: a first boot, or a disk that was wiped: then a marker may be there.</summary>
    Absent,

    /// <summary>Valid files of no keys. That is data: someone may have called FLUSHALL. Absent files are not.</summary>
    Empty,

    /// <summary>Valid files of a dataset.</summary>
    Present,
}

/// <summary>Why a disk is <see cref="DataState.Suspect"/>.</summary>
public enum SuspectReason
{
    /// <summary>It is not.</summary>
    None,

    /// <summary>
    /// The data directory is missing or cannot be listed: a volume that is not mounted looks like a first boot otherwise.
    /// </summary>
    DirectoryUnreadable,

    /// <summary>dump.rdb has no readable header.</summary>
    RdbUnreadable,

    /// <summary>dump.rdb does not end as one does.</summary>
    RdbCut,

    /// <summary>The AOF's manifest cannot be read, or the server would refuse it.</summary>
    ManifestUnreadable,

    /// <summary>AOF files without a manifest: the server would start empty beside them.</summary>
    ManifestMissing,

    /// <summary>A file that the manifest names is missing or cannot be read.</summary>
    AofFileMissing,

    /// <summary>The base of the AOF has no readable header, or does not end as one does.</summary>
    AofBaseUnreadable,

    /// <summary>The end of the AOF is not one that a crash leaves.</summary>
    AofGarbled,

    /// <summary>Only dump.rdb, with the AOF on: the server would start EMPTY and overwrite it at its end.</summary>
    RdbWithoutAof,

    /// <summary>An AOF, and no dump or an older one, with the AOF off: it would start empty, or on old data, beside it.</summary>
    AofWithoutRdb,

    /// <summary>The AOF is, or may be, from before a full sync that was loaded: the stale-AOF trap.</summary>
    StaleAof,

    /// <summary>The marker says that a full sync was under way, and nothing was completed since.</summary>
    FullSyncInterrupted,
}

/// <summary>What an offset says about the data on disk.</summary>
public enum PositionBound
{
    /// <summary>Only the replication id counts: marker and files cannot be compared.</summary>
    Unclear,

    /// <summary>The disk holds this much or less: bytes that were in memory did not reach it.</summary>
    AtMost,

    /// <summary>The disk holds this much or more: it was written after the offset was noted.</summary>
    AtLeast,

    /// <summary>The disk holds exactly this much.</summary>
    Exact,
}

/// <summary>Where a position was read.</summary>
public enum PositionSource
{
    /// <summary>The marker.</summary>
    Marker,

    /// <summary>The header of dump.rdb.</summary>
    RdbHeader,
}

/// <summary>A point in a replication stream that the disk holds.</summary>
/// <param name="At">The point.</param>
/// <param name="Bound">What its offset says.</param>
/// <param name="Source">Where it was read.</param>
public sealed record DiskPosition(ReplicationPosition At, PositionBound Bound, PositionSource Source)
{
    /// <summary>
    /// The disk holds this offset at least; 0 where nothing is known. Where the AOF is shorter than noted, less what is missing.
    /// </summary>
    public long Lower { get; init; }

    /// <summary>The disk holds this offset at most; null where it may hold more.</summary>
    public long? Upper { get; init; }

    /// <summary>
    /// The offset that it holds to the best of all knowledge: the noted one, and what the AOF has grown by since. Ranks nodes that died
    /// together, each some writes after its last marker; off by the annotations of a second or two (<c>#TS:</c>, 16 bytes each).
    /// </summary>
    public long Estimate { get; init; }
}

/// <summary>The files against the marker.</summary>
public enum DiskVersusMarker
{
    /// <summary>Cannot be compared.</summary>
    Unknown,

    /// <summary>As the marker noted them.</summary>
    Same,

    /// <summary>Written after the marker.</summary>
    DiskNewer,

    /// <summary>Less than the marker noted: the power went before the bytes were on disk, or an older volume came back.</summary>
    DiskOlder,
}

/// <summary>What a pod's disk testifies: the facts, and what follows from them. Immutable.</summary>
/// <param name="Facts">As read.</param>
/// <param name="State">Whether there is a dataset, and whether it can be trusted.</param>
/// <param name="Reason">Why it is suspect.</param>
/// <param name="Detail">The reason for people; "" when not suspect.</param>
public sealed record DiskEvidence(DiskFacts Facts, DataState State, SuspectReason Reason, string Detail)
{
    /// <summary>The point in the replication stream; null where neither marker nor dump.rdb tells one that holds.</summary>
    public DiskPosition? Position { get; init; }

    /// <summary>
    /// Who filled this directory, where no server has written to it since: no data file, and no marker that knows a position, is newer
    /// than the mark. Null otherwise, and where there are no data beside the mark.
    /// </summary>
    public FilledBy? Filled { get; init; }

    /// <summary>The files against the marker.</summary>
    public DiskVersusMarker VersusMarker { get; init; }

    /// <summary>Bytes of all AOF files that the server would load.</summary>
    public long AofLength { get; init; }

    /// <summary>
    /// When data were last known to be written, seconds since 1970 by the node's clock: the last <c>#TS:</c> of the newest increment, or,
    /// where that has none, the time of the base's snapshot; null: unknown. (A server annotates once a second, over files: an increment
    /// begun within the second of the last annotation holds commands and no <c>#TS:</c>; seen on 7.0.15.)
    /// </summary>
    public long? LastTimestamp =>
        Facts.AofTail.Value?.LastTimestamp ?? (Facts.AofBase.Value is { HasNoKeys: false, CreatedSeconds: { } created } ? created : null);

    /// <summary>Intact data, of keys or of none: what an election may rank.</summary>
    public bool IsIntact => State is DataState.Present or DataState.Empty;
}
