using System.Buffers.Text;
using System.Text.Json;
using Sidecars.Core.Hosting;
using Sidecars.Core.Primitives;

namespace Sidecars.Probe.Reading;

/// <summary>
/// What a probe needs of <see cref="HeartbeatDocument"/>: three fields, without a document tree, and without DateTimeOffset's
/// parser and FileInfo's times, which bring the zone tables: together a sixth of the executable.
/// </summary>
public sealed class ProbeHeartbeat
{
    private long _writtenTicks;

    private ProbeHeartbeat()
    {
    }

    /// <summary>Why it waits; "" where the file does not say.</summary>
    public string Reason { get; private set; } = "";

    /// <summary>For whom, separated by commas; "" for nobody.</summary>
    public string WaitingFor { get; private set; } = "";

    /// <summary>
    /// Null where there is no fresh one. Its own UTC time is compared: it is replaced whole, and both sides run on one node.
    /// </summary>
    public static ProbeHeartbeat? ReadFresh(string path, TimeProvider time)
    {
        try
        {
            return Parse(BoundedFile.Read(path, HeartbeatDocument.MaxBytes)) is { } heartbeat && heartbeat.IsFresh(time) ? heartbeat : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Null for what is no heartbeat.</summary>
    public static ProbeHeartbeat? Parse(ReadOnlySpan<byte> bytes)
    {
        var heartbeat = new ProbeHeartbeat();
        try
        {
            var reader = new Utf8JsonReader(bytes);
            while (reader.Read())
            {
                if (reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == 1) heartbeat.Take(ref reader);
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return null; // torn or foreign
        }

        return heartbeat._writtenTicks > 0 ? heartbeat : null;
    }

    /// <summary>
    /// Returns true within <see cref="HeartbeatFile.MaxAge"/>; after a step of the clock backwards a near future counts too.
    /// </summary>
    public bool IsFresh(TimeProvider time) => Math.Abs(time.GetUtcNow().UtcTicks - _writtenTicks) <= HeartbeatFile.MaxAge.Ticks;

    private void Take(ref Utf8JsonReader reader)
    {
        if (reader.ValueTextEquals("reason"u8))
        {
            if (reader.Read() && reader.TokenType == JsonTokenType.String) Reason = reader.GetString()!;
        }
        else if (reader.ValueTextEquals("written_at"u8))
        {
            if (reader.Read() && reader.TokenType == JsonTokenType.String) _writtenTicks = Ticks(reader.ValueSpan);
        }
        else if (reader.ValueTextEquals("waiting_for"u8) && reader.Read() && reader.TokenType == JsonTokenType.StartArray)
        {
            while (reader.Read() && reader.TokenType == JsonTokenType.String)
                WaitingFor += (WaitingFor.Length == 0 ? "" : ", ") + reader.GetString();
        }
    }

    // "2026-11-21T03:04:05…" in UTC, to the second; 0 for anything else.
    private static long Ticks(ReadOnlySpan<byte> text)
    {
        if (text.Length < 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':') return 0;
        if (!text.EndsWith("Z"u8) && !text.EndsWith("+00:00"u8)) return 0;
        var (year, month, day) = (Number(text[..4]), Number(text[5..7]), Number(text[8..10]));
        var (hour, minute, second) = (Number(text[11..13]), Number(text[14..16]), Number(text[17..19]));
        var isTime = year is > 0 and < 10000 && month is > 0 and < 13 && day > 0 && day <= DateTime.DaysInMonth(year, month)
            && hour is >= 0 and < 24 && minute is >= 0 and < 60 && second is >= 0 and < 60;
        return isTime ? new DateTime(year, month, day, hour, minute, second, DateTimeKind.Utc).Ticks : 0;
    }

    private static int Number(ReadOnlySpan<byte> digits) =>
        Utf8Parser.TryParse(digits, out int number, out var used) && used == digits.Length ? number : -1;
}
