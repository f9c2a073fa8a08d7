using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Redis;

/// <summary>Small readings that replies of Redis and Sentinel share; none of them throws.</summary>
public static class ReplyText
{
    /// <summary>Reads a string of any kind as text; false for null, numbers, aggregates and errors.</summary>
    public static bool TryText(RespValue value, out string text)
    {
        var isText = value.Kind is RespKind.BulkString or RespKind.SimpleString or RespKind.VerbatimString;
        text = isText ? value.Text : "";
        return isText;
    }

    /// <summary>Reads an integer, sent as such or as the text of one.</summary>
    public static bool TryInt64(RespValue value, out long number)
    {
        number = value.Integer;
        return value.Kind == RespKind.Integer || (TryText(value, out var text) && TryInt64(text, out number));
    }

    /// <inheritdoc cref="TryInt64(RespValue, out long)"/>
    public static bool TryInt64(string? text, out long number) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);

    /// <summary>
    /// The text of one name in a flat array (RESP2) or a map (RESP3) of names and values; null where it is not there, or no text.
    /// </summary>
    public static string? ValueOf(RespValue? map, string name)
    {
        if (map is not { IsAggregate: true }) return null;
        for (var i = 0; i + 1 < map.Items.Count; i += 2)
        {
            if (TryText(map.Items[i], out var key) && key == name && TryText(map.Items[i + 1], out var text)) return text;
        }

        return null;
    }

    /// <summary>Reads host and port that a server sent in two fields; false if nobody could connect to them (empty host, port 0).</summary>
    public static bool TryEndpoint(string? host, long port, [NotNullWhen(true)] out RedisEndpoint? endpoint)
    {
        endpoint = null;
        if (host is null || port is < 1 or > 65535) return false;
        if (host.Contains(':', StringComparison.Ordinal) && !IPAddress.TryParse(host, out _)) return false; // "a:1" is no host
        return RedisEndpoint.TryParse(host, (int)port, out endpoint);
    }
}
