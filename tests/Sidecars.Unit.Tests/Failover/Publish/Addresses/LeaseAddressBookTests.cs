using System.Text.Json.Nodes;
using Sidecars.Bootstrap.Backends;
using Sidecars.Core.Election;
using Sidecars.Core.Kubernetes;
using Sidecars.Core.Primitives;
using Sidecars.Failover.Publish;
using Sidecars.Failover.Publish.Addresses;
using Sidecars.Retries;
using Sidecars.TestKit.FakeKubernetes;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;

namespace Sidecars.Unit.Tests.Failover.Publish.Addresses;

/// <summary>What pods record in their Leases, beside what older and newer versions write there; an API server on a real socket.</summary>
public sealed class LeaseAddressBookTests : IAsyncLifetime
{
    private const string Leases = "leases.coordination.k8s.io";
    private static readonly NodeAddresses Zero = new(
        "redis-0", "uid-0", new RedisEndpoint("10.96.0.1", 6379), new RedisEndpoint("10.244.0.1", 6379), "redis-0.example.org");
    private static readonly NodeAddresses One = new(
        "redis-1", "uid-1", new RedisEndpoint("10.96.0.2", 6379), new RedisEndpoint("fd00::2", 6379), null);

    private FakeKubernetesServer _server = null!;
    private KubernetesClient _client = null!;

    private GroupLeaseStore Store => new(_client, PublishingWorld.Cluster, "redis", TimeProvider.System);

    public async Task InitializeAsync()
    {
        _server = await FakeKubernetesServer.StartAsync();
        NewClient();
    }

    private void NewClient()
    {
        _client?.Dispose();
        _client = new KubernetesClient(_server.Config with { CallDeadline = TimeSpan.FromMinutes(1) }, TimeProvider.System);
    }

