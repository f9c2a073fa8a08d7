using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Sidecars.Core.Hosting;

/// <summary>What a process that waits tells probes and people: who it is, why it waits, for whom, and since when.</summary>
public sealed record HeartbeatDocument
{
    /// <summary>Version of this format; a reader of another version still judges freshness.</summary>
    public const int CurrentVersion = 1;

    /// <summary>No heartbeat is larger; a bigger file is not one.</summary>
    public const int MaxBytes = 64 * 1024;

    /// <summary>See <see cref="CurrentVersion"/>.</summary>
    public int Version { get; init; } = CurrentVersion;

    /// <summary>The executable and mode (<c>redis-bootstrap redis</c>).</summary>
    public required string Component { get; init; }

    /// <summary>Process id within its container.</summary>
    public required int Pid { get; init; }

    /// <summary>Why it waits, for machines: stable, one word a reason.</summary>
    public required string Code { get; init; }

    /// <summary>Why it waits, for people.</summary>
    public required string Reason { get; init; }

    /// <summary>Since when with this code; UTC.</summary>
    public required DateTimeOffset Since { get; init; }

    /// <summary>When this was written; UTC.</summary>
    public required DateTimeOffset WrittenAt { get; init; }

    /// <summary>Names of the pods, addresses or services it waits for.</summary>
    public IReadOnlyList<string> WaitingFor { get; init; } = [];

    /// <summary>One JSON object and a line feed.</summary>
    public byte[] ToBytes()
    {
        var bytes = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            json.WriteNumber("version", Version);
            json.WriteString("component", Component);
            json.WriteNumber("pid", Pid);
            json.WriteString("code", Code);
            json.WriteString("reason", Reason);
            json.WriteString("since", Since);
            json.WriteString("written_at", WrittenAt);
            json.WriteStartArray("waiting_for");
            foreach (var name in WaitingFor) json.WriteStringValue(name);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        bytes.Write("\n"u8);
        return bytes.WrittenSpan.ToArray();
    }

    /// <summary>Reads a document; false for anything torn, foreign or too large, never an exception.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out HeartbeatDocument? document)
    {
        document = null;
        if (bytes.Length > MaxBytes) return false;
        try
        {
            var reader = new Utf8JsonReader(bytes);
            if (!JsonDocument.TryParseValue(ref reader, out var json)) return false;
            using (json) document = Read(json.RootElement);
            return document is not null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return false; // not JSON; or text that is no valid UTF-16 once unescaped
        }
    }

    private static HeartbeatDocument? Read(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object) return null;
        if (Number(root, "version") is not { } version || Number(root, "pid") is not { } pid) return null;
        if (Text(root, "component") is not { } component || Text(root, "code") is not { } code || Text(root, "reason") is not { } reason) return null;
        if (Time(root, "since") is not { } since || Time(root, "written_at") is not { } writtenAt) return null;
        var waitingFor = root.TryGetProperty("waiting_for", out var names) && names.ValueKind == JsonValueKind.Array
            ? names.EnumerateArray().Where(name => name.ValueKind == JsonValueKind.String).Select(name => name.GetString()!).ToArray()
            : [];
        return new HeartbeatDocument
        {
            Version = version,
            Component = component,
            Pid = pid,
            Code = code,
            Reason = reason,
            Since = since,
            WrittenAt = writtenAt,
            WaitingFor = waitingFor,
        };
    }

    private static string? Text(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static int? Number(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) ? number : null;

    private static DateTimeOffset? Time(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.TryGetDateTimeOffset(out var time) ? time : null;
}
