using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Topology;

namespace Sidecars.Failover.Keeper;

/// <summary>The AOF beside a look at the server: file and length before it, and again after it.</summary>
/// <param name="File">The newest increment that the manifest names.</param>
/// <param name="Before">Its bytes before INFO was asked.</param>
/// <param name="After">Its bytes afterwards.</param>
/// <param name="Others">Bytes of the other files that the manifest has the server load; null: unknown.</param>
public sealed record AofLook(string File, long Before, long After, long? Others = null)
{
    /// <summary>
    /// Whether <c>aof_current_size</c> is what lay on disk between the two looks. It is not after a start that cut a torn end off:
    /// loadAppendOnlyFiles (aof.c) counts what it cut until the next rewrite.
    /// </summary>
    public bool Confirms(long size) => Others is { } others && size >= Before + others && size <= After + others;
}

/// <summary>What the server beside a sidecar said of itself at one moment. Null: unknown.</summary>
public sealed record ServerFacts
{
    /// <summary>Redis <c>run_id</c>.</summary>
    public required string RunId { get; init; }

    /// <summary>Master or replica; never unknown.</summary>
    public required MarkerRole Role { get; init; }

    /// <summary>It reads its data from disk: nothing it says of its stream counts yet.</summary>
    public bool IsLoading { get; init; }

    /// <summary>Its replication id and offset.</summary>
    public required ReplicationPosition Position { get; init; }

    /// <summary>Replicas that count for <c>min-replicas-to-write</c>; null: writes are accepted without any.</summary>
    public long? GoodReplicas { get; init; }

    /// <summary>Somebody has asked for its stream, or may have.</summary>
    public bool HasBacklog { get; init; } = true;

    /// <summary>A replica's master.</summary>
    public RedisEndpoint? MasterAddress { get; init; }

    /// <summary>A replica's link is up.</summary>
    public bool IsLinkUp { get; init; }

    /// <summary>A full copy is being received.</summary>
    public bool IsSyncing { get; init; }

    /// <summary>An AOF rewrite runs or is scheduled.</summary>
    public bool IsRewriting { get; init; }

    /// <summary><c>aof_buffer_length</c>; null with the AOF off.</summary>
    public long? AofBuffered { get; init; }

    /// <summary><c>aof_current_size</c>, bytes of all AOF files; null with the AOF off.</summary>
    public long? AofSize { get; init; }

    /// <summary>The AOF; null with the AOF off, or where the manifest changed meanwhile.</summary>
    public AofLook? Aof { get; init; }

    /// <summary>A master's replicas.</summary>
    public IReadOnlyList<InfoReplica> Replicas { get; init; } = [];

    /// <summary>From a look at it; null where that lacks what a marker must have.</summary>
    public static ServerFacts? Of(NodeLook look, AofLook? aof)
    {
        ArgumentNullException.ThrowIfNull(look);
        if (!ReplicationId.TryParse(look.ReplicationId, out var id) || look.Offset is not (>= 0 and var at)) return null;
        return new ServerFacts
        {
            RunId = look.RunId,
            Role = look.Role == NodeRole.Master ? MarkerRole.Master : MarkerRole.Replica,
            IsLoading = look.Loading,
            Position = new ReplicationPosition(id, at),
            GoodReplicas = look.Info.GoodReplicas,
            HasBacklog = look.Info.BacklogActive != false,
            MasterAddress = look.MasterAddress,
            IsLinkUp = look.MasterLinkUp,
            IsSyncing = look.SyncInProgress,
            IsRewriting = look.Rewriting,
            AofBuffered = look.Info.AofBufferLength,
            AofSize = look.Info.AofCurrentSize,
            Aof = aof,
            Replicas = look.Info.Replicas,
        };
    }
}

/// <summary>What the group says about the master that this server is, or follows.</summary>
/// <param name="Epoch">Sentinel's config-epoch of that master, where a majority names it; null where none does.</param>
/// <param name="HighestEpoch">Highest epoch that any Sentinel showed; 0 where none answers.</param>
/// <param name="Term">Term of the record; 0 where it was not read.</param>
/// <param name="Master">Who the master is, where its address is known; null otherwise.</param>
/// <param name="Author">
/// Who serves under the server's replication id by its own word, as the record has it; null where that does not know the id.
/// </param>
public sealed record GroupKnowledge(long? Epoch, long HighestEpoch, long Term, NodeIdentity? Master, NodeIdentity? Author = null)
{
    /// <summary>Nobody answers.</summary>
    public static GroupKnowledge None { get; } = new(null, 0, 0, null);
}