    public async Task DisposeAsync()
    {
        _client.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Every_pod_reads_what_each_has_recorded()
    {
        Assert.Null(await Book(0).RecordAsync(Zero, default));
        Assert.Null(await Book(1).RecordAsync(One, default));
        var reading = await Book(2).ReadAsync(default);
        Assert.Equal([Zero, One], reading.Known.AsEnumerable());
        Assert.Null(reading.Unread);
    }

    [Fact]
    public async Task What_stands_there_is_not_written_again_and_a_new_pods_addresses_replace_the_old_ones()
    {
        _ = await Book(0).RecordAsync(Zero, default);
        var writes = Writes();
        Assert.Null(await Book(0).RecordAsync(Zero, default));
        Assert.Equal(writes, Writes());
        var next = Zero with { Uid = "uid-9", Pod = new RedisEndpoint("10.244.0.9", 6379) };
        Assert.Null(await Book(0).RecordAsync(next, default));
        Assert.Equal([next], (await Book(2).ReadAsync(default)).Known.AsEnumerable());
    }

    [Fact]
    public async Task Evidence_of_a_round_and_addresses_stand_beside_each_other_in_either_order()
    {
        var evidence = new EvidenceDocument("uid-0", "redis-0", "round-1", "{}");
        _ = await Store.WriteEvidenceAsync("redis-0", evidence, default); // an older version's bootstrap
        Assert.Empty((await Book(2).ReadAsync(default)).Known);
        _ = await Book(0).RecordAsync(Zero, default);
        _ = Assert.IsType<StoreWrite<EvidenceDocument>.Written>(
            await Store.WriteEvidenceAsync("redis-0", evidence with { Round = "round-2" }, default));
        Assert.Equal([Zero], (await Book(2).ReadAsync(default)).Known.AsEnumerable());
        Assert.Equal(
            "round-2", Assert.IsType<StoreRead<EvidenceDocument>.Found>(await Store.ReadEvidenceAsync("redis-0", default)).Value.Round);
    }

    [Fact]
    public async Task A_Lease_with_addresses_alone_is_no_evidence_and_stops_no_election()
    {
        _ = await Book(1).RecordAsync(One, default);
        using var client = new KubernetesClient(_server.Config, TimeProvider.System);
        using var backend = new LeaseElectionBackend(
            client, new GroupLeaseStore(client, PublishingWorld.Cluster, "redis", TimeProvider.System), "redis-0", 3, TimeProvider.System);
        _server.RunPod("redis-0", "uid-0");
        var view = Assert.IsType<ElectionObservation.Known>(
            await backend.ObserveAsync(Evidence(A) with { Node = "redis-0", Uid = "uid-0" }, default)).View;
        Assert.Equal("redis-0", Assert.Single(view.Evidence).Node);
    }

    [Theory]
    [InlineData("""{"uid":"u","announced":"10.96.0.1:6379","pod":"redis-0.demo.svc:6379"}""")]
    [InlineData("""{"uid":"u","announced":"10.96.0.1:6379","outside":"no name"}""")]
    [InlineData("""{"uid":"u","announced":"10.96.0.1:6379","pod":"10.0.0.1:6379","pod":"10.0.0.2:6379"}""")]
    [InlineData("""{"uid":"","announced":"10.96.0.1:6379"}""")]
    [InlineData("""{"uid":"u"}""")]
    [InlineData("[]")]
    [InlineData("{")]
    public async Task What_is_not_to_be_believed_is_not_known_and_says_why(string value)
    {
        _ = await Book(0).RecordAsync(Zero, default);
        _server.Objects.Change(Leases, FakeKubernetesServer.Namespace, "redis-evidence-redis-0",
            lease => lease["metadata"]!["annotations"]!["sidecars.redis/addresses"] = value);
        var reading = await Book(2).ReadAsync(default);
        Assert.Empty(reading.Known);
        Assert.Contains("addresses", reading.Unread);
        // Its own pod puts it right.
        Assert.Null(await Book(0).RecordAsync(Zero, default));
        Assert.Equal([Zero], (await Book(2).ReadAsync(default)).Known.AsEnumerable());
    }

    [Fact]
    public async Task Another_tenants_Lease_is_not_believed_and_an_unknown_member_is_tolerated()
    {
        _ = await Book(0).RecordAsync(Zero, default);
        Change(annotations => annotations["sidecars.redis/addresses"] = """{"uid":"uid-0","announced":"10.96.0.1:6379","later":{"a":1}}""");
        Assert.Equal(
            [new NodeAddresses("redis-0", "uid-0", Zero.Announced, null, null)], (await Book(2).ReadAsync(default)).Known.AsEnumerable());
        Change(annotations => annotations["sidecars.redis/cluster-id"] = "other/redis");
        var reading = await Book(2).ReadAsync(default);
        Assert.Empty(reading.Known);
        Assert.NotNull(reading.Unread);
    }

    [Fact]
    public async Task An_API_server_that_is_away_leaves_unknown_what_was_not_read()
    {
        _ = await Book(0).RecordAsync(Zero, default);
        _server.Next(null);
        _server.Next(new Fault.Error(503, "ServiceUnavailable"));
        var reading = await Book(2).ReadAsync(default);
        Assert.Equal([Zero], reading.Known.AsEnumerable());
        Assert.NotNull(reading.Unread);
    }

    [Fact]
    public async Task The_loop_passes_on_what_the_server_asks_and_says_why_not()
    {
        var told = new Told();
        var loop = new AddressLoop((mine, ct) => Book(0).RecordAsync(mine, ct), Zero, told, TimeProvider.System, () => 0);
        _server.Next(new Fault.Error(429, "TooManyRequests", RetryAfterSeconds: 30));
        Assert.Equal(new FailedTry(TimeSpan.FromSeconds(30)), await loop.RoundAsync(default));
        NewClient(); // those 30 s, which the old one keeps to
        _server.Forbids = (verb, _, _) => verb == "update";
        Assert.Equal(new FailedTry(), await loop.RoundAsync(default));
        Assert.Equal([("addresses", "api"), ("addresses", "forbidden")], told.Refused);
        _server.Forbids = (_, _, _) => false;
        Assert.Null(await loop.RoundAsync(default));
        Assert.Equal([Zero], (await Book(2).ReadAsync(default)).Known.AsEnumerable());
    }

    private int Writes() => _server.Seen.Count(r => r.Method == "PUT");

    private void Change(Action<JsonNode> change) =>
        _server.Objects.Change(
            Leases, FakeKubernetesServer.Namespace, "redis-evidence-redis-0", lease => change(lease["metadata"]!["annotations"]!));

    private LeaseAddressBook Book(int ordinal) =>
        new(_client, "redis", PublishingWorld.Cluster, $"redis-{ordinal}", 3, TimeProvider.System);
}
