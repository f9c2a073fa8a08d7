using Amazon.Runtime;
using Sidecars.Aws;
using Sidecars.Core.Primitives;
using Sidecars.Failover.Publish;
using Sidecars.Failover.Publish.Records;
using Sidecars.Failover.Publish.Targets.Route53;
using Sidecars.TestKit.FakeRoute53;

namespace Sidecars.Unit.Tests.Failover.Publish;

/// <summary>Three sidecars over one hosted zone with its rules: a switch costs one call that writes, and none that is refused.</summary>
public sealed class OneWriteTests : IAsyncLifetime
{
    private const string Record = "redis.example.org";
    private readonly PublishingWorld _world = new();
    private readonly List<Route53Client> _clients = [];
    private FakeRoute53Server _zone = null!;
    private (PublisherLoop A, PublisherLoop B, PublisherLoop C) _at;
    private (ITargetWriter A, ITargetWriter B, ITargetWriter C) _writers;

    private PublishingNode A => _world.A;

    private PublishingNode B => _world.B;

    private PublishingNode C => _world.C;

    public async Task InitializeAsync()
    {
        _zone = await FakeRoute53Server.StartAsync();
        _writers = (Writer(), Writer(), Writer());
        _at = (A.Over(_writers.A), B.Over(_writers.B), C.Over(_writers.C));
    }

    public async Task DisposeAsync()
    {
        foreach (var client in _clients) client.Dispose();
        await _zone.DisposeAsync();
        await _world.DisposeAsync();
    }

    [Fact]
    public async Task In_a_groups_first_seconds_too()
    {
        // Every sidecar has looked, as it does when it starts; then the group's first master is published.
        foreach (var writer in new[] { _writers.A, _writers.B, _writers.C }) Assert.Null(await writer.LookAsync(default));
        await EverybodyAsync();
        Assert.Equal([200], Writes());
        await KillAsync(A, B);
        Assert.Equal([200, 200], Writes());
        Assert.Equal(B.Pod.Host, Published());
    }

    [Fact]
    public async Task Where_the_others_have_looked_since_it_is_the_only_call_before_their_next_look()
    {
        await EverybodyAsync();
        await LookAsync();
        var before = _zone.Seen.Count;
        A.AnswersAtPod = false;
        _world.Sentinels.Switch(B);
        (A.IsMaster, B.IsMaster) = (false, true);
        await B.PublishAsync(_at.B);
        Assert.Equal(["Change 200"], _zone.Seen.Skip(before).Select(call => $"{call.Operation} {call.Status}"));
        await LookAsync();
        Assert.Equal([200, 200], Writes());
    }

    // C has looked when A was master, and has slept over B's time.
    [Fact]
    public async Task After_two_switches_of_which_one_was_slept_over()
    {
        await EverybodyAsync();
        await LookAsync();
        _world.Sentinels.Switch(B);
        (A.IsMaster, B.IsMaster) = (false, true);
        await B.PublishAsync(_at.B);
        await C.Loop.RoundAsync(default);
        await KillAsync(B, C);
        Assert.Equal([200, 200, 200], Writes());
        Assert.Equal(C.Pod.Host, Published());
    }

    // The Sentinels are told once the new master is one: the switch is the only thing to publish.
    [Fact]
    public async Task A_planned_hand_over()
    {
        await EverybodyAsync();
        await LookAsync();
        B.IsMaster = true;
        _world.Sentinels.Switch(B);
        await B.PublishAsync(_at.B);
        Assert.Equal(B.Pod.Host, Published());
        A.IsMaster = false;
        await EverybodyAsync();
        await LookAsync();
        Assert.Equal([200, 200], Writes());
        Assert.Equal(B.Pod.Host, Published());
    }

    // A dies: its sidecar lives on beside nothing, and nobody answers at its pod's address.
    private async Task KillAsync(PublishingNode old, PublishingNode next)
    {
        (old.AnswersAtPod, old.IsClear) = (false, false);
        _world.Sentinels.Switch(next);
        (old.IsMaster, next.IsMaster) = (false, true);
        await EverybodyAsync();
        await LookAsync();
    }

    // All sidecars decide and follow in the same moment.
    private async Task EverybodyAsync() =>
        await Task.WhenAll(A.PublishAsync(_at.A), B.PublishAsync(_at.B), C.PublishAsync(_at.C));

    // Past every rank's delay.
    private async Task LookAsync()
    {
        for (var seconds = 0; seconds < 20; seconds += 5)
        {
            _world.Time.Advance(TimeSpan.FromSeconds(5));
            await EverybodyAsync();
        }
    }

    private int[] Writes() => [.. _zone.Seen.Where(call => call.Operation == "Change").Select(call => call.Status)];

    private string? Published() => _zone.Zone.Sets.SingleOrDefault(set => set.Name == Record + "." && set.Type == "A")?.Values[0];

    private TargetWriter<DnsSnapshot, DnsChange> Writer()
    {
        var client = new Route53Client(
            new Route53Settings
            { HostedZoneId = FakeRoute53Server.ZoneId, Endpoint = _zone.Endpoint, CallDeadline = TimeSpan.FromMinutes(1) },
            RotatingCredentials.Of(new BasicAWSCredentials(FakeRoute53Server.AccessKey, FakeRoute53Server.SecretKey)));
        _clients.Add(client);
        return new TargetWriter<DnsSnapshot, DnsChange>(
            new DnsRecordTarget("route53", Record, 5, new Route53RecordStore(client, FakeRoute53Server.ZoneId)), PublishingWorld.Cluster,
            new BackoffSchedule(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(20)), _ => { }, _world.Time, () => 0.5);
    }
}
