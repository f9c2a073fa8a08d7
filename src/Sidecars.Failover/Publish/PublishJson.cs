using System.Text.Json.Serialization;
using Sidecars.Core.Primitives;

namespace Sidecars.Failover.Publish;

/// <summary>The facts of publishing as they stand in the log, to be read back and decided again (<c>status --explain</c>).</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true, RespectNullableAnnotations = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, Converters = [typeof(RedisEndpointJsonConverter)])]
[JsonSerializable(typeof(PublishFacts))]
[JsonSerializable(typeof(AnotherMasterFacts))]
public sealed partial class PublishJson : JsonSerializerContext;
