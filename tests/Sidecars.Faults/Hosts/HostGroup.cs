using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Sidecars.TestKit.FakeKubernetes;
using Sidecars.TestKit.FakeRoute53;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Network;
using Sidecars.TestKit.Pods;
using Sidecars.TestKit.Processes;

namespace Sidecars.Faults.Hosts;

/// <summary>One host of the group: a Redis, its sidecar and a Sentinel.</summary>
internal sealed record Host(
    NetworkHost Network, LocalNode RedisNode, LocalNode SentinelNode, Container Redis, Container Sentinel, Container Sidecar,
    Container? Backup)
{
    public IPAddress Address => Network.Address;

    /// <summary>Two hosts a zone.</summary>
    public int Zone => Network.Index / 2;

    /// <summary>Those of the Redis' pod.</summary>
    public IEnumerable<Container> PodOfRedis => Backup is null ? [Redis, Sidecar] : [Redis, Sidecar, Backup];

    public IEnumerable<Container> Containers => [.. PodOfRedis, Sentinel];

    public override string ToString() => "host-" + Network.Index.ToString(CultureInfo.InvariantCulture);
}

/// <summary>
/// A whole group as pods on hosts of its own (<see cref="PodWorld"/>): on each host a pod with redis-bootstrap → Redis and redis-failover,
/// and one with redis-bootstrap → Sentinel; a host for clients; an API server, a Route 53 and a name server that the hosts can be cut off
/// from. Everything is the published executable but those three.
/// </summary>
internal sealed class HostGroup : IAsyncDisposable
{
    public const string MasterService = "redis-master";
    public const string DnsName = "redis.example.org";
    private const int DiskMegabytes = 64;
    private const int ApiPort = 6443;
    private const int Route53Port = 8053;
    private static readonly string[] Ages = ["old", "new"];
    private static readonly TimeSpan KubeletPeriod = TimeSpan.FromMilliseconds(200);

    /// <summary>
    /// Sentinel pings each second. One that has not heard for longer still waits for TCP to send its PING again: a fault that ended before
    /// down-after can then end in a failover after it, which belongs to that fault and not to the next.
    /// </summary>
    private static readonly TimeSpan Heard = TimeSpan.FromSeconds(2);
    private readonly CancellationTokenSource _stop = new();
    private readonly List<SmallDisk> _disks = [];
    private readonly System.Collections.Concurrent.ConcurrentDictionary<Host, ServerProcess> _sidecars = new();
    private readonly HostOptions _options;
    private Task _kubelet = Task.CompletedTask;

    private HostGroup(HostOptions options, PodWorld world, FakeKubernetesServer api, FakeRoute53Server route53)
    {
        (_options, World, Api, Route53) = (options, world, api, route53);
        Group = new LocalGroup(new LocalGroupOptions
        {
            Name = options.Name,
            ClusterId = "tenant-a/redis",
            RedisCount = options.Hosts,
            SentinelCount = options.Hosts,
            DownAfter = options.DownAfter,
            FailoverTimeout = options.FailoverTimeout,
            Kubernetes = api,
            Pods = world,
            Transport = world.Observe,
            Passwords = options.Passwords ? NodeSecrets.Passwords(Ages[0]) : new(),
            NextPasswords = options.Passwords ? NodeSecrets.Passwords(Ages[1]) : new(),
        });
        Secrets = options.Passwords ? new NodeSecrets() : null;
        foreach (var node in Group.All) Secrets?.Put(node, PasswordAge, null);
        Backup = options.Backup ? new GroupBackup(Group) : null;
        Client = Network.Hosts[^1];
        Hosts = [.. Network.Hosts.Take(options.Hosts).Select(Compose)];
    }

    public PodWorld World { get; }

    public NetworkHosts Network => World.Network;

    public FakeKubernetesServer Api { get; }

    public FakeRoute53Server Route53 { get; }

    public LocalGroup Group { get; }

    public ImmutableArray<Host> Hosts { get; }

    /// <summary>Its continuous backup; null where there is none.</summary>
    public GroupBackup? Backup { get; }

    /// <summary>The Secret at each node; null: the group has no passwords.</summary>
    public NodeSecrets? Secrets { get; }

    /// <summary>Which passwords are in force; a rotation changes to the other ones, and the next one back.</summary>
    public string PasswordAge { get; set; } = Ages[0];

