using System.Net;
using System.Net.Sockets;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Topology;

/// <summary>Finds the IP address to announce: Redis and Sentinel hand on addresses, never names.</summary>
public static class AnnounceAddress
{
    /// <summary>The configured host, resolved, or this host's first own address; null with the reason where there is none yet.</summary>
    /// <param name="host">Address or name; null: this host's own.</param>
    /// <param name="port">Goes with it.</param>
    /// <param name="timeout">For the name.</param>
    /// <param name="time">For the deadline.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task<(RedisEndpoint? Endpoint, string Why)> FindAsync(string? host, int port, TimeSpan timeout, TimeProvider time, CancellationToken cancellation)
    {
        if (host is null) return OwnAddresses() is [var own, ..] ? (new RedisEndpoint(own, port), "") : (null, "this host has no address but loopback");
        var resolved = await EndpointResolver.ResolveAsync([new RedisEndpoint(host, port)], timeout, time, cancellation).ConfigureAwait(false);
        // A dual-stack name: IPv4 first, since that is what Redis binds by default.
        var found = resolved.Endpoints.OrderBy(e => e.Host.Contains(':', StringComparison.Ordinal)).Cast<RedisEndpoint?>().FirstOrDefault();
        return found is not null ? (found, "") : (null, string.Join("; ", resolved.Failures));
    }

    /// <summary>What this host is called at, as <c>hostname -i</c> says it: without loopback and link-local.</summary>
    public static IReadOnlyList<string> OwnAddresses()
    {
        try
        {
            return
            [
                .. Dns.GetHostAddresses(Dns.GetHostName())
                    .Where(a => !IPAddress.IsLoopback(a) && !a.IsIPv6LinkLocal)
                    .OrderBy(a => a.AddressFamily == AddressFamily.InterNetworkV6)
                    .Select(a => a.ToString()),
            ];
        }
        catch (SocketException)
        {
            return [];
        }
    }
}
