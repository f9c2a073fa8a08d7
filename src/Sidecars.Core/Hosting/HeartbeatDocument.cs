using System.Buffers;
using System.Text.Json;

namespace Sidecars.Core.Hosting;

/// <summary>
/// What a process that waits tells probes and people: who it is, why it waits, for whom, and since when. Written by hand: the serializer
/// that a source-generated context brings is 1.26 MB of redis-bootstrap's 8 (measured). redis-probe reads what it needs of it
/// (<c>ProbeHeartbeat</c>).
/// </summary>
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

    /// <summary>Writes one JSON object and a line feed.</summary>
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
}
