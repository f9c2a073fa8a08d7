using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Sidecars.Core.Primitives;

/// <summary>
/// Where a server listens: a host (IP address or name) and a TCP port. Hosts compare without regard to case, and an IP
/// address by its canonical text, so that <c>::1</c> and <c>0:0:0:0:0:0:0:1</c> are equal. A class, although small: generic code
/// over a struct is compiled once more for each type, which cost each native executable 0.8 MB.
/// </summary>
public sealed record RedisEndpoint
{
    /// <summary>Creates an endpoint.</summary>
    /// <exception cref="ArgumentException">The host is empty or the port is not in 1..65535.</exception>
    public RedisEndpoint(string host, int port)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(host);
        if (port is < 1 or > 65535) throw new ArgumentOutOfRangeException(nameof(port), port, "A port is 1..65535.");
        Host = IPAddress.TryParse(host, out var ip) ? ip.ToString() : host.ToLowerInvariant();
        Port = port;
    }

    /// <summary>IP address (canonical text, no brackets) or DNS name (lower case).</summary>
    public string Host { get; }

    /// <summary>TCP port, 1..65535.</summary>
    public int Port { get; }

    /// <summary>True where no name has to be resolved to connect.</summary>
    public bool IsAddress => IPAddress.TryParse(Host, out _);

    /// <summary>Reads <c>host</c>, <c>host:port</c>, <c>[v6]:port</c> or a bare IPv6 address.</summary>
    /// <param name="text">The text; surrounding white space is ignored.</param>
    /// <param name="defaultPort">Used where the text names no port.</param>
    /// <param name="endpoint">The result.</param>
    public static bool TryParse(string? text, int defaultPort, [NotNullWhen(true)] out RedisEndpoint? endpoint)
    {
        endpoint = null;
        text = text?.Trim();
        if (string.IsNullOrEmpty(text)) return false;
        string host;
        string? portText = null;
        if (text[0] == '[')
        {
            var close = text.IndexOf(']', StringComparison.Ordinal);
            if (close < 0) return false;
            host = text[1..close];
            if (close + 1 < text.Length)
            {
                if (text[close + 1] != ':') return false;
                portText = text[(close + 2)..];
            }
        }
        else if (text.Count(c => c == ':') == 1)
        {
            var colon = text.IndexOf(':', StringComparison.Ordinal);
            host = text[..colon];
            portText = text[(colon + 1)..];
        }
        else
        {
            host = text;
        }

        var port = defaultPort;
        // Digits alone: int.TryParse also takes NUL characters after them.
        if (portText is not null
            && (!portText.All(char.IsAsciiDigit) || !int.TryParse(portText, NumberStyles.None, CultureInfo.InvariantCulture, out port)))
        {
            return false;
        }

        if (port is < 1 or > 65535 || !IsHost(host)) return false;
        endpoint = new RedisEndpoint(host, port);
        return true;
    }

    /// <summary><c>host:port</c>, with brackets around an IPv6 address.</summary>
    public override string ToString() =>
        (Host.Contains(':', StringComparison.Ordinal) ? "[" + Host + "]:" : Host + ":") + Port.ToString(CultureInfo.InvariantCulture);

    private static bool IsHost(string host) =>
        host.Length is > 0 and <= 253
        && (IPAddress.TryParse(host, out _) || host.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_'));
}

/// <summary>An endpoint as the JSON string <c>host:port</c>, in logs and documents.</summary>
public sealed class RedisEndpointJsonConverter : JsonConverter<RedisEndpoint>
{
    /// <inheritdoc/>
    public override RedisEndpoint Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && RedisEndpoint.TryParse(reader.GetString(), 6379, out var endpoint)
            ? endpoint
            : throw new JsonException("An endpoint is a string host:port.");

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, RedisEndpoint value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString());
}