    /// <summary>The passwords that are not in force.</summary>
    public string OtherPasswordAge => Ages.Single(age => age != PasswordAge);

    /// <summary>Where clients are.</summary>
    public NetworkHost Client { get; }

    /// <summary>The disks of the Redis nodes, where they are small ones.</summary>
    public IReadOnlyList<SmallDisk> Disks => _disks;

    /// <summary>What is worth reading when something was violated.</summary>
    public System.Collections.Concurrent.ConcurrentQueue<string> Notes { get; } = new();

    public TimeSpan DownAfter => _options.DownAfter;

    /// <summary>Addresses that have no host of the group: clients and services.</summary>
    public IEnumerable<IPAddress> Outside => [Client.Address, NetworkHosts.Services, NetworkHosts.NameServer];

    /// <summary>Makes the hosts; nothing runs yet.</summary>
    public static async Task<HostGroup> CreateAsync(HostOptions options)
    {
        var world = PodWorld.Create(new PodWorldOptions(options.Hosts) { Announce = options.Announce, Hairpin = options.Hairpin });
        FakeKubernetesServer? api = null;
        FakeRoute53Server? route53 = null;
        try
        {
            Func<IPEndPoint, System.Net.Sockets.Socket> bind = world.Network.Switch.Bind;
            api = await FakeKubernetesServer.StartAsync(pods: new ListenElsewhere(new IPEndPoint(NetworkHosts.Services, ApiPort), bind));
            route53 = FakeRoute53Server.With(elsewhere: new ListenElsewhere(new IPEndPoint(NetworkHosts.Services, Route53Port), bind));
            await FakeRoute53Server.StartAsync(route53);
            var group = new HostGroup(options, world, api, route53);
            if (options.SmallDisks)
                foreach (var host in group.Hosts) group._disks.Add(new SmallDisk(DiskMegabytes, host.RedisNode.DataFolder));
            await world.ShowNowAsync();
            return group;
        }
        catch
        {
            if (route53 is not null) await route53.DisposeAsync();
            if (api is not null) await api.DisposeAsync();
            await world.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts everything at once, and what ends from then on.</summary>
    public void Start()
    {
        foreach (var container in Hosts.SelectMany(h => h.Containers)) container.Release();
        _kubelet = Task.Run(KubeletAsync);
    }

    /// <summary>The host whose Redis says that it is master, if exactly one does; of several the one that most Sentinels name.</summary>
    public async Task<Host?> FindMasterAsync()
    {
        var state = await Group.ObserveAsync(_stop.Token);
        var named = state.Sentinels.GroupBy(s => s.Master).Where(g => g.Key is not null)
            .OrderByDescending(g => g.Count()).FirstOrDefault()?.Key;
        var master = state.Master ?? state.Masters.FirstOrDefault(m => m.Node.IsAt(named));
        return Hosts.FirstOrDefault(h => h.RedisNode == master?.Node || (master is null && h.RedisNode.IsAt(named)));
    }

    /// <summary>Null where all is as it should be, the published address too; else the first thing that is not.</summary>
    public async Task<string?> ProblemAsync()
    {
        var state = await Group.ObserveAsync(_stop.Token);
        if (state.Problem is { } problem) return problem;
        if (state.Sentinels.FirstOrDefault(s => s.KnownOthers != state.Sentinels.Length - 1) is { } haunted)
            return string.Create(CultureInfo.InvariantCulture, $"{haunted.Node} knows {haunted.KnownOthers} other Sentinels");
        if (state.Sentinels.FirstOrDefault(s => s.HeardMaster > Heard) is { } deaf)
            return string.Create(
                CultureInfo.InvariantCulture, $"{deaf.Node} has not heard the master for {deaf.HeardMaster.TotalSeconds:0.0} s");
        var address = state.Master!.Node.Place.Own!.Host;
        if (SliceAddress() is var slice && slice != address) return $"the EndpointSlice says {slice ?? "nothing"}, the master is {address}";
        if (RecordAddress() is var record && record != address)
            return $"the DNS record says {record ?? "nothing"}, the master is {address}";
        return null;
    }

    /// <summary>The end of everybody's output.</summary>
    public string Tails(int lines) => string.Join('\n', Hosts.SelectMany(h => h.Containers).Select(c => c.Process?.Tail(lines)));

    /// <summary>The file that libfaketime of a host's sidecar reads; null where clocks can't jump.</summary>
    public string? ClockFile(Host host) =>
        _options.FakeTimeLibrary is null ? null : Path.Combine(host.RedisNode.ConfigFolder, "..", "clock");

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _kubelet;
        foreach (var container in Hosts.SelectMany(h => h.Containers)) await container.KillAsync();
        foreach (var sidecar in _sidecars.Values) await sidecar.DisposeAsync();
        if (Backup is not null) await Backup.DisposeAsync();
        foreach (var container in Hosts.SelectMany(h => h.Containers)) container.Dispose();
        foreach (var disk in _disks) disk.Dispose();
        await Group.DisposeAsync();
        Secrets?.Dispose();
        await Route53.DisposeAsync();
        await Api.DisposeAsync();
        await World.DisposeAsync();
        _stop.Dispose();
    }

    private string? SliceAddress()
    {
        var slice = Api.Objects.Get("endpointslices.discovery.k8s.io", FakeKubernetesServer.Namespace, MasterService);
        return slice.Code != 200 ? null : (slice.Object["endpoints"] as JsonArray)?.FirstOrDefault()?["addresses"]?[0]?.GetValue<string>();
    }

    private string? RecordAddress() => Route53.Zone.Sets.FirstOrDefault(set => set is { Type: "A", Name: DnsName + "." })?.Values[0];

    private Host Compose(NetworkHost network)
    {
        var (redis, sentinel) = (Group.Redis[network.Index], Group.Sentinels[network.Index]);
        Host? host = null;
        host = new Host(
            network,
            redis,
            sentinel,
            new Container(redis.Name, redis.StartAsync, () => redis.Process),
            new Container(sentinel.Name, sentinel.StartAsync, () => sentinel.Process),
            new Container(redis.Name + "-sidecar", () => StartSidecarAsync(host!), () => _sidecars.GetValueOrDefault(host!)),
            Backup?.ContainerOf(redis));
        return host;
    }

    /// <summary>What a host's sidecar is configured with.</summary>
    public IReadOnlyDictionary<string, string> SidecarEnvironment(Host host)
    {
        var node = host.RedisNode;
        var environment = new Dictionary<string, string>(Group.EnvironmentOf(node))
        {
            ["METRICS_PORT"] = "0",
            ["DNS_NAME"] = DnsName,
            ["ROUTE53_ZONE_ID"] = FakeRoute53Server.ZoneId,
            ["ROUTE53_ENDPOINT"] = string.Create(CultureInfo.InvariantCulture, $"http://{NetworkHosts.Services}:{Route53Port}/"),
            ["AWS_ACCESS_KEY_ID"] = FakeRoute53Server.AccessKey,
            ["AWS_SECRET_ACCESS_KEY"] = FakeRoute53Server.SecretKey,
            ["AWS_EC2_METADATA_DISABLED"] = "true",
            ["MASTER_SERVICE"] = MasterService,
        };
        if (_options.FakeTimeLibrary is { } library)
        {
            environment["LD_PRELOAD"] = library;
            environment["FAKETIME_TIMESTAMP_FILE"] = ClockFile(host)!;
            environment["FAKETIME_NO_CACHE"] = environment["DONT_FAKE_MONOTONIC"] = "1";
        }

        return environment;
    }

    private async Task StartSidecarAsync(Host host)
    {
        var node = host.RedisNode;
        if (ClockFile(host) is { } clock && !File.Exists(clock)) await File.WriteAllTextAsync(clock, "+0");
        var old = _sidecars.GetValueOrDefault(host);
        _sidecars[host] =
            await ServerProcess.StartAsync(LocalGroup.At(node.Place, new ServerStart(Repository.NativeExecutable("redis-failover"), "run")
            {
                Name = host.Sidecar.Name,
                Environment = SidecarEnvironment(host),
                WorkingDirectory = node.DataFolder,
            }));
        if (old is not null) await old.DisposeAsync();
    }

    private async Task KubeletAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            await Task.WhenAll(Hosts.SelectMany(h => h.Containers).Select(c => c.StartIfDownAsync()));
            await Task.Delay(KubeletPeriod, TimeProvider.System, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
