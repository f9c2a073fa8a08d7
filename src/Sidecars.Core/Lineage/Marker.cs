using Sidecars.Core.Primitives;

namespace Sidecars.Core.Lineage;

/// <summary>What a server was when the marker was written.</summary>
public enum MarkerRole
{
    /// <summary>Not known: the marker was written before the server answered.</summary>
    Unknown,

    /// <summary>Took writes.</summary>
    Master,

    /// <summary>Followed a master.</summary>
    Replica,
}

/// <summary>The AOF as it was when the marker was written.</summary>
/// <param name="File">Name of the newest incr file.</param>
/// <param name="Length">
/// Its bytes when <see cref="Marker.Position"/> was read, with what the server had still buffered: a file of this length holds
/// everything up to that offset.
/// </param>
/// <param name="Exact">
/// True where a file of exactly this length holds exactly that offset: nothing was buffered, and nothing written meanwhile.
/// </param>
/// <param name="Total">
/// <c>aof_current_size</c> and <c>aof_buffer_length</c> of the INFO that told the offset: bytes of all AOF files that hold it. Taken at
/// one moment, so that every byte more on disk is a byte of the stream more; null where unknown, or not what lies on disk.
/// </param>
public sealed record AofMark(string File, long Length, bool Exact = true, long? Total = null);

/// <summary>The master that was last seen to serve (ROLE=master), as this node knows it.</summary>
/// <param name="Node">Who.</param>
/// <param name="Token">The token it served under.</param>
public sealed record LastServing(NodeIdentity Node, FencingToken Token);

/// <summary>
/// What a node remembers of itself over restarts: <c>&lt;data&gt;/.sidecar/state.json</c>. Written about every second, so every field is
/// up to a second old, or hours old where the sidecar did not run; compare it with the files beside it (<see cref="DiskEvidence"/>).
/// </summary>
/// <param name="Cluster">The group.</param>
/// <param name="Node">The pod that wrote it.</param>
/// <param name="BootId">Boot id of the machine, or of the pod where the machine's is not visible; 1..64 characters.</param>
/// <param name="Token">The token that the node accepted last.</param>
/// <param name="History">Replication ids of the group's masters.</param>
/// <param name="Role">What the server was.</param>
/// <param name="HighestEpoch">Highest Sentinel epoch ever seen; a rebuilt Sentinel is seeded with it.</param>
public sealed record Marker(
    ClusterId Cluster, NodeIdentity Node, string BootId, FencingToken Token, LineageHistory History, MarkerRole Role, long HighestEpoch)
{
    /// <summary>The version of the format that this code writes.</summary>
    public const int CurrentFormat = 1;

    /// <summary>The version that was read; a higher one may hold more than is known here.</summary>
    public int Format { get; init; } = CurrentFormat;

    /// <summary>Written by a newer version: what is known was read, the rest is not. Rewriting it loses the rest.</summary>
    public bool IsNewer => Format > CurrentFormat;

    /// <summary>
    /// Redis <c>run_id</c> (40 characters) of the process that last served these data; null from its start until it has loaded them.
    /// </summary>
    public string? RunId { get; init; }

    /// <summary>Replication id and offset in the server's memory; null before the server answered.</summary>
    public ReplicationPosition? Position { get; init; }

    /// <summary>
    /// The replication id that the data are still of, though <see cref="Position"/> has another: a master that starts from its AOF makes an
    /// id up, the first replica that asks for its stream gives it one more (syncCommand in replication.c), and no write has been accepted
    /// under either. Null: a write may have been accepted, or the server is not such a master.
    /// </summary>
    public ReplicationId? StillOf { get; init; }

    /// <summary><c>master_link_status:up</c>; false for a master.</summary>
    public bool MasterLinkUp { get; init; }

    /// <summary>
    /// A full sync was being received or loaded, or was loaded and, with the AOF on, its manifest has not changed since: the dataset
    /// on disk is not the one that was in memory.
    /// </summary>
    public bool FullSyncInProgress { get; init; }

    /// <summary>An AOF rewrite was running or scheduled.</summary>
    public bool AofRewriteInProgress { get; init; }

    /// <summary>
    /// The AOF; null with the AOF off or before it was read. The writer takes length, INFO, length: <see cref="AofMark.Exact"/> only
    /// when the lengths agree and INFO says <c>aof_buffer_length:0</c>, since a server holds back acknowledged writes while an
    /// fsync is under way (flushAppendOnlyFile in aof.c; seen on 7.0.15 right after a rewrite).
    /// </summary>
    public AofMark? Aof { get; init; }

    /// <summary>
    /// An offset of <see cref="Position"/>'s replication id that this node had at least <see cref="EarlierBy"/> before this marker;
    /// null where it was not up for so long. Another node's disk below it is not merely a marker late: it was rolled back, or its
    /// sidecar did not run.
    /// </summary>
    public long? EarlierOffset { get; init; }

    /// <summary>5 s: five markers of a second each. Two nodes that die together have markers that are two seconds apart at most.</summary>
    public static readonly TimeSpan EarlierBy = TimeSpan.FromSeconds(5);

    /// <summary>The last serving master; null where none was ever seen.</summary>
    public LastServing? LastServing { get; init; }

    /// <summary>
    /// What bootstrap announced at this node's last start; null before the first, and from versions that did not note it.
    /// </summary>
    public AnnouncedAddress? Announced { get; init; }

    /// <summary>UTC time by the writer's clock, RFC 3339. For people: clocks of nodes differ, so nothing compares it.</summary>
    public string? WrittenAt { get; init; }
}
