using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Sidecars.TestKit.Processes;

namespace Sidecars.TestKit.Network;

/// <summary>
/// Hosts on one switch, each a network namespace with a veth pair; needs root. The switch is a bridge in a namespace too, so
/// that nothing of this machine's own network is touched: no address is chosen in it, and its firewall sees none of the
/// traffic. All of it goes with dispose; what a killed process left behind goes with the next one's <see cref="Create"/>.
/// <para>
/// A host routes to pods of its own (<see cref="Pods.PodNetwork"/>); an address of its range that no pod has swallows what is sent there.
/// </para>
/// <para>
/// Packets are dropped by rules inside the hosts. The switch's own first address, <see cref="Observer"/>, is exempt: a test must see what
/// the hosts that it has cut off are doing. Clients and services that a cut must affect have other addresses.
/// </para>
/// </summary>
public sealed class NetworkHosts : IDisposable
{
    private const int FirstHost = 10; // the third number of its range: 10.0.10.0/24 …
    private static readonly Lazy<string?> Obstacle = new(FindObstacle);
    private static int _created;
    private readonly string _prefix;
    private readonly Lock _gate = new();
    private readonly Dictionary<(IPAddress From, IPAddress To), int> _cuts = []; // how many want it
    private readonly Dictionary<int, double> _loss = [];
    private readonly Dictionary<IPAddress, NetworkHost> _strays = []; // on another host than the one whose range holds them
    private ImmutableArray<ServiceRule> _services = [];

    private NetworkHosts(string prefix, int count)
    {
        _prefix = prefix;
        Switch = new NetworkNamespace(prefix + "-switch");
        Hosts = [.. Enumerable.Range(0, count).Select(Host)];

        NetworkHost Host(int i) =>
            new(i, new NetworkNamespace(FormattableString.Invariant($"{prefix}-host{i}")),
                new IPAddress([10, 0, (byte)(FirstHost + i), 1]));
    }

    /// <summary>Null where hosts can be made here; else why not.</summary>
    public static string? Unavailable => Obstacle.Value;

    /// <summary>The address that no cut affects.</summary>
    public static IPAddress Observer { get; } = IPAddress.Parse("10.0.0.1");

    /// <summary>An address of the switch for services, such as an API server, that hosts can be cut off from.</summary>
    public static IPAddress Services { get; } = IPAddress.Parse("10.0.0.2");

    /// <summary>An address of the switch for a name server.</summary>
    public static IPAddress NameServer { get; } = IPAddress.Parse("10.0.0.3");

    /// <summary>Begins the names of all its namespaces.</summary>
    internal string Prefix => _prefix;

    /// <summary>The switch; sockets opened in it come from <see cref="Observer"/>.</summary>
    public NetworkNamespace Switch { get; }

    /// <summary>The hosts.</summary>
    public ImmutableArray<NetworkHost> Hosts { get; }

    /// <summary>Makes the switch and its hosts.</summary>
    /// <exception cref="InvalidOperationException">It can't be done; <see cref="Unavailable"/> often knows why.</exception>
    public static NetworkHosts Create(int count)
    {
        Sweep();
        var hosts = new NetworkHosts(
            string.Create(CultureInfo.InvariantCulture, $"{Owner.Name}-{Interlocked.Increment(ref _created)}"), count);
        try
        {
            Must(Command.RunWith(NetworkScript.Text(hosts.Switch, hosts.Hosts), "sh", "-e"));
            hosts.Apply(hosts.Hosts);
        }
        catch
        {
            hosts.Dispose();
            throw;
        }

        return hosts;
    }

    /// <summary>
    /// Deletes the namespaces, and with them interfaces and rules, of processes that have ended, and the files of their pods.
    /// </summary>
    public static void Sweep()
    {
        foreach (var name in NamesIn("/run/netns").Where(Owner.IsOfTheDead)) _ = Command.Run("ip", "netns", "delete", name);
        foreach (var name in NamesIn(Pods.PodFiles.Root).Where(Owner.IsOfTheDead)) Pods.PodFiles.Delete(name);
    }

    /// <summary>From now on no packet from one address reaches the other; the way back stays as it is.</summary>
    public void Cut(IPAddress from, IPAddress to) => Cut([(from, to)]);

    /// <summary>Several cuts at once.</summary>
    public void Cut(IReadOnlyCollection<(IPAddress From, IPAddress To)> pairs) => Change(pairs, +1);

    /// <summary>Ends one <see cref="Cut(IPAddress, IPAddress)"/>; the packets pass when each has ended.</summary>
    public void Heal(IPAddress from, IPAddress to) => Heal([(from, to)]);

