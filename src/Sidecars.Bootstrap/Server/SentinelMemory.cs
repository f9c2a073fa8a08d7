using System.Globalization;
using Sidecars.Bootstrap.Election;
using Sidecars.Core.Configuration;
using Sidecars.Core.Primitives;

namespace Sidecars.Bootstrap.Server;

/// <summary>
/// What a Sentinel wrote into its own configuration before its container restarted: its id, so that it is the same voter, and
/// its epochs, which must never go back.
/// </summary>
internal sealed record SentinelMemory(string? MyId, long CurrentEpoch, RememberedMaster? Master)
{
    public static SentinelMemory None { get; } = new(null, 0, null);

    /// <summary>
    /// Reads <c>myid</c>, <c>current-epoch</c>, <c>monitor</c> and <c>config-epoch</c>; what is missing or malformed is left out.
    /// </summary>
    public static SentinelMemory Read(RedisConfigDocument document, string masterName)
    {
        string? id = null;
        long current = 0, config = 0;
        RedisEndpoint? address = null;
        foreach (var line in document.All("sentinel"))
        {
            switch (line.Text(0))
            {
                case "myid" when line.Text(1) is { Length: 40 } text && text.All(char.IsAsciiHexDigitLower): id = text; break;
                case "current-epoch": current = Number(line.Text(1)); break;
                case "config-epoch" when line.Text(1) == masterName: config = Number(line.Text(2)); break;
                case "monitor" when line.Text(1) == masterName
                    && int.TryParse(line.Text(3), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
                    && RedisEndpoint.TryParse(line.Text(2), port, out var endpoint):
                    address = endpoint;
                    break;
            }
        }

        return new SentinelMemory(id, current, address is { } master ? new RememberedMaster(master, config) : null);
    }

    private static long Number(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : 0;
}
