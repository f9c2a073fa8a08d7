using System.Globalization;
using System.Net;
using Sidecars.TestKit.Network;
using Sidecars.TestKit.Processes;

namespace Sidecars.TestKit.Pods;

/// <summary>A pod's sandbox: a network namespace on a host, with an address of the host's range and files of its own.</summary>
/// <param name="Name">Of the pod; its processes find it as their host name.</param>
/// <param name="Host">Where it is.</param>
/// <param name="Namespace">Its network.</param>
/// <param name="Address">Its own, for as long as it lives.</param>
/// <param name="Link">The host's end of its interface.</param>
public sealed record Pod(string Name, NetworkHost Host, NetworkNamespace Namespace, IPAddress Address, string Link)
{
    /// <summary>A program and arguments that run what follows them in the pod, with the same process id.</summary>
    public string[] Enter =>
        ["ip", "netns", "exec", Namespace.Name, "unshare", "--uts", "sh", "-c",
            $"echo {Name} >/proc/sys/kernel/hostname; exec \"$@\"", "sh"];
}

/// <summary>Makes and deletes pods' sandboxes as a network plugin does: a pair of interfaces, a route on the host, no bridge.</summary>
internal sealed class PodNetwork(NetworkHosts network) : IDisposable
{
    private readonly Dictionary<int, PodAddresses> _addresses = network.Hosts.ToDictionary(
        host => host.Index, host => new PodAddresses(host));
    private readonly HashSet<Pod> _pods = [];
    private readonly Lock _gate = new();
    private int _created;

    /// <summary>Makes one.</summary>
    /// <param name="host">Where.</param>
    /// <param name="names">Its name, and others that its hosts file knows.</param>
    /// <param name="address">A free address, of any host's range; null: any of this host's.</param>
    public Pod Create(NetworkHost host, IReadOnlyList<string> names, IPAddress? address = null)
    {
        Pod pod;
        lock (_gate)
        {
            var number = _created++;
            var space = new NetworkNamespace(string.Create(CultureInfo.InvariantCulture, $"{network.Prefix}-pod{number}"));
            pod = new Pod(names[0], host, space, RangeOf(host, address).Take(address), FormattableString.Invariant($"p{number}"));
            _pods.Add(pod);
        }

        PodFiles.Write(pod.Namespace.Name, pod.Address, names.Reverse());
        NetworkHosts.Must(Command.RunWith($"""
            ip netns add {pod.Namespace.Name}
            ip -n {host.Namespace.Name} -batch - <<END
            link add {pod.Link} type veth peer name eth0 netns {pod.Namespace.Name}
            addr add {host.Address}/32 dev {pod.Link}
            link set {pod.Link} up
            route add {pod.Address} dev {pod.Link}
            END
            ip -n {pod.Namespace.Name} -batch - <<END
            link set lo up
            addr add {pod.Address}/32 dev eth0
            link set eth0 up
            route add {host.Address} dev eth0
            route add default via {host.Address}
            END
            """, "sh", "-e"));
        if (!host.Holds(pod.Address)) network.Stray(pod.Address, host);
        return pod;
    }

    /// <summary>Takes a pod's network away at once, whatever still runs in it: what is sent to it from now on is swallowed.</summary>
    public void Delete(Pod pod)
    {
        lock (_gate)
        {
            if (!_pods.Remove(pod)) return;
        }

        NetworkHosts.Must(Command.Run("ip", "-n", pod.Host.Namespace.Name, "link", "delete", pod.Link));
        _ = Command.Run("ip", "netns", "delete", pod.Namespace.Name);
        PodFiles.Delete(pod.Namespace.Name);
        if (!pod.Host.Holds(pod.Address)) network.Stray(pod.Address, null);
        lock (_gate) RangeOf(pod.Host, pod.Address).Free(pod.Address);
    }

    private PodAddresses RangeOf(NetworkHost host, IPAddress? address) =>
        _addresses[address is null ? host.Index : network.Hosts.First(one => one.Holds(address)).Index];

    /// <summary>Deletes all that are left.</summary>
    public void Dispose()
    {
        foreach (var pod in _pods)
        {
            _ = Command.Run("ip", "netns", "delete", pod.Namespace.Name);
            PodFiles.Delete(pod.Namespace.Name);
        }
    }
}
