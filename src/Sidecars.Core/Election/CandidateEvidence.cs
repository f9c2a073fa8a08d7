using System.Text.Json.Serialization;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Election;

/// <summary>
/// What one starting node brings to an election. Written by the node itself, read by all; it counts only while the process
/// that wrote it lives (<see cref="Live"/>), so that last week's evidence elects nobody.
/// </summary>
public sealed record CandidateEvidence
{
    /// <summary>The node's name, stable over restarts (<c>redis-0</c>).</summary>
    public required string Node { get; init; }

    /// <summary>This incarnation: the pod's UID, or a fresh random id. A StatefulSet reuses names.</summary>
    public required string Uid { get; init; }

    /// <summary>Where it will listen.</summary>
    public required RedisEndpoint Address { get; init; }

    /// <summary>What its disk holds, as far as it can be told without loading it.</summary>
    public required DataState Data { get; init; }

    /// <summary>A data set, possibly of 0 keys: a flushed data set is data, absent files are not.</summary>
    [JsonIgnore]
    public bool HasData => Data is DataState.Present or DataState.Empty;

    /// <summary>Why <see cref="Data"/> is <see cref="DataState.Suspect"/>; "" otherwise.</summary>
    public string Why { get; init; } = "";

    /// <summary>Bytes of AOF (all its parts), else of the RDB file.</summary>
    public long DataBytes { get; init; }

    /// <summary>True while the incarnation that wrote it is known to live.</summary>
    public bool Live { get; init; }
}
