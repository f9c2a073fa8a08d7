using Sidecars.Bootstrap.Slots;
using Sidecars.Core.Election;
using Sidecars.Core.Kubernetes;
using Sidecars.Core.Primitives;
using Sidecars.Failover.Publish.Targets.Slice;
using Write = Sidecars.Core.Kubernetes.KubernetesWrite<Sidecars.Core.Kubernetes.LeaseDocument>;

namespace Sidecars.Contract.Tests;

/// <summary>What the Lease backend relies on, held against every API server there is.</summary>
public abstract class LeaseContract : IAsyncLifetime
{
    private const string Leases = "apis/coordination.k8s.io/v1/leases";
    private const string Slices = "apis/discovery.k8s.io/v1/endpointslices";
    private readonly string _name = $"contract-{Guid.NewGuid():n}"[..24];
    private IContractCluster _cluster = null!;

    private KubernetesClient Client => _cluster.Client;

    protected abstract Task<IContractCluster> ConnectAsync();

    public async Task InitializeAsync() => _cluster = await ConnectAsync();

    public async Task DisposeAsync()
    {
        foreach (var name in (string[])[_name, _name + "-sentinels", _name + "-evidence-redis-0"]) await _cluster.DeleteAsync(Leases, name);
        await _cluster.DeleteAsync(Slices, _name);
        await _cluster.DisposeAsync();
    }

    [ContractFact]
    public async Task What_does_not_exist_is_NotFound()
    {
        Assert.IsType<KubernetesFailure.NotFound>(
            Assert.IsType<KubernetesRead<LeaseDocument>.Failed>(await Client.GetLeaseAsync(_name, default)).Failure);
        Assert.IsType<KubernetesFailure.NotFound>(
            Assert.IsType<KubernetesRead<PodDocument>.Failed>(await Client.GetPodAsync(_name, default)).Failure);
    }

    [ContractFact]
    public async Task A_put_creates_an_absent_lease_and_reads_back()
    {
        var written = Assert.IsType<Write.Written>(await Client.PutLeaseAsync(New("a"), default));
        Assert.True(written.Created);
        var read = await ReadAsync();
        Assert.Equal(("a", written.Document.Metadata!.ResourceVersion, written.Document.Metadata.Uid),
            (read.Spec!.HolderIdentity, read.Metadata!.ResourceVersion, read.Metadata.Uid));
        Assert.Equal("2026-11-20T10:00:00.000001Z", read.Spec.RenewTime);
    }

    [ContractFact]
    public async Task A_create_that_meets_an_existing_lease_is_a_conflict_and_changes_nothing()
    {
        await CreateAsync("a");
        Conflict(await Client.PutLeaseAsync(New("b"), default));
        Assert.Equal("a", (await ReadAsync()).Spec!.HolderIdentity);
    }

    [ContractFact]
    public async Task A_stale_version_is_a_conflict_and_changes_nothing()
    {
        var first = await CreateAsync("a");
        var second = Assert.IsType<Write.Written>(await Client.PutLeaseAsync(Hold(first, "b"), default));
        Assert.False(second.Created);
        Conflict(await Client.PutLeaseAsync(Hold(first, "c"), default));
        Assert.Equal("b", (await ReadAsync()).Spec!.HolderIdentity);
    }

    [ContractFact]
    public async Task An_update_of_a_deleted_lease_is_a_conflict_and_does_not_bring_it_back()
    {
        var first = await CreateAsync("a");
        await _cluster.DeleteAsync(Leases, _name);
        Conflict(await Client.PutLeaseAsync(Hold(first, "b"), default));
        Assert.IsType<KubernetesFailure.NotFound>(
            Assert.IsType<KubernetesRead<LeaseDocument>.Failed>(await Client.GetLeaseAsync(_name, default)).Failure);
    }

    [ContractFact]
    public async Task An_update_of_a_lease_that_was_recreated_is_a_conflict()
    {
        var first = await CreateAsync("a");
        await _cluster.DeleteAsync(Leases, _name);
        await CreateAsync("b");
        Conflict(await Client.PutLeaseAsync(Hold(first, "c"), default));
        Assert.Equal("b", (await ReadAsync()).Spec!.HolderIdentity);
    }

