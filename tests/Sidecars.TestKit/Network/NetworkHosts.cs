using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Text;
using Sidecars.TestKit.Processes;

namespace Sidecars.TestKit.Network;

/// <summary>One host: a network namespace with one interface on the switch.</summary>
/// <param name="Index">0-based.</param>
/// <param name="Namespace">Its namespace.</param>
/// <param name="Address">Its only address besides loopback.</param>
public sealed record NetworkHost(int Index, NetworkNamespace Namespace, IPAddress Address);

/// <summary>
/// Hosts on one switch, each a network namespace with a veth pair; needs root. The switch is a bridge in a namespace too, so
/// that nothing of this machine's own network is touched: no address is chosen in it, and its firewall sees none of the
/// traffic. All of it goes with dispose; what a killed process left behind goes with the next one's <see cref="Create"/>.
/// <para>
/// Packets are dropped by rules inside the hosts. The switch's own first address, <see cref="Observer"/>, is exempt: a test must see what
/// the hosts that it has cut off are doing. Clients and services that a cut must affect have other addresses.
/// </para>
/// </summary>
public sealed class NetworkHosts : IDisposable
{
    private const string Subnet = "10.0.0.";
    private const int ObserverNumber = 1;
    private const int ServicesNumber = 2;
    private const int FirstHost = 10;
    private static readonly Lazy<string?> Obstacle = new(FindObstacle);
    private static int _created;
    private readonly string _prefix;
    private readonly Lock _gate = new();
    private readonly Dictionary<(IPAddress From, IPAddress To), int> _cuts = []; // how many want it
    private readonly Dictionary<int, double> _loss = [];

    private NetworkHosts(string prefix, int count)
    {
        _prefix = prefix;
        Switch = new NetworkNamespace(prefix + "-switch");
        Hosts = [.. Enumerable.Range(0, count).Select(i => new NetworkHost(i, new NetworkNamespace(string.Create(CultureInfo.InvariantCulture, $"{prefix}-host{i}")), Address(FirstHost + i)))];
    }

    /// <summary>Null where hosts can be made here; else why not.</summary>
    public static string? Unavailable => Obstacle.Value;

    /// <summary>The address that no cut affects.</summary>
    public static IPAddress Observer { get; } = Address(ObserverNumber);

    /// <summary>An address of the switch for services, such as an API server, that hosts can be cut off from.</summary>
    public static IPAddress Services { get; } = Address(ServicesNumber);

    /// <summary>The switch; sockets opened in it come from <see cref="Observer"/>.</summary>
    public NetworkNamespace Switch { get; }

    /// <summary>The hosts.</summary>
    public ImmutableArray<NetworkHost> Hosts { get; }

    /// <summary>Makes the switch and its hosts.</summary>
    /// <exception cref="InvalidOperationException">It can't be done; <see cref="Unavailable"/> often knows why.</exception>
    public static NetworkHosts Create(int count)
    {
        Sweep();
        var hosts = new NetworkHosts(string.Create(CultureInfo.InvariantCulture, $"{Owner.Name}-{Interlocked.Increment(ref _created)}"), count);
        try
        {
            Must(Command.RunWith(hosts.Script(), "sh", "-e"));
            foreach (var host in hosts.Hosts) hosts.Apply(host);
        }
        catch
        {
            hosts.Dispose();
            throw;
        }

        return hosts;
    }

    /// <summary>Deletes the namespaces, and with them interfaces and rules, of processes that have ended.</summary>
    public static void Sweep()
    {
        if (!Directory.Exists("/run/netns")) return;
        foreach (var file in Directory.EnumerateFiles("/run/netns").Select(Path.GetFileName))
            if (Owner.IsOfTheDead(file!)) _ = Command.Run("ip", "netns", "delete", file!);
    }

    /// <summary>From now on no packet from one address reaches the other; the way back stays as it is.</summary>
    public void Cut(IPAddress from, IPAddress to) => Change(from, to, +1);

    /// <summary>Ends one <see cref="Cut"/>; the packets pass when each has ended.</summary>
    public void Heal(IPAddress from, IPAddress to) => Change(from, to, -1);

    /// <summary>A share of the packets that come to a host is lost; 0: none.</summary>
    public void Lose(NetworkHost host, double share)
    {
        lock (_gate)
        {
            _loss[host.Index] = share;
            Apply(host);
        }
    }

