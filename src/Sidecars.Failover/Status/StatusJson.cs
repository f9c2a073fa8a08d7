using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Sidecars.Core.Hosting;

namespace Sidecars.Failover.Status;

/// <summary>A report for programs: one object; what is not known is left out. And redis-bootstrap's heartbeat.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(StatusReport))]
[JsonSerializable(typeof(HeartbeatDocument))]
internal sealed partial class StatusJson : JsonSerializerContext
{
    /// <summary>The text; ends with a line feed.</summary>
    /// <param name="report">The report.</param>
    /// <param name="oneLine">For <c>--watch</c>: one object a line.</param>
    public static string Write(StatusReport report, bool oneLine = false)
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        var form = new JsonWriterOptions { Indented = !oneLine, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        using (var json = new Utf8JsonWriter(buffer, form))
            JsonSerializer.Serialize(json, report, Default.StatusReport);
        return Encoding.UTF8.GetString(buffer.WrittenSpan) + "\n";
    }
}
