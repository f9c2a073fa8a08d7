using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Topology;

/// <summary>Finds the IP address to announce: Redis and Sentinel hand on addresses, never names.</summary>
public static class AnnounceAddress
{
    /// <summary>
    /// The pod's bare name becomes the name of its Service: kubelet writes the bare name into the pod's own hosts file, where it leads to
    /// the pod's address, while everybody else finds the Service. No cluster domain is presumed; the search list of the pod's
    /// resolv.conf completes it.
    /// </summary>
    /// <param name="host"><c>ANNOUNCE_HOST</c> as it is set; null where it is not.</param>
    /// <param name="podName">This pod's name.</param>
    /// <param name="podNamespace">Its namespace; null outside of a cluster.</param>
    public static string? Complete(string? host, string podName, string? podNamespace) =>
        podNamespace is not null && string.Equals(host, podName, StringComparison.OrdinalIgnoreCase)
            ? $"{podName}.{podNamespace}.svc"
            : host;

    /// <summary>Every address that the setting stands for now, or this host's own; empty with the reason where there is none.</summary>
    /// <param name="host">Address or name; null: this host's own.</param>
    /// <param name="port">Goes with it.</param>
    /// <param name="timeout">Longest time to resolve the name.</param>
    /// <param name="time">The clock of the deadline.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task<(ImmutableArray<RedisEndpoint> Endpoints, string Why)> ResolveAsync(
        string? host, int port, TimeSpan timeout, TimeProvider time, CancellationToken cancellation)
    {
        if (host is null)
        {
            ImmutableArray<RedisEndpoint> own = [.. OwnAddresses().Select(address => new RedisEndpoint(address, port))];
            return (own, own.IsEmpty ? "this host has no address but loopback" : "");
        }

        var resolved = await EndpointResolver.ResolveAsync(
            [new RedisEndpoint(host, port)], timeout, time, cancellation).ConfigureAwait(false);
        return ([.. resolved.Endpoints.OrderBy(e => e.Host, StringComparer.Ordinal)], string.Join("; ", resolved.Failures));
    }

    /// <summary>The address that <see cref="AnnouncePolicy"/> would choose now; null with the reason where there is none.</summary>
    /// <param name="host">Address or name; null: this host's own.</param>
    /// <param name="port">Goes with it.</param>
    /// <param name="timeout">Longest time to resolve the name.</param>
    /// <param name="time">The clock of the deadline.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task<(RedisEndpoint? Endpoint, string Why)> FindAsync(
        string? host, int port, TimeSpan timeout, TimeProvider time, CancellationToken cancellation)
    {
        var (endpoints, why) = await ResolveAsync(host, port, timeout, time, cancellation).ConfigureAwait(false);
        var facts = new AnnounceFacts(host, endpoints, why, TimeSpan.Zero, Remembered: null, [.. endpoints.Where(IsOwn)], InCluster: false);
        var decision = AnnouncePolicy.Decide(facts);
        return decision is AnnounceDecision.Use use ? (use.Address, "") : (null, decision.Reason);
    }

    /// <summary>
    /// True for the address of an interface of this host, loopback left out: only such a one can be bound (EADDRNOTAVAIL otherwise). The
    /// host's name says less: a hosts file may lead it elsewhere.
    /// </summary>
    public static bool IsOwn(RedisEndpoint endpoint)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        if (!IPAddress.TryParse(endpoint.Host, out var address) || IPAddress.IsLoopback(address)) return false;
        using var socket = new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            socket.Bind(new IPEndPoint(address, 0));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
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