    /// <summary>Ends several cuts.</summary>
    public void Heal(IReadOnlyCollection<(IPAddress From, IPAddress To)> pairs) => Change(pairs, -1);

    /// <summary>A share of the packets that come to a host is lost; 0: none.</summary>
    public void Lose(NetworkHost host, double share)
    {
        lock (_gate) _loss[host.Index] = share;
        Apply([host]);
    }

    /// <summary>What every host's proxy does from now on.</summary>
    public void Serve(ImmutableArray<ServiceRule> services)
    {
        lock (_gate) _services = services;
        Apply(Hosts);
    }

    /// <summary>An address of one host's range leads to another host from now on; null: it does so no longer.</summary>
    internal void Stray(IPAddress address, NetworkHost? to)
    {
        NetworkHost? old;
        lock (_gate)
        {
            _ = _strays.Remove(address, out old);
            if (to is not null) _strays[address] = to;
        }

        var others = Hosts.Where(host => host != (to ?? old)).Select(host => (host.Namespace, "eth0"));
        foreach (var (space, device) in others.Append((Switch, "br0")))
        {
            string[] way = to is null ? [] : ["via", to.Address.ToString(), "dev", device, "onlink"];
            Must(Command.Run("ip", ["-n", space.Name, "route", to is null ? "delete" : "replace", address.ToString(), .. way]));
        }

        Apply(Hosts);
    }

    /// <summary>
    /// What a host sends is limited, and waits in a queue of at most 2 s: the kernel's token bucket (tc-tbf(8)) is the only
    /// source of delay where it has no netem. Null: no limit. The observer's connections are slow too.
    /// </summary>
    public static void Limit(NetworkHost host, int? kilobitsPerSecond)
    {
        string[] device = [.. host.Namespace.Enter[1..], "tc", "qdisc"];
        Must(kilobitsPerSecond is { } rate
            ? Command.Run(host.Namespace.Enter[0], [.. device, "replace", "dev", "eth0", "root", "tbf", "rate",
                string.Create(CultureInfo.InvariantCulture, $"{rate}kbit"), "burst", "4kb", "latency", "2s"])
            : Command.Run(host.Namespace.Enter[0], [.. device, "delete", "dev", "eth0", "root"]));
    }

    /// <summary>Deletes all of it. Processes that still run in a host keep a network without a name until they end.</summary>
    public void Dispose()
    {
        foreach (var one in Hosts.Select(host => host.Namespace).Append(Switch))
            if (File.Exists(one.Path)) _ = Command.Run("ip", "netns", "delete", one.Name);
    }

    private static string[] NamesIn(string folder) =>
        Directory.Exists(folder) ? [.. Directory.EnumerateFileSystemEntries(folder).Select(path => Path.GetFileName(path)!)] : [];

    internal static void Must(string? error)
    {
        if (error is not null) throw new InvalidOperationException("the network of a test: " + error);
    }

    private static string? FindObstacle()
    {
        if (!Environment.IsPrivilegedProcess) return "hosts as network namespaces need root";
        var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':');
        foreach (var program in (string[])["ip", "tc", "nsenter", "unshare", "iptables-restore"])
            if (!path.Any(folder => File.Exists(Path.Combine(folder, program))))
                return $"hosts as network namespaces need {program}: scripts/setup installs it for root";
        try
        {
            using var network = Create(1);
            using var pods = new Pods.PodNetwork(network);
            var enter = pods.Create(network.Hosts[0], ["pod-0"]).Enter;
            return Command.Run(enter[0], [.. enter[1..], "true"]) is { } error ? "no program runs in a pod here: " + error : null;
        }
        catch (InvalidOperationException e)
        {
            return "no network namespaces can be made here: " + e.Message;
        }
    }

    private void Change(IReadOnlyCollection<(IPAddress From, IPAddress To)> pairs, int by)
    {
        lock (_gate)
        {
            foreach (var pair in pairs)
            {
                var wanted = _cuts.GetValueOrDefault(pair) + by;
                if (wanted > 0) _cuts[pair] = wanted;
                else _cuts.Remove(pair);
            }
        }

        Apply(Hosts.Where(h => pairs.Any(pair => h.Address.Equals(pair.From) || h.Address.Equals(pair.To))));
    }

    // All rules of a host at once, so that there is no moment between an old and a new set.
    private void Apply(IEnumerable<NetworkHost> hosts) => Parallel.ForEach(hosts, host =>
    {
        lock (host.Namespace)
        {
            string rules;
            lock (_gate) rules = HostRules.Text(host, Hosts, _strays, _cuts.Keys, _loss.GetValueOrDefault(host.Index), _services);
            Must(Command.RunWith(rules, host.Namespace.Enter[0], [.. host.Namespace.Enter[1..], "iptables-restore"]));
        }
    });
}
