using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Election;

/// <summary>
/// What one starting node brings to an election. Written by the node itself, read by all; it counts only while the process
/// that wrote it lives (<see cref="Live"/>), so that last week's evidence elects nobody. What it remembers of others
/// (<see cref="History"/>, <see cref="LastServing"/>) counts for ever.
/// </summary>
public sealed record CandidateEvidence
{
    /// <summary>31: as many as <c>REDIS_COUNT</c> may say.</summary>
    public const int MaxRedisCount = 31;

    /// <summary>The node's name, stable over restarts (<c>redis-0</c>); 1..253 characters.</summary>
    public required string Node { get; init; }

    /// <summary>The pod's UID, or a fresh random id. A StatefulSet reuses names.</summary>
    public required string Uid { get; init; }

    /// <summary>This process: fresh and random at each start, for a pod's UID survives its containers.</summary>
    public required string Incarnation { get; init; }

    /// <summary>Where it will listen.</summary>
    public required RedisEndpoint Address { get; init; }

    /// <summary>What its disk holds, as far as it can be told without loading it.</summary>
    public required DataState Data { get; init; }

    /// <summary>A data set, possibly of 0 keys: a flushed data set is data, absent files are not.</summary>
    [JsonIgnore]
    public bool HasData => Data is DataState.Present or DataState.Empty;

    /// <summary>Who filled its disk, where no server of the group has written to it since; null otherwise.</summary>
    public FilledBy? Filled { get; init; }

    /// <summary>Why <see cref="Data"/> is <see cref="DataState.Suspect"/>; "" otherwise.</summary>
    public string Why { get; init; } = "";

    /// <summary>Bytes of AOF (all its parts), else of the RDB file.</summary>
    public long DataBytes { get; init; }

    /// <summary>The token that it accepted last; none without a marker.</summary>
    public FencingToken Token { get; init; }

    /// <summary>Highest Sentinel epoch that it ever saw.</summary>
    public long HighestEpoch { get; init; }

    /// <summary>The point in the replication stream that its disk holds; null where nothing tells it.</summary>
    public DiskPosition? Position { get; init; }

    /// <summary><see cref="Marker.StillOf"/>, where the disk holds no more than the marker saw.</summary>
    public ReplicationId? StillOf { get; init; }

    /// <summary>See <see cref="Marker.EarlierOffset"/>.</summary>
    public long? EarlierOffset { get; init; }

    /// <summary>The master that it saw serve last.</summary>
    public LastServing? LastServing { get; init; }

    /// <summary>Replication ids of the group's masters, as it knows them, ascending.</summary>
    public ImmutableArray<LineageEntry> History { get; init; } = [];

    /// <summary>When data were last written, seconds since 1970 by its own clock. For people: clocks decide nothing.</summary>
    public long? LastTimestamp { get; init; }

    /// <summary>How many Redis nodes there should be by its own setting, 1..<see cref="MaxRedisCount"/>; 0: it does not say.</summary>
    public int RedisCount { get; init; }

    /// <summary>True while the incarnation that wrote it is known to live.</summary>
    public bool Live { get; init; }

    /// <summary>Makes the evidence of what a disk holds.</summary>
    public static CandidateEvidence Of(NodeIdentity node, string incarnation, RedisEndpoint address, DiskEvidence disk, int redisCount = 0)
    {
        ArgumentNullException.ThrowIfNull(node);
        ArgumentNullException.ThrowIfNull(disk);
        var marker = disk.Facts.Marker.IsKnown ? disk.Facts.Marker.Value : null;
        return new CandidateEvidence
        {
            Node = node.Name,
            Uid = node.Uid,
            Incarnation = incarnation,
            Address = address,
            Data = disk.State,
            Filled = disk.Filled,
            Why = disk.Detail,
            DataBytes = disk.Facts.Durability == Durability.Aof ? disk.AofLength : disk.Facts.RdbFile.Value?.Length ?? 0,
            Token = marker?.Token ?? FencingToken.None,
            HighestEpoch = marker?.HighestEpoch ?? 0,
            Position = disk.Position,
            StillOf = disk.Position is { Source: PositionSource.Marker, Bound: PositionBound.Exact or PositionBound.AtMost }
                ? marker?.StillOf
                : null,
            EarlierOffset = disk.Position?.At.Id == marker?.Position?.Id ? marker?.EarlierOffset : null,
            LastServing = marker?.LastServing,
            History = marker is null ? [] : [.. marker.History],
            LastTimestamp = disk.LastTimestamp,
            RedisCount = redisCount,
            Live = true,
        };
    }
}
