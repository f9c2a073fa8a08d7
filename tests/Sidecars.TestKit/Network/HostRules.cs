using System.Collections.Immutable;
using System.Net;
using System.Text;

namespace Sidecars.TestKit.Network;

/// <summary>One Service as a node's proxy knows it: an address that outlives pods, and the pod behind it.</summary>
/// <param name="Address">Of the Service (a ClusterIP), with its port.</param>
/// <param name="Pod">The only endpoint; null: there is none, and connections are refused.</param>
/// <param name="Hairpin">True: the pod reaches itself by the Service's address.</param>
public sealed record ServiceRule(IPEndPoint Address, IPEndPoint? Pod, bool Hairpin);

/// <summary>
/// The packet rules of one host, whole, for iptables-restore: cuts and losses, and what kube-proxy does in its iptables mode.
/// An established connection keeps its pod (conntrack), whatever the rules say later; a new one gets the pod of that moment. Pure.
/// </summary>
internal static class HostRules
{
    /// <summary>Writes them.</summary>
    /// <param name="host">Whose.</param>
    /// <param name="hosts">All; an address that belongs to none of them has no rules of its own.</param>
    /// <param name="strays">Addresses that are not on the host whose range holds them.</param>
    /// <param name="cuts">From one address to another; that of a host stands for all that are on it.</param>
    /// <param name="loss">Share of what comes in over the wire.</param>
    /// <param name="services">As this host knows them.</param>
    public static string Text(
        NetworkHost host,
        IReadOnlyCollection<NetworkHost> hosts,
        IReadOnlyDictionary<IPAddress, NetworkHost> strays,
        IReadOnlyCollection<(IPAddress From, IPAddress To)> cuts,
        double loss,
        ImmutableArray<ServiceRule> services)
    {
        var rules = new StringBuilder("*raw\n:PREROUTING ACCEPT\n:OUTPUT ACCEPT\n");
        foreach (var (address, at) in strays.Where(stray => stray.Value != host))
            Add($"-A PREROUTING -i eth0 -s {address} -j {(cuts.Contains((at.Address, host.Address)) ? "DROP" : "ACCEPT")}");
        foreach (var (from, to) in cuts)
        {
            if (to.Equals(host.Address)) Add($"-A PREROUTING -i eth0 -s {Range(from)} -j DROP");
            else if (from.Equals(host.Address) && !hosts.Any(h => h.Address.Equals(to)))
                Add($"-A PREROUTING -d {to} -j DROP\n-A OUTPUT -d {to} -j DROP");
        }

        if (loss > 0)
            Add($"-A PREROUTING -i eth0 ! -s {NetworkHosts.Observer} -m statistic --mode random --probability {loss:0.###} -j DROP");
        rules.Append("COMMIT\n*filter\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\n");
        foreach (var service in services.Where(s => s.Pod is null))
            foreach (var chain in (string[])["FORWARD", "OUTPUT"])
                Add($"-A {chain} {To(service)} -j REJECT");
        rules.Append("COMMIT\n*nat\n:PREROUTING ACCEPT\n:OUTPUT ACCEPT\n:POSTROUTING ACCEPT\n");
        foreach (var service in services.Where(s => s.Pod is not null))
        {
            foreach (var chain in (string[])["PREROUTING", "OUTPUT"])
                Add($"-A {chain} {To(service)} -j DNAT --to-destination {service.Pod}");
            // Without it the pod gets a packet from its own address, and drops it.
            if (service.Hairpin && HostOf(service.Pod!.Address) == host)
                Add($"-A POSTROUTING -s {service.Pod.Address} -d {service.Pod.Address} -j MASQUERADE");
        }

        return rules.Append("COMMIT\n").ToString();

        void Add(FormattableString rule) => rules.Append(FormattableString.Invariant(rule)).Append('\n');

        static string To(ServiceRule service) =>
            FormattableString.Invariant($"-d {service.Address.Address} -p tcp --dport {service.Address.Port}");

        NetworkHost HostOf(IPAddress pod) => strays.GetValueOrDefault(pod) ?? hosts.First(h => h.Holds(pod));

        string Range(IPAddress address) => hosts.FirstOrDefault(h => h.Address.Equals(address))?.Range ?? address.ToString();
    }
}
