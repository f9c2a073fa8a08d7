using System.Text.Json.Serialization;
using Sidecars.Core.Primitives;

namespace Sidecars.Failover.Fence;

/// <summary>The facts of the fence as they stand in the log, to be read back and decided again (<c>status --explain</c>).</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true, RespectNullableAnnotations = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, Converters = [typeof(RedisEndpointJsonConverter)])]
[JsonSerializable(typeof(FenceFacts))]
public sealed partial class FenceJson : JsonSerializerContext;
