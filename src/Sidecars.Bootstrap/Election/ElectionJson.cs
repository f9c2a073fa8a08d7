using System.Text.Json;
using System.Text.Json.Serialization;
using Sidecars.Core.Election;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;

namespace Sidecars.Bootstrap.Election;

/// <summary>Source-generated reader of logged snapshots. Writing is by hand (<see cref="SnapshotJsonWriter"/>).</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UseStringEnumConverter = true,
    RespectNullableAnnotations = true,
    Converters = [typeof(EvidenceJsonConverter), typeof(RecordJsonConverter), typeof(RedisEndpointJsonConverter)])]
[JsonSerializable(typeof(BootstrapSnapshot))]
[JsonSerializable(typeof(MonitorSnapshot))]
// Cases of several closed types share their names.
[JsonSerializable(typeof(SentinelObservation.Known), TypeInfoPropertyName = "SentinelKnown")]
[JsonSerializable(typeof(SentinelObservation.Unknown), TypeInfoPropertyName = "SentinelUnknown")]
[JsonSerializable(typeof(SentinelObservation.Unreachable), TypeInfoPropertyName = "SentinelUnreachable")]
[JsonSerializable(typeof(NodeObservation.Known), TypeInfoPropertyName = "NodeKnown")]
[JsonSerializable(typeof(NodeObservation.Unknown), TypeInfoPropertyName = "NodeUnknown")]
[JsonSerializable(typeof(NodeObservation.Unreachable), TypeInfoPropertyName = "NodeUnreachable")]
[JsonSerializable(typeof(EpochReading.Known), TypeInfoPropertyName = "EpochKnown")]
[JsonSerializable(typeof(EpochReading.Unavailable), TypeInfoPropertyName = "EpochUnavailable")]
[JsonSerializable(typeof(ElectionObservation.Known), TypeInfoPropertyName = "ElectionKnown")]
[JsonSerializable(typeof(ElectionObservation.Unavailable), TypeInfoPropertyName = "ElectionUnavailable")]
internal sealed partial class ElectionJson : JsonSerializerContext;

/// <summary>Evidence within a snapshot, read as in its own document.</summary>
internal sealed class EvidenceJsonConverter : JsonConverter<CandidateEvidence>
{
    public override CandidateEvidence Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var facts = JsonFacts.Of(JsonElement.ParseValue(ref reader));
        var evidence = ElectionJsonReader.Evidence(facts);
        return facts.Fault is { } fault ? throw new JsonException(fault.Detail) : evidence;
    }

    public override void Write(Utf8JsonWriter writer, CandidateEvidence value, JsonSerializerOptions options) =>
        throw new NotSupportedException();
}

/// <summary>The record within a snapshot, read as in its own document.</summary>
internal sealed class RecordJsonConverter : JsonConverter<ElectionRecord>
{
    public override ElectionRecord Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var facts = JsonFacts.Of(JsonElement.ParseValue(ref reader));
        var record = ElectionJsonReader.Record(facts);
        return facts.Fault is { } fault ? throw new JsonException(fault.Detail) : record;
    }

    public override void Write(Utf8JsonWriter writer, ElectionRecord value, JsonSerializerOptions options) =>
        throw new NotSupportedException();
}
