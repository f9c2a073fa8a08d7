using System.Text.Json.Serialization;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;

namespace Sidecars.Failover.HandOver;

/// <summary>
/// The facts of a hand-over and of its repair as they stand in the log, to be read back and decided again (<c>status --explain</c>).
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true, RespectNullableAnnotations = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, Converters = [typeof(RedisEndpointJsonConverter)])]
[JsonSerializable(typeof(HandOverSnapshot))]
[JsonSerializable(typeof(HandOverRepairFacts))]
// Cases of several closed types share their names.
[JsonSerializable(typeof(SentinelObservation.Known), TypeInfoPropertyName = "SentinelKnown")]
[JsonSerializable(typeof(SentinelObservation.Unknown), TypeInfoPropertyName = "SentinelUnknown")]
[JsonSerializable(typeof(SentinelObservation.Unreachable), TypeInfoPropertyName = "SentinelUnreachable")]
[JsonSerializable(typeof(NodeObservation.Known), TypeInfoPropertyName = "NodeKnown")]
[JsonSerializable(typeof(NodeObservation.Unknown), TypeInfoPropertyName = "NodeUnknown")]
[JsonSerializable(typeof(NodeObservation.Unreachable), TypeInfoPropertyName = "NodeUnreachable")]
public sealed partial class HandOverJson : JsonSerializerContext;
