using Amazon.Runtime;
using Sidecars.Aws;
using Sidecars.Failover.Publish;
using Sidecars.Failover.Publish.Records;
using Sidecars.Failover.Publish.Targets.Route53;
using Sidecars.TestKit.FakeRoute53;

namespace Sidecars.Contract.Tests.DnsRecords;

/// <summary>The contract against the fake's real rules, and what only Route 53 has.</summary>
public sealed class Route53Tests : DnsStoreContract
{
    private readonly List<Route53Client> _clients = [];
    private FakeRoute53Server _server = null!;

    public override async Task InitializeAsync() => _server = await FakeRoute53Server.StartAsync();

    public override async Task DisposeAsync()
    {
        foreach (var client in _clients) client.Dispose();
        await _server.DisposeAsync();
    }

    protected override IDnsRecordStore Open() => new Route53RecordStore(Client(), FakeRoute53Server.ZoneId);

    [Fact]
    public async Task One_switch_is_one_call_and_a_settled_change_is_known()
    {
        var writer = Writer();
        _ = await PublishAsync(writer, 1, fresh: true);
        var calls = _server.Seen.Count;
        var written = Assert.IsType<PublishOutcome.Written>(await PublishAsync(writer, 2, fresh: false));
        Assert.Equal(("newer-token", calls + 1), (written.Code, _server.Seen.Count));
        Assert.False(await Open().IsPropagatedAsync(written.ChangeId, default));
        _server.Settle();
        Assert.True(await Open().IsPropagatedAsync(written.ChangeId, default));
        Assert.Null(await Open().IsPropagatedAsync("C999", default));
    }

    [Fact]
    public async Task A_response_that_is_lost_costs_a_read_and_no_second_write()
    {
        _server.LoseResponses(1);
        var failures = new List<TargetFailure>();
        _ = Assert.IsType<PublishOutcome.UpToDate>(await PublishAsync(1, failures));
        Assert.Equal(TargetFailureKind.Unavailable, Assert.Single(failures).Kind);
        Assert.Equal(1, _server.Count("Change"));
    }

    [Fact]
    public async Task A_throttled_account_is_outlasted_by_all_of_its_tenants()
    {
        await UseAsync(FakeRoute53Server.With(limit: 5, limitWindow: TimeSpan.FromMilliseconds(50)));
        var failures = new List<TargetFailure>();
        var decisions = await Task.WhenAll(Enumerable.Range(1, 6).Select(epoch => PublishAsync(epoch, failures)));
        Assert.Contains(decisions, decision => decision is PublishOutcome.Written);
        Assert.NotEqual(0, _server.Count("List", 400) + _server.Count("Change", 400));
        Assert.All(
            failures, failure => Assert.True(failure.Kind is TargetFailureKind.Throttled or TargetFailureKind.Conflict, failure.Message));
        // Not through the account's limit, which would refuse this as well.
        Assert.Equal("10.0.0.6", _server.Zone.Sets.Single(set => set.Type == "A").Values[0]);
    }

