using System.Text.Json.Serialization;
using Sidecars.Core.Primitives;

namespace Sidecars.Failover.LedAway;

/// <summary>The facts as they stand in the log, to be read back and decided again (<c>status --explain</c>).</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true, RespectNullableAnnotations = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, Converters = [typeof(RedisEndpointJsonConverter)])]
[JsonSerializable(typeof(LedAwayFacts))]
public sealed partial class LedAwayJson : JsonSerializerContext;