    [ContractFact]
    public async Task Of_many_writers_with_one_version_exactly_one_wins()
    {
        var first = await CreateAsync("a");
        var writes = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Client.PutLeaseAsync(Hold(first, $"w{i}"), default)));
        var winner = Assert.Single(writes.OfType<Write.Written>());
        Assert.All(writes.Where(w => w is not Write.Written), w => Conflict(w));
        Assert.Equal(winner.Document.Spec!.HolderIdentity, (await ReadAsync()).Spec!.HolderIdentity);
    }

    [ContractFact]
    public async Task Of_many_creators_exactly_one_wins()
    {
        var writes = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Client.PutLeaseAsync(New($"w{i}"), default)));
        Assert.Single(writes.OfType<Write.Written>());
        Assert.All(writes.Where(w => w is not Write.Written), w => Conflict(w));
    }

    [ContractFact]
    public async Task What_others_wrote_survives_our_update()
    {
        var labels = new Dictionary<string, string?> { ["team"] = "platform" };
        var annotations = new Dictionary<string, string?> { ["example.com/note"] = "ünïcode \"quoted\"" };
        var lease = New("a");
        await Client.PutLeaseAsync(lease with { Metadata = lease.Metadata! with { Labels = labels, Annotations = annotations } }, default);
        Assert.IsType<Write.Written>(await Client.PutLeaseAsync(Hold(await ReadAsync(), "b"), default));

        var read = await ReadAsync();
        Assert.Equal("platform", read.Metadata!.Labels!["team"]);
        Assert.Equal("ünïcode \"quoted\"", read.Annotations["example.com/note"]);
        Assert.Contains("creationTimestamp", read.Metadata.Unknown!.Keys);
    }

    [ContractFact]
    public async Task A_lease_can_be_released()
    {
        var first = await CreateAsync("a");
        Assert.IsType<Write.Written>(await Client.PutLeaseAsync(Hold(first, ""), default));
        Assert.Equal("", (await ReadAsync()).Spec!.HolderIdentity ?? "");
    }

    [ContractFact]
    public async Task A_spec_that_the_server_does_not_accept_is_Rejected()
    {
        var lease = New("a");
        var write = await Client.PutLeaseAsync(lease with { Spec = lease.Spec! with { LeaseDurationSeconds = 0 } }, default);
        Assert.Equal(422, Assert.IsType<KubernetesFailure.Rejected>(Assert.IsType<Write.NotWritten>(write).Failure).Status);
    }

    [ContractFact]
    public async Task An_endpoint_slice_is_created_by_post_and_replaced_by_compare_and_swap()
    {
        var slice = Slice("10.0.0.1");
        var created = Assert.IsType<KubernetesWrite<EndpointSliceDocument>.Written>(
            await Client.CreateEndpointSliceAsync(slice, default)).Document;
        Assert.IsType<KubernetesFailure.Conflict>(Assert.IsType<KubernetesWrite<EndpointSliceDocument>.NotWritten>(
            await Client.CreateEndpointSliceAsync(slice, default)).Failure);
        var moved = created with { Endpoints = Slice("10.0.0.2").Endpoints };
        Assert.IsType<KubernetesWrite<EndpointSliceDocument>.Written>(await Client.PutEndpointSliceAsync(moved, default));
        Assert.IsType<KubernetesFailure.Conflict>(
            Assert.IsType<KubernetesWrite<EndpointSliceDocument>.NotWritten>(await Client.PutEndpointSliceAsync(created, default)).Failure);
        // would overwrite unconditionally
        Assert.IsType<KubernetesWrite<EndpointSliceDocument>.NotWritten>(await Client.PutEndpointSliceAsync(slice, default));
        var read = Assert.IsType<KubernetesRead<EndpointSliceDocument>.Found>(await Client.GetEndpointSliceAsync(_name, default)).Document;
        Assert.Equal("10.0.0.2", read.Endpoints![0].Addresses![0]);
    }

    [ContractFact]
    public async Task The_group_is_written_renewed_lost_and_recreated()
    {
        var store = Store();
        Assert.IsType<StoreRead<GroupLeaseSnapshot>.Missing>(await store.ReadAsync(default));
        var first = Written(
            await store.WriteAsync(store.Prepare(null, new ElectionRecord { Term = 1 }, "uid-0", TimeSpan.FromSeconds(60)), default));
        var renewed = Written(await store.WriteAsync(store.Prepare(first, first.Record, "uid-0", TimeSpan.FromSeconds(60)), default));
        Assert.NotEqual(first.Lease.Spec!.RenewTime, renewed.Lease.Spec!.RenewTime);
        Assert.Equal((first.Lease.Spec.AcquireTime, 0), (renewed.Lease.Spec.AcquireTime, renewed.Lease.Spec.LeaseTransitions!.Value));
        var taken = Written(
            await store.WriteAsync(store.Prepare(renewed, new ElectionRecord { Term = 2 }, "uid-1", TimeSpan.FromSeconds(60)), default));
        Assert.Equal(1, taken.Lease.Spec!.LeaseTransitions);
        Assert.IsType<StoreWrite<GroupLeaseSnapshot>.Lost>(
            await store.WriteAsync(store.Prepare(renewed, renewed.Record, "uid-0", TimeSpan.FromSeconds(60)), default));
        Assert.Throws<ArgumentException>(() => store.Prepare(taken, new ElectionRecord { Term = 1 }, "uid-1", TimeSpan.FromSeconds(60)));

        await _cluster.DeleteAsync(Leases, _name);
        Assert.IsType<StoreWrite<GroupLeaseSnapshot>.Lost>(
            await store.WriteAsync(store.Prepare(taken, taken.Record, "uid-1", TimeSpan.FromSeconds(60)), default));
        Assert.IsType<StoreRead<GroupLeaseSnapshot>.Missing>(await store.ReadAsync(default));
        Assert.Equal(3, Written(await store.WriteAsync(
            store.Prepare(null, new ElectionRecord { Term = 3 }, "uid-1", TimeSpan.FromSeconds(60)), default)).Record.Term);
    }

    [ContractFact]
    public async Task Evidence_of_the_largest_size_is_written_over_and_read()
    {
        var store = Store();
        var evidence = new EvidenceDocument("uid-0", "node-a", "n-1", new string('x', EvidenceDocument.MaxEvidenceBytes));
        Assert.IsType<StoreRead<EvidenceDocument>.Missing>(await store.ReadEvidenceAsync("redis-0", default));
        Assert.IsType<StoreWrite<EvidenceDocument>.Written>(await store.WriteEvidenceAsync("redis-0", evidence, default));
        Assert.IsType<StoreWrite<EvidenceDocument>.Written>(
            await store.WriteEvidenceAsync("redis-0", evidence with { Round = "n-2" }, default));
        Assert.Equal(evidence with { Round = "n-2" },
            Assert.IsType<StoreRead<EvidenceDocument>.Found>(await store.ReadEvidenceAsync("redis-0", default)).Value);
    }

    [ContractFact]
    public async Task Two_sentinels_that_start_together_get_two_slots()
    {
        var store = new SlotTableStore(Client, Cluster, _name);
        var slots = await Task.WhenAll(ClaimAsync("uid-a"), ClaimAsync("uid-b"), ClaimAsync("uid-c"));
        Assert.Equal([0, 1, 2], slots.Order());

        async Task<int> ClaimAsync(string uid)
        {
            for (var round = 0; round < 20; round++)
            {
                var read = await store.ReadAsync(default);
                var basis = (read as StoreRead<SlotSnapshot>.Found)?.Value;
                if (basis is null) Assert.IsType<StoreRead<SlotSnapshot>.Missing>(read);
                var table = basis?.Table ?? SlotTable.Empty;
                if (SlotPolicy.Decide(
                    table, uid, "sentinel-" + uid, new RedisEndpoint("10.0.0.1", 26379), 3, new Dictionary<int, SlotFacts>())
                    is not SlotDecision.Claim claim)
                    throw new InvalidOperationException("three slots for three pods");
                if (await store.WriteAsync(basis, claim.Next, default) is StoreWrite<SlotTable>.Written) return claim.Slot;
            }

            throw new InvalidOperationException("no slot after 20 rounds");
        }
    }

    private static ClusterId Cluster => ClusterId.TryParse("contract/redis", out var id) ? id : throw new InvalidOperationException();

    private GroupLeaseStore Store() => new(Client, Cluster, _name, TimeProvider.System);

    private async Task<LeaseDocument> CreateAsync(string holder) =>
        Assert.IsType<Write.Written>(await Client.PutLeaseAsync(New(holder), default)).Document;

    private async Task<LeaseDocument> ReadAsync() =>
        Assert.IsType<KubernetesRead<LeaseDocument>.Found>(await Client.GetLeaseAsync(_name, default)).Document;

    private static GroupLeaseSnapshot Written(StoreWrite<GroupLeaseSnapshot> write) =>
        Assert.IsType<StoreWrite<GroupLeaseSnapshot>.Written>(write).Value;

    private static void Conflict(Write write) => Assert.IsType<KubernetesFailure.Conflict>(Assert.IsType<Write.NotWritten>(write).Failure);

    private LeaseDocument New(string holder) => LeaseDocument.New(Client.Namespace, _name) with
    {
        Spec = new LeaseSpec
        { HolderIdentity = holder, LeaseDurationSeconds = 30, RenewTime = "2026-11-20T10:00:00.000001Z", LeaseTransitions = 0 },
    };

    private static LeaseDocument Hold(LeaseDocument lease, string holder) =>
        lease with { Spec = lease.Spec! with { HolderIdentity = holder } };

    private EndpointSliceDocument Slice(string address) => EndpointSliceDocument.New(Client.Namespace, _name) with
    {
        AddressType = "IPv4",
        Endpoints = [new SliceEndpoint { Addresses = [address], Conditions = new SliceConditions { Ready = true } }],
        Ports = [new SlicePort { Name = "redis", Port = 6379, Protocol = "TCP" }],
    };
}
