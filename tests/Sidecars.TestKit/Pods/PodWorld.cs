using System.Net;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Network;

namespace Sidecars.TestKit.Pods;

/// <summary>
/// The world that kubelet and its cluster make for pods, on hosts of <see cref="NetworkHosts"/>: each node of a group is a pod with a
/// network of its own, whose address changes at every replacement (some were another pod's before); its hosts file names the pod with
/// that address; in front of each Redis is a Service whose address stays; names of Services come from a name server. Services and names
/// follow the pods a lag later. Needs root.
/// </summary>
public sealed class PodWorld : IAsyncDisposable
{
    private const int RedisPort = 6379;
    private const int SentinelPort = 26379;
    private readonly PodWorldOptions _options;
    private readonly PodNetwork _pods;
    private readonly Dictionary<(LocalNodeKind Kind, int Index), Pod> _placed = [];
    private readonly Dictionary<int, IPEndPoint> _services = [];
    private readonly HashSet<string> _redisAddresses = []; // of all pods, those that are gone too
    private readonly Lock _gate = new();

    private PodWorld(PodWorldOptions options, NetworkHosts network)
    {
        (_options, Network, _pods, Announce) = (options, network, new PodNetwork(network), options.Announce);
        Services = new ClusterServices(network, options.ProxyLag);
        Names = new ServiceDns(network, options.NamesLag);
    }

    /// <summary>The hosts; the last one has no pods of the group, and is for clients.</summary>
    public NetworkHosts Network { get; }

    /// <summary>What Redis nodes are told to announce from their next start on.</summary>
    public PodAnnounce Announce { get; set; }

    /// <summary>Where the addresses of Services lead.</summary>
    public ClusterServices Services { get; }

    /// <summary>Where names lead.</summary>
    public ServiceDns Names { get; }

    /// <summary>Makes hosts without pods.</summary>
    /// <exception cref="InvalidOperationException">It can't be done; <see cref="NetworkHosts.Unavailable"/> often knows why.</exception>
    public static PodWorld Create(PodWorldOptions options)
    {
        var network = NetworkHosts.Create(options.Hosts + 1);
        try
        {
            return new PodWorld(options, network);
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    /// <summary>Proxies and names are as the pods are now: the beginning, which no test waits for.</summary>
    public Task ShowNowAsync() => Task.WhenAll(Services.ShowNowAsync(), Names.ShowNowAsync());

    /// <summary>Connects from the switch, always to the pod that a Service has at the moment, past all proxies and cuts.</summary>
    public IRespTransport Observe(RedisEndpoint endpoint)
    {
        var pod = IPAddress.TryParse(endpoint.Host, out var address) ? Services.PodBehind(new IPEndPoint(address, endpoint.Port)) : null;
        return Network.Switch.Transport(pod is null ? endpoint : new RedisEndpoint(pod.Address.ToString(), pod.Port));
    }

    /// <summary>The pod of a node; null where it is deleted and not replaced yet.</summary>
    public Pod? PodOf(LocalNode node)
    {
        lock (_gate) return _placed.GetValueOrDefault((node.Kind, node.Index));
    }

    /// <summary>True for the address that a Redis' pod has or had.</summary>
    public bool WasRedisPod(string address)
    {
        lock (_gate) return _redisAddresses.Contains(address);
    }

    /// <summary>The pod's network is gone, and whatever still runs in it has none; its address is free for others.</summary>
    public void Delete(LocalNode node)
    {
        Pod? pod;
        lock (_gate)
        {
            if (!_placed.Remove((node.Kind, node.Index), out pod)) return;
        }

        _pods.Delete(pod);
        Tell(node.Kind, node.Index, null);
    }

    /// <summary>Another pod in place of the node's, on the same host: another address. The node must not run.</summary>
    /// <param name="node">Whose.</param>
    /// <param name="address">A free address, of any host's range; null: any of its own host's.</param>
    public void Replace(LocalNode node, IPAddress? address = null)
    {
        Delete(node);
        node.Place = Place(node.Kind, node.Index, address);
    }

    /// <summary>Called before each start but the first.</summary>
    internal void StartsAgain(LocalNode node)
    {
        if (_options.ReplaceAtStart) Replace(node);
    }

    /// <summary>A pod that is none of the group's.</summary>
    public Pod CreateStranger(NetworkHost host, string name, IPAddress? address = null) => _pods.Create(host, [name], address);

    /// <summary>Deletes such a pod.</summary>
    public void Delete(Pod stranger) => _pods.Delete(stranger);

    /// <summary>Ends it; what still runs in pods keeps a network without a name until it ends.</summary>
    public async ValueTask DisposeAsync()
    {
        await Names.DisposeAsync();
        await Services.DisposeAsync();
        _pods.Dispose();
        Network.Dispose();
    }

    internal NodePlace Place(LocalNodeKind kind, int index) => Place(kind, index, null);

    /// <summary>What pods' containers are told.</summary>
    internal IEnumerable<KeyValuePair<string, string>> EnvironmentOf(LocalNode node)
    {
        var own = node.Place.Own!.Host;
        var announced = (node.Kind, Announce) switch
        {
            (LocalNodeKind.Sentinel, _) or (_, PodAnnounce.PodAddress) => own,
            (_, PodAnnounce.PodName) => node.Name,
            _ => PodNames.Service(node.Name),
        };
        return
        [
            new("HOSTNAME", node.Name),
            new("POD_IP", own),
            new("POD_NAMESPACE", PodNames.Space),
            new("ANNOUNCE_HOST", announced),
            new("REDIS_SERVER_SERVICE_HOST", string.Join(',', Enumerable.Range(0, _options.Hosts).Select(PodNames.Redis))),
            new("REDIS_SENTINEL_SERVICE_HOST", PodNames.Sentinels),
        ];
    }

    private NodePlace Place(LocalNodeKind kind, int index, IPAddress? address)
    {
        var name = kind == LocalNodeKind.Redis ? PodNames.Redis(index) : FormattableString.Invariant($"sentinel-{index}");
        var pod = _pods.Create(Network.Hosts[index % _options.Hosts], PodNames.Own(kind, name), address);
        IPEndPoint? service = null;
        lock (_gate)
        {
            _placed[(kind, index)] = pod;
            if (kind == LocalNodeKind.Redis) _redisAddresses.Add(pod.Address.ToString());
            if (kind == LocalNodeKind.Redis && !_services.TryGetValue(index, out service))
            {
                service = _services[index] = Services.Add(name, RedisPort, _options.Hairpin);
                Names.Set(PodNames.Full(name), service.Address);
            }
        }

        Tell(kind, index, pod);
        var own = new RedisEndpoint(pod.Address.ToString(), kind == LocalNodeKind.Redis ? RedisPort : SentinelPort);
        return new NodePlace(service is null ? own : new RedisEndpoint(service.Address.ToString(), service.Port), [.. pod.Enter])
        { Own = own };
    }

    // Services and names hear of a pod that came or went.
    private void Tell(LocalNodeKind kind, int index, Pod? pod)
    {
        lock (_gate)
        {
            var headless = kind == LocalNodeKind.Redis ? PodNames.RedisNodes : PodNames.Sentinels;
            var pods = _placed.Where(one => one.Key.Kind == kind).OrderBy(one => one.Key.Index).Select(one => one.Value.Address);
            Names.Set(PodNames.Full(headless), [.. pods]);
            if (kind == LocalNodeKind.Sentinel) return;
            Services.Lead(PodNames.Redis(index), pod?.Address);
            Names.Set($"{PodNames.Redis(index)}.{PodNames.Full(headless)}", pod is null ? [] : [pod.Address]);
        }
    }
}
