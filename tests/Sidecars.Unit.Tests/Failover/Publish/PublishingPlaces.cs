using System.Text.Json.Nodes;
using Sidecars.Core.Kubernetes;
using Sidecars.Core.Primitives;
using Sidecars.Failover.Publish;
using Sidecars.Failover.Publish.Records;
using Sidecars.Failover.Publish.Targets.DnsEndpoint;
using Sidecars.Failover.Publish.Targets.Slice;
using Sidecars.Failover.Publish.Targets.Zone;
using Sidecars.TestKit.FakeKubernetes;
using Sidecars.TestKit.Processes;

namespace Sidecars.Unit.Tests.Failover.Publish;

/// <summary>The places where a master is published, real but for the API server; each sidecar has a publisher of its own at each.</summary>
internal sealed class PublishingPlaces : IAsyncDisposable
{
    public const string Slice = "endpoint-slice";
    public const string Endpoint = "dns-endpoint";
    public const string Zone = "zone-file";
    private const string Record = "redis.example.org";
    private const string DnsEndpoints = "dnsendpoints.externaldns.k8s.io";
    private const string EndpointSlices = "endpointslices.discovery.k8s.io";
    private const string Service = "redis-master";
    private static readonly BackoffSchedule Pause = new(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(20));

    private readonly TempFolder _folder = new("places");
    private readonly TimeProvider _time;
    private readonly KubernetesClient _client;
    private readonly KubernetesClient _reader; // another client: what the server asked of the first is not asked of it

    private PublishingPlaces(FakeKubernetesServer server, TimeProvider time)
    {
        (Server, _time) = (server, time);
        _client = new KubernetesClient(server.Config with { CallDeadline = TimeSpan.FromMinutes(1) }, TimeProvider.System);
        _reader = new KubernetesClient(server.Config, TimeProvider.System);
        server.Objects.Seed(DnsEndpoints, FakeKubernetesServer.Namespace, new JsonObject
        { ["apiVersion"] = "externaldns.k8s.io/v1alpha1", ["kind"] = "DNSEndpoint", ["metadata"] = new JsonObject { ["name"] = "redis" } });
    }

    public static TheoryData<string> Kinds => [Slice, Endpoint, Zone];

    public FakeKubernetesServer Server { get; }

    /// <summary>Calls that failed, of all publishers made here.</summary>
    public int Failures { get; private set; }

    public static async Task<PublishingPlaces> StartAsync(TimeProvider time) => new(await FakeKubernetesServer.StartAsync(), time);

    /// <summary>Another publisher at the place.</summary>
    public ITargetWriter At(string kind) => At(kind, _client);

    private ITargetWriter At(string kind, KubernetesClient client) => kind switch
    {
        Slice => Writer(new SliceTarget(client, Service, "redis")),
        Endpoint => Dns(kind, new DnsEndpointStore(client, "redis")),
        _ => Dns(kind, new ZoneFileStore(_folder.File("zone"))),
    };

    /// <summary>What the place says.</summary>
    public Task<PublishedMaster?> ReadAsync(string kind) => At(kind, _reader).LookAsync(default);

    /// <summary>No slice has ever been written.</summary>
    public void DeleteSlice() => Server.Objects.Delete(EndpointSlices, FakeKubernetesServer.Namespace, Service);

    /// <summary>Somebody empties the slice's endpoints, as another hand or controller would.</summary>
    public void EmptySlice()
    {
        if (Server.Objects.Get(EndpointSlices, FakeKubernetesServer.Namespace, Service).Code != 200) return;
        Server.Objects.Change(EndpointSlices, FakeKubernetesServer.Namespace, Service, item => item["endpoints"] = new JsonArray());
    }

    /// <summary>Another sidecar, of any version, has written this.</summary>
    public async Task WriteAsync(string kind, FencingToken token, string address)
    {
        var (writer, pod) = (At(kind), new RedisEndpoint(address, PublishingWorld.Port));
        var own = new DesiredMaster.Own(pod, token, new MasterAddresses(address, pod), new RoleProof("", 0), 0);
        Assert.IsType<PublishOutcome.Written>(
            await writer.PublishAsync(new PublishOrder(own, own.Addresses, own.Role), new Unchecked(), fresh: true, default));
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        _reader.Dispose();
        await Server.DisposeAsync();
        _folder.Dispose();
    }

    private TargetWriter<DnsSnapshot, DnsChange> Dns(string kind, IDnsRecordStore store) =>
        Writer(new DnsRecordTarget(kind, Record, 5, store));

    private TargetWriter<TState, TChange> Writer<TState, TChange>(IPublishTarget<TState, TChange> target) =>
        new TargetWriter<TState, TChange>(target, PublishingWorld.Cluster, Pause, _ => Failures++, _time, () => 0.5);

    // Of a sidecar that is not here: what it writes was wanted and proven there.
    private sealed class Unchecked : IDesiredMasters
    {
        private static readonly RoleProof Proof = new("", 0);

        public Signal Changed { get; } = new();

        public bool IsWanted(PublishOrder order) => true;

        public Task<RoleProof?> ProveAsync(DesiredMaster desired, CancellationToken cancellation) => Task.FromResult<RoleProof?>(Proof);

        public RoleProof? RecentProof(DesiredMaster desired) => Proof;
    }
}
