using System.Buffers;
using System.Text.Json;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Sentinel;

/// <summary>The kept epoch from and to the bytes of <c>epoch.json</c>, format 1. Unknown members are a newer neighbour's.</summary>
public static class EpochDocument
{
    private const int Format = 1;

    /// <summary>Reads it; null for anything that is not an epoch of ours.</summary>
    public static EpochReading.Known? TryRead(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            using var document = JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = 2 });
            var root = document.RootElement;
            if (root.ValueKind == JsonValueKind.Object
                && root.TryGetProperty("format", out var format) && format.ValueKind == JsonValueKind.Number && format.TryGetInt32(out var version) && version >= Format
                && root.TryGetProperty("epoch", out var number) && number.ValueKind == JsonValueKind.Number && number.TryGetInt64(out var epoch)
                && epoch is >= 0 and <= EpochKeeperPolicy.MaxEpoch
                && TryMaster(root, out var master))
            {
                return new EpochReading.Known(epoch, master);
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: half a surrogate pair. Either way it is not ours.
        }

        return null;
    }

    /// <summary>Writes it.</summary>
    public static byte[] Write(EpochReading.Known epoch)
    {
        ArgumentNullException.ThrowIfNull(epoch);
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("format", Format);
            json.WriteNumber("epoch", epoch.Epoch);
            if (epoch.Master is { } master) json.WriteString("master", master.ToString());
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static bool TryMaster(JsonElement root, out RedisEndpoint? master)
    {
        master = null;
        if (!root.TryGetProperty("master", out var text)) return true;
        return text.ValueKind == JsonValueKind.String && RedisEndpoint.TryParse(text.GetString(), 6379, out master);
    }
}
