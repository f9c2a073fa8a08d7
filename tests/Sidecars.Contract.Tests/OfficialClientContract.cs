using System.Net;
using k8s;
using k8s.Autorest;
using k8s.Models;
using Sidecars.Core.Kubernetes;
using Sidecars.Failover.Publish.Targets.Slice;

namespace Sidecars.Contract.Tests;

/// <summary>
/// The official client of Kubernetes beside ours on the same objects: what each writes the other reads, and each one's writes make the
/// other's stale. Against the fake it says what a client that we did not write makes of it.
/// </summary>
public abstract class OfficialClientContract : IAsyncLifetime
{
    private const string Leases = "apis/coordination.k8s.io/v1/leases";
    private const string Slices = "apis/discovery.k8s.io/v1/endpointslices";
    private readonly string _name = $"contract-{Guid.NewGuid():n}"[..24];
    private IContractCluster _cluster = null!;

    private KubernetesClient Ours => _cluster.Client;

    private ICoordinationV1Operations Official => _cluster.Official.CoordinationV1;

    protected abstract Task<IContractCluster> ConnectAsync();

    public async Task InitializeAsync() => _cluster = await ConnectAsync();

    public async Task DisposeAsync()
    {
        await _cluster.DeleteAsync(Leases, _name);
        await _cluster.DeleteAsync(Slices, _name);
        await _cluster.DisposeAsync();
    }

    [ContractFact]
    public async Task A_lease_of_ours_reads_as_it_was_written()
    {
        await CreateAsync("a");
        var read = await Official.ReadNamespacedLeaseAsync(_name, Ours.Namespace);
        Assert.Equal(("a", 30, 0), (read.Spec.HolderIdentity, read.Spec.LeaseDurationSeconds, read.Spec.LeaseTransitions));
        Assert.Equal(
            new DateTime(2026, 11, 20, 10, 0, 0, DateTimeKind.Utc).AddMicroseconds(1), read.Spec.RenewTime!.Value.ToUniversalTime());
        Assert.Equal("ünïcode \"quoted\"", read.Annotations()["example.com/note"]);
        Assert.NotNull(read.CreationTimestamp());
    }

    [ContractFact]
    public async Task A_lease_of_theirs_is_read_and_kept_by_ours()
    {
        var lease = new V1Lease
        {
            Metadata = new V1ObjectMeta { Name = _name, Labels = new Dictionary<string, string> { ["team"] = "platform" } },
            Spec = new V1LeaseSpec
            { HolderIdentity = "theirs", LeaseDurationSeconds = 15, RenewTime = DateTime.UnixEpoch.AddYears(50).AddMilliseconds(1.5) },
        };
        await Official.CreateNamespacedLeaseAsync(lease, Ours.Namespace);
        var read = await ReadAsync();
        Assert.Equal(("theirs", 15), (read.Spec!.HolderIdentity, read.Spec.LeaseDurationSeconds));
        Assert.IsType<KubernetesWrite<LeaseDocument>.Written>(await Ours.PutLeaseAsync(Hold(read, "ours"), default));
        var again = await Official.ReadNamespacedLeaseAsync(_name, Ours.Namespace);
        Assert.Equal(("ours", "platform", read.Spec.RenewTime is not null),
            (again.Spec.HolderIdentity, again.Labels()["team"], again.Spec.RenewTime is not null));
    }

    [ContractFact]
    public async Task Each_ones_write_makes_the_others_stale()
    {
        var first = await CreateAsync("a");
        var theirs = await Official.ReadNamespacedLeaseAsync(_name, Ours.Namespace);
        var stale = await Official.ReadNamespacedLeaseAsync(_name, Ours.Namespace);
        theirs.Spec.HolderIdentity = "theirs";
        theirs = await Official.ReplaceNamespacedLeaseAsync(theirs, _name, Ours.Namespace);
        var ours = Assert.IsType<KubernetesWrite<LeaseDocument>.NotWritten>(await Ours.PutLeaseAsync(Hold(first, "ours"), default));
        Assert.IsType<KubernetesFailure.Conflict>(ours.Failure);

        Assert.IsType<KubernetesWrite<LeaseDocument>.Written>(await Ours.PutLeaseAsync(Hold(await ReadAsync(), "ours"), default));
        Assert.Equal(HttpStatusCode.Conflict, await RefusedAsync(() => Official.ReplaceNamespacedLeaseAsync(stale, _name, Ours.Namespace)));
        Assert.Equal(
            HttpStatusCode.Conflict, await RefusedAsync(() => Official.ReplaceNamespacedLeaseAsync(theirs, _name, Ours.Namespace)));
        Assert.Equal("ours", (await ReadAsync()).Spec!.HolderIdentity);
    }

