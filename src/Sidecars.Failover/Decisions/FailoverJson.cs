using System.Text.Json.Serialization;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;
using Sidecars.Failover.Death;
using Sidecars.Failover.Fence;
using Sidecars.Failover.Ghosts;
using Sidecars.Failover.HandOver;
using Sidecars.Failover.Passwords;
using Sidecars.Failover.Publish;
using Sidecars.Failover.RoleLabel;
using Sidecars.Failover.Strays;

namespace Sidecars.Failover.Decisions;

/// <summary>The facts of decisions as they stand in the log, to be read back and decided again (<c>status --explain</c>).</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true, RespectNullableAnnotations = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, Converters = [typeof(RedisEndpointJsonConverter)])]
[JsonSerializable(typeof(PublishFacts))]
[JsonSerializable(typeof(AnotherMasterFacts))]
[JsonSerializable(typeof(FenceFacts))]
[JsonSerializable(typeof(DeathFacts))]
[JsonSerializable(typeof(PasswordFacts))]
[JsonSerializable(typeof(SelfReplicaFacts))]
[JsonSerializable(typeof(StrayReplicaFacts))]
[JsonSerializable(typeof(RoleLabelFacts))]
[JsonSerializable(typeof(EpochKeeperFacts))]
[JsonSerializable(typeof(GhostSnapshot))]
[JsonSerializable(typeof(HandOverSnapshot))]
[JsonSerializable(typeof(HandOverRepairFacts))]
// Cases of several closed types share their names.
[JsonSerializable(typeof(SentinelObservation.Known), TypeInfoPropertyName = "SentinelKnown")]
[JsonSerializable(typeof(SentinelObservation.Unknown), TypeInfoPropertyName = "SentinelUnknown")]
[JsonSerializable(typeof(SentinelObservation.Unreachable), TypeInfoPropertyName = "SentinelUnreachable")]
[JsonSerializable(typeof(EpochReading.Known), TypeInfoPropertyName = "EpochKnown")]
[JsonSerializable(typeof(EpochReading.Unavailable), TypeInfoPropertyName = "EpochUnavailable")]
[JsonSerializable(typeof(NodeObservation.Known), TypeInfoPropertyName = "NodeKnown")]
[JsonSerializable(typeof(NodeObservation.Unknown), TypeInfoPropertyName = "NodeUnknown")]
[JsonSerializable(typeof(NodeObservation.Unreachable), TypeInfoPropertyName = "NodeUnreachable")]
public sealed partial class FailoverJson : JsonSerializerContext;