    [Fact]
    public async Task Another_change_of_the_zone_under_way_is_waited_for()
    {
        await UseAsync(FakeRoute53Server.With(changeTakes: TimeSpan.FromMilliseconds(30)));
        var first = Open().ApplyAsync(new DnsChange([], [Set("a.example.org", "A", "10.0.0.1")]), default);
        var failures = new List<TargetFailure>();
        var publish = PublishAsync(1, failures);
        _ = Applied(await first);
        _ = Assert.IsType<PublishOutcome.Written>(await publish);
        Assert.All(failures, failure => Assert.Contains("PriorRequestNotComplete", failure.Message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Aliases_and_weighted_records_are_seen_and_refused()
    {
        FakeRecordSet[] specials =
        [
            new(Name + ".", "A", null, [], Special: "<AliasTarget><HostedZoneId>Z1</HostedZoneId><DNSName>lb.example.org.</DNSName>"
                + "<EvaluateTargetHealth>false</EvaluateTargetHealth></AliasTarget>"),
            new(Name + ".", "A", 60, ["10.0.0.1"], SetIdentifier: "blue", Special: "<Weight>10</Weight>"),
            new(Name + ".", "CNAME", 60, ["x.example.org"], SetIdentifier: "eu", Special: "<Region>eu-west-1</Region>"),
            new(Name + ".", "A", 60, ["10.0.0.1"], Special: "<HealthCheckId>h</HealthCheckId>"),
        ];
        foreach (var special in specials)
        {
            _server.Zone.Put(special);
            Assert.Equal("special-record", Assert.IsType<PublishOutcome.Refused>(await PublishAsync(1)).Code);
            _server.Zone.Remove(special.Name, special.Type);
        }

        Assert.Equal(0, _server.Count("Change"));
    }

    [Fact]
    public async Task Long_lists_are_read_to_the_end_that_matters()
    {
        await UseAsync(FakeRoute53Server.With(maxPage: 3));
        for (var i = 0; i < 10; i++)
        {
            // between name and owner
            _server.Zone.Put(new FakeRecordSet(FormattableString.Invariant($"{i}.{Name}."), "A", 60, ["192.0.2.1"]));
            _server.Zone.Put(new FakeRecordSet(FormattableString.Invariant($"z{i}.{Name}."), "A", 60, ["192.0.2.1"])); // after them
            _server.Zone.Put(new FakeRecordSet(FormattableString.Invariant($"{Name}."), "A", 60, ["192.0.2.1"],
                FormattableString.Invariant($"w{i}"), "<Weight>1</Weight>"));
        }

        Assert.Equal(10, (await SnapshotAsync()).Sets.Length);
        _server.Zone.Remove(Name + ".", "A");
        _ = Assert.IsType<PublishOutcome.Written>(await PublishAsync(1));
        Assert.Equal(["A", "TXT"], (await SnapshotAsync()).Sets.Select(set => set.Type).Order(StringComparer.Ordinal));
        _ = Assert.IsType<PublishOutcome.UpToDate>(await PublishAsync(1));
    }

    [Fact]
    public async Task Wrong_settings_are_told_apart()
    {
        Assert.Equal(TargetFailureKind.Denied, await KindAsync(Client(secret: "wrong")));
        Assert.Equal(TargetFailureKind.Denied, await KindAsync(Client(key: "AKIDOTHER")));
        Assert.Equal(TargetFailureKind.Misconfigured, await KindAsync(Client(zone: "ZOTHER")));
        var outside = await Open().ApplyAsync(new DnsChange([], [Set("redis.example.com", "A", "10.0.0.1")]), default);
        Assert.Equal(TargetFailureKind.Misconfigured, Failed(outside));
    }

    [Fact]
    public async Task An_api_that_is_not_there_is_unavailable()
    {
        var endpoint = _server.Endpoint;
        await _server.DisposeAsync();
        Assert.Equal(TargetFailureKind.Unavailable, await KindAsync(Client(endpoint: endpoint)));
    }

    private static async Task<TargetFailureKind> KindAsync(Route53Client client) =>
        Assert.IsType<TargetResult<DnsSnapshot>.Failed>(
            await new Route53RecordStore(client, "Z").ReadAsync(Name, "_redis-master." + Name, default)).Failure.Kind;

    private async Task UseAsync(FakeRoute53Server server)
    {
        await _server.DisposeAsync();
        _server = await FakeRoute53Server.StartAsync(server);
    }

    private Route53Client Client(string key = FakeRoute53Server.AccessKey, string secret = FakeRoute53Server.SecretKey,
        string zone = FakeRoute53Server.ZoneId, Uri? endpoint = null)
    {
        var settings = new Route53Settings
        {
            HostedZoneId = zone,
            Endpoint = endpoint ?? _server.Endpoint,
            CallDeadline = TimeSpan.FromMinutes(1),
            ConnectTimeout = TimeSpan.FromMinutes(1)
        };
        var client = new Route53Client(settings, RotatingCredentials.Of(new BasicAWSCredentials(key, secret)));
        lock (_clients) _clients.Add(client);
        return client;
    }
}