    [ContractFact]
    public async Task Errors_are_those_that_the_official_client_knows()
    {
        Assert.Equal(HttpStatusCode.NotFound, await RefusedAsync(() => Official.ReadNamespacedLeaseAsync(_name, Ours.Namespace)));
        await CreateAsync("a");
        var lease = new V1Lease
        { Metadata = new V1ObjectMeta { Name = _name }, Spec = new V1LeaseSpec { HolderIdentity = "b", LeaseDurationSeconds = 15 } };
        Assert.Equal(HttpStatusCode.Conflict, await RefusedAsync(() => Official.CreateNamespacedLeaseAsync(lease, Ours.Namespace)));
        lease.Spec.LeaseDurationSeconds = 0;
        lease.Metadata.ResourceVersion = (await ReadAsync()).Metadata!.ResourceVersion;
        Assert.Equal(HttpStatusCode.UnprocessableEntity,
            await RefusedAsync(() => Official.ReplaceNamespacedLeaseAsync(lease, _name, Ours.Namespace)));
        Assert.Equal("a", (await ReadAsync()).Spec!.HolderIdentity);
    }

    [ContractFact]
    public async Task A_deleted_lease_is_gone_for_both()
    {
        var first = await CreateAsync("a");
        await _cluster.DeleteAsync(Leases, _name);
        Assert.Equal(HttpStatusCode.NotFound, await RefusedAsync(() => Official.ReadNamespacedLeaseAsync(_name, Ours.Namespace)));
        Assert.IsType<KubernetesFailure.Conflict>(
            Assert.IsType<KubernetesWrite<LeaseDocument>.NotWritten>(await Ours.PutLeaseAsync(Hold(first, "b"), default)).Failure);
    }

    [ContractFact]
    public async Task An_endpoint_slice_of_ours_is_one_that_a_proxy_reads()
    {
        var slice = EndpointSliceDocument.New(Ours.Namespace, _name) with
        {
            AddressType = "IPv4",
            Endpoints = [new SliceEndpoint { Addresses = ["10.0.0.1"], Conditions = new SliceConditions { Ready = true } }],
            Ports = [new SlicePort { Name = "redis", Port = 6379, Protocol = "TCP" }],
        };
        Assert.IsType<KubernetesWrite<EndpointSliceDocument>.Written>(await Ours.CreateEndpointSliceAsync(slice, default));
        var read = await _cluster.Official.DiscoveryV1.ReadNamespacedEndpointSliceAsync(_name, Ours.Namespace);
        var endpoint = Assert.Single(read.Endpoints);
        Assert.Equal(("IPv4", "10.0.0.1", true), (read.AddressType, Assert.Single(endpoint.Addresses), endpoint.Conditions.Ready));
        Assert.Equal(("redis", 6379, "TCP"), (read.Ports[0].Name, read.Ports[0].Port, read.Ports[0].Protocol));
    }

    private static async Task<HttpStatusCode> RefusedAsync(Func<Task> call) =>
        (await Assert.ThrowsAsync<HttpOperationException>(call)).Response.StatusCode;

    private async Task<LeaseDocument> CreateAsync(string holder)
    {
        var lease = LeaseDocument.New(Ours.Namespace, _name);
        lease = lease with
        {
            Metadata =
                lease.Metadata! with { Annotations = new Dictionary<string, string?> { ["example.com/note"] = "ünïcode \"quoted\"" } },
            Spec = new LeaseSpec
            { HolderIdentity = holder, LeaseDurationSeconds = 30, RenewTime = "2026-11-20T10:00:00.000001Z", LeaseTransitions = 0 },
        };
        return Assert.IsType<KubernetesWrite<LeaseDocument>.Written>(await Ours.PutLeaseAsync(lease, default)).Document;
    }

    private async Task<LeaseDocument> ReadAsync() =>
        Assert.IsType<KubernetesRead<LeaseDocument>.Found>(await Ours.GetLeaseAsync(_name, default)).Document;

    private static LeaseDocument Hold(LeaseDocument lease, string holder) =>
        lease with { Spec = lease.Spec! with { HolderIdentity = holder } };
}
