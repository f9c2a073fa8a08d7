using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Sidecars.TestKit.Network;

/// <summary>The commands that make a switch and its hosts, for sh(1); few processes: ip(8) takes many commands at once. Pure.</summary>
internal static class NetworkScript
{
    private const string SwitchAddresses = "10.0.0.0/24";
    private const string ClusterAddresses = "10.96.0.0/16"; // of Services; a packet to one is routed before it is sent on to a pod

    /// <summary>Writes them.</summary>
    public static string Text(NetworkNamespace bridge, ImmutableArray<NetworkHost> hosts)
    {
        var script = new StringBuilder();
        foreach (var name in hosts.Select(host => host.Namespace.Name).Prepend(bridge.Name)) Add($"ip netns add {name}");
        script.Append(CultureInfo.InvariantCulture, $"""
            ip -n {bridge.Name} -batch - <<END
            link set lo up
            link add br0 type bridge
            addr add {NetworkHosts.Observer}/24 dev br0
            addr add {NetworkHosts.Services}/24 dev br0
            addr add {NetworkHosts.NameServer}/24 dev br0
            link set br0 up

            """);
        foreach (var host in hosts)
        {
            script.Append(CultureInfo.InvariantCulture, $"""
                link add v{host.Index} type veth peer name eth0 netns {host.Namespace.Name}
                link set v{host.Index} master br0 up
                route add {host.Range} via {host.Address} dev br0 onlink

                """);
        }

        script.Append("END\n");
        foreach (var host in hosts)
        {
            script.Append(CultureInfo.InvariantCulture, $"""
                ip -n {host.Namespace.Name} -batch - <<END
                link set lo up
                addr add {host.Address}/32 dev eth0
                link set eth0 up
                route add {SwitchAddresses} dev eth0
                route add {ClusterAddresses} dev eth0
                route add blackhole {host.Range}

                """);
            foreach (var other in hosts.Where(h => h != host)) Add($"route add {other.Range} via {other.Address} dev eth0 onlink");
            Add($"END\n{string.Join(' ', host.Namespace.Enter)} sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'");
        }

        return script.ToString();

        void Add(FormattableString line) => script.Append(FormattableString.Invariant(line)).Append('\n');
    }
}
