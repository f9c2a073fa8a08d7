using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;

namespace Sidecars.Core.Election;

/// <summary>Source-generated JSON of snapshots, of record and evidence, and of the leader-elector's answer.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(BootstrapSnapshot))]
[JsonSerializable(typeof(MonitorSnapshot))]
[JsonSerializable(typeof(ElectionDocuments.RecordFile))]
[JsonSerializable(typeof(ElectionDocuments.EvidenceFile))]
[JsonSerializable(typeof(LeaderElectorBackend.LeaderDocument))]
// Cases of several closed types share their names.
[JsonSerializable(typeof(SentinelObservation.Known), TypeInfoPropertyName = "SentinelKnown")]
[JsonSerializable(typeof(SentinelObservation.Unknown), TypeInfoPropertyName = "SentinelUnknown")]
[JsonSerializable(typeof(SentinelObservation.Unreachable), TypeInfoPropertyName = "SentinelUnreachable")]
[JsonSerializable(typeof(NodeObservation.Known), TypeInfoPropertyName = "NodeKnown")]
[JsonSerializable(typeof(NodeObservation.Unknown), TypeInfoPropertyName = "NodeUnknown")]
[JsonSerializable(typeof(NodeObservation.Unreachable), TypeInfoPropertyName = "NodeUnreachable")]
[JsonSerializable(typeof(ElectionObservation.Known), TypeInfoPropertyName = "ElectionKnown")]
[JsonSerializable(typeof(ElectionObservation.Unavailable), TypeInfoPropertyName = "ElectionUnavailable")]
[JsonSerializable(typeof(EpochReading.Known), TypeInfoPropertyName = "EpochKnown")]
[JsonSerializable(typeof(EpochReading.Unavailable), TypeInfoPropertyName = "EpochUnavailable")]
internal sealed partial class ElectionJson : JsonSerializerContext;

/// <summary>The context with relaxed escaping: neither a log nor an annotation is HTML.</summary>
internal static class PlainJson
{
    public static readonly ElectionJson Context = new(new JsonSerializerOptions(ElectionJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
