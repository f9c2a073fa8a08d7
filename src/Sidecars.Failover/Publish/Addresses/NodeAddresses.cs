using System.Collections.Immutable;
using System.Net;
using Sidecars.Core.Primitives;

namespace Sidecars.Failover.Publish.Addresses;

/// <summary>What one node is reached at, as its own sidecar recorded it. It may be of a pod that is gone: a login there tells.</summary>
/// <param name="Node">Its name.</param>
/// <param name="Uid">The pod that recorded it; another one may have the name by now.</param>
/// <param name="Announced">The address that it announces to the group.</param>
/// <param name="Pod">The pod's own address, and Redis' port; null: its sidecar does not know it.</param>
/// <param name="Outside">What clients outside reach it at: an address or a name; null: its sidecar does not know it.</param>
public sealed record NodeAddresses(string Node, string Uid, RedisEndpoint Announced, RedisEndpoint? Pod, string? Outside);

/// <summary>What all nodes have recorded, as far as it can be read.</summary>
/// <param name="Known">A node that has recorded nothing, as an older version's sidecar, is not among them.</param>
/// <param name="Unread">Why some of it is not known; null: all was read.</param>
public sealed record AddressReading(ImmutableArray<NodeAddresses> Known, string? Unread = null);

/// <summary>The address of a pod itself, which is not that of a Service in front of it.</summary>
public static class PodAddress
{
    /// <summary>
    /// The pod's own address, with Redis' port; null where it is not known. The announced address is one only where an interface of this
    /// host has it: that of a Service leads to the pod, and is routed nowhere where a pod's is asked for.
    /// </summary>
    /// <param name="podIp">As kubelet told; null: it did not.</param>
    /// <param name="announced">The address that this node announces.</param>
    /// <param name="interfaces">Addresses of this host's interfaces; loopback is its own without that.</param>
    /// <param name="port">Redis' port.</param>
    public static RedisEndpoint? Of(string? podIp, RedisEndpoint announced, IEnumerable<string> interfaces, int port)
    {
        ArgumentNullException.ThrowIfNull(announced);
        if (podIp is not null) return IPAddress.TryParse(podIp, out _) ? new RedisEndpoint(podIp, port) : null;
        var isOwn = IPAddress.TryParse(announced.Host, out var ip)
            && (IPAddress.IsLoopback(ip) || interfaces.Contains(announced.Host, StringComparer.Ordinal));
        return isOwn ? new RedisEndpoint(announced.Host, port) : null;
    }
}
