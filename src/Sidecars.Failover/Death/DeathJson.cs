using System.Text.Json.Serialization;
using Sidecars.Core.Primitives;

namespace Sidecars.Failover.Death;

/// <summary>The facts of a process death as they stand in the log, to be read back and decided again (<c>status --explain</c>).</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true, RespectNullableAnnotations = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, Converters = [typeof(RedisEndpointJsonConverter)])]
[JsonSerializable(typeof(DeathFacts))]
[JsonSerializable(typeof(AbandonedFacts))]
public sealed partial class DeathJson : JsonSerializerContext;