    /// <summary>
    /// What a host sends is limited, and waits in a queue of at most 2 s: the kernel's token bucket (tc-tbf(8)) is the only
    /// source of delay where it has no netem. Null: no limit. The observer's connections are slow too.
    /// </summary>
    public static void Limit(NetworkHost host, int? kilobitsPerSecond)
    {
        string[] device = [.. host.Namespace.Enter[1..], "tc", "qdisc"];
        Must(kilobitsPerSecond is { } rate
            ? Command.Run(host.Namespace.Enter[0], [.. device, "replace", "dev", "eth0", "root", "tbf", "rate", string.Create(CultureInfo.InvariantCulture, $"{rate}kbit"), "burst", "4kb", "latency", "2s"])
            : Command.Run(host.Namespace.Enter[0], [.. device, "delete", "dev", "eth0", "root"]));
    }

    /// <summary>Deletes all of it. Processes that still run in a host keep a network without a name until they end.</summary>
    public void Dispose()
    {
        foreach (var one in Hosts.Select(host => host.Namespace).Append(Switch))
            if (File.Exists(one.Path)) _ = Command.Run("ip", "netns", "delete", one.Name);
    }

    private static IPAddress Address(int number) => IPAddress.Parse(Subnet + number.ToString(CultureInfo.InvariantCulture));

    private static void Must(string? error)
    {
        if (error is not null) throw new InvalidOperationException("the network of a test: " + error);
    }

    private static string? FindObstacle()
    {
        if (!Environment.IsPrivilegedProcess) return "hosts as network namespaces need root";
        var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':');
        foreach (var program in (string[])["ip", "tc", "nsenter", "iptables-restore"])
            if (!path.Any(folder => File.Exists(Path.Combine(folder, program)))) return $"hosts as network namespaces need {program}: scripts/setup installs it for root";
        try
        {
            Create(1).Dispose();
            return null;
        }
        catch (InvalidOperationException e)
        {
            return "no network namespaces can be made here: " + e.Message;
        }
    }

    private string Script()
    {
        var script = new StringBuilder();
        var bridge = Switch.Name;
        script.Append(CultureInfo.InvariantCulture, $"""
            ip netns add {bridge}
            ip -n {bridge} link set lo up
            ip -n {bridge} link add br0 type bridge
            ip -n {bridge} addr add {Observer}/24 dev br0
            ip -n {bridge} addr add {Services}/24 dev br0
            ip -n {bridge} link set br0 up

            """);
        foreach (var host in Hosts)
        {
            var name = host.Namespace.Name;
            script.Append(CultureInfo.InvariantCulture, $"""
                ip netns add {name}
                ip -n {name} link set lo up
                ip -n {bridge} link add v{host.Index} type veth peer name eth0 netns {name}
                ip -n {bridge} link set v{host.Index} master br0 up
                ip -n {name} addr add {host.Address}/24 dev eth0
                ip -n {name} link set eth0 up

                """);
        }

        return script.ToString();
    }

    private void Change(IPAddress from, IPAddress to, int by)
    {
        lock (_gate)
        {
            var wanted = _cuts.GetValueOrDefault((from, to)) + by;
            if (wanted > 0) _cuts[(from, to)] = wanted;
            else _cuts.Remove((from, to));
            foreach (var host in Hosts.Where(h => h.Address.Equals(from) || h.Address.Equals(to))) Apply(host);
        }
    }

    // All rules of a host at once, so that there is no moment between an old and a new set.
    private void Apply(NetworkHost host)
    {
        var rules = new StringBuilder("*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\n");
        rules.Append(CultureInfo.InvariantCulture, $"-A INPUT -i lo -j ACCEPT\n-A INPUT -s {Observer} -j ACCEPT\n");
        foreach (var (from, to) in _cuts.Keys)
        {
            if (to.Equals(host.Address)) rules.Append(CultureInfo.InvariantCulture, $"-A INPUT -s {from} -j DROP\n");
            // An address without a host has no rules of its own.
            else if (from.Equals(host.Address) && !Hosts.Any(h => h.Address.Equals(to))) rules.Append(CultureInfo.InvariantCulture, $"-A OUTPUT -d {to} -j DROP\n");
        }

        if (_loss.TryGetValue(host.Index, out var share) && share > 0)
            rules.Append(CultureInfo.InvariantCulture, $"-A INPUT -m statistic --mode random --probability {share:0.###} -j DROP\n");
        Must(Command.RunWith(rules.Append("COMMIT\n").ToString(), host.Namespace.Enter[0], [.. host.Namespace.Enter[1..], "iptables-restore"]));
    }
}
