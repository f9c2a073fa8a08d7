using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;

namespace Sidecars.Core.Election;

/// <summary>
/// Snapshots as they stand in the log, and back: a logged decision can be taken again from its snapshot, long after the
/// fact, and must come out the same.
/// </summary>
public static class SnapshotDocument
{
    // Relaxed escaping: a log is no HTML.
    private static readonly SnapshotJson Json = new(new JsonSerializerOptions(SnapshotJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    /// <summary>One line of JSON.</summary>
    public static string Write(BootstrapSnapshot snapshot) => JsonSerializer.Serialize(snapshot, Json.BootstrapSnapshot);

    /// <summary>One line of JSON.</summary>
    public static string Write(MonitorSnapshot snapshot) => JsonSerializer.Serialize(snapshot, Json.MonitorSnapshot);

    /// <summary>Reads a logged snapshot of a starting Redis; null with a reason for anything else.</summary>
    public static BootstrapSnapshot? TryReadBootstrap(string json, out string why)
    {
        try
        {
            why = "";
            return JsonSerializer.Deserialize(json, Json.BootstrapSnapshot);
        }
        catch (JsonException e)
        {
            why = e.Message;
            return null;
        }
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(BootstrapSnapshot))]
[JsonSerializable(typeof(MonitorSnapshot))]
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
internal sealed partial class SnapshotJson : JsonSerializerContext;
