using System.Text.Json.Serialization;
using Sidecars.Core.Primitives;

namespace Sidecars.Failover.Passwords;

/// <summary>The facts of the rotation as they stand in the log, to be read back and decided again (<c>status --explain</c>).</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true, RespectNullableAnnotations = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, Converters = [typeof(RedisEndpointJsonConverter)])]
[JsonSerializable(typeof(PasswordFacts))]
public sealed partial class PasswordJson : JsonSerializerContext;
