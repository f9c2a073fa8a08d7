using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Sidecars.Failover.Status;

/// <summary>A report for programs: one object; what is not known is left out.</summary>
public static class StatusJson
{
    private static readonly JsonWriterOptions Readable = new() { Indented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The text; ends with a line feed.</summary>
    /// <param name="report">The report.</param>
    /// <param name="oneLine">For <c>--watch</c>: one object a line.</param>
    public static string Write(StatusReport report, bool oneLine = false)
    {
        ArgumentNullException.ThrowIfNull(report);
        var buffer = new ArrayBufferWriter<byte>(4096);
        using (var json = new Utf8JsonWriter(buffer, Readable with { Indented = !oneLine }))
        {
            json.WriteStartObject();
            json.WriteString("cluster", report.Cluster);
            json.WriteBoolean("healthy", report.IsHealthy);
            Text(json, "master", report.Master);
            json.WriteString("summary", report.Summary);
            json.WriteStartArray("redis");
            foreach (var node in report.Nodes) Write(json, node);
            json.WriteEndArray();
            json.WriteStartArray("sentinels");
            foreach (var sentinel in report.Sentinels) Write(json, sentinel);
            json.WriteEndArray();
            json.WriteStartObject("sources");
            foreach (var source in report.Sources) json.WriteString(source.Name, source.Says);
            json.WriteEndObject();
            json.WriteStartArray("findings");
            foreach (var finding in report.Findings)
            {
                json.WriteStartObject();
                json.WriteString("kind", finding.Kind == FindingKind.Note ? "note" : "disagreement");
                json.WriteString("code", finding.Code);
                json.WriteString("text", finding.Text);
                json.WriteString("to_do", finding.ToDo);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan) + "\n";
    }

    private static void Write(Utf8JsonWriter json, NodeRow node)
    {
        json.WriteStartObject();
        json.WriteString("address", node.Address);
        json.WriteString("role", node.Role);
        Text(json, "of", node.Of);
        Text(json, "link", node.Link);
        Number(json, "offset", node.Offset);
        Number(json, "lag_bytes", node.Lag);
        Text(json, "writes", node.Writes);
        Number(json, "priority", node.Priority);
        Text(json, "token", node.Token);
        Text(json, "run_id", node.RunId);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, SentinelRow sentinel)
    {
        json.WriteStartObject();
        json.WriteString("address", sentinel.Address);
        json.WriteString("state", sentinel.State);
        Text(json, "master", sentinel.Master);
        Number(json, "epoch", sentinel.Epoch);
        Text(json, "flags", sentinel.Flags);
        Number(json, "others", sentinel.Others);
        Number(json, "replicas", sentinel.Replicas);
        Text(json, "id", sentinel.Id);
        json.WriteEndObject();
    }

    private static void Text(Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null) json.WriteString(name, value);
    }

    private static void Number(Utf8JsonWriter json, string name, long? value)
    {
        if (value is not null) json.WriteNumber(name, value.Value);
    }
}
