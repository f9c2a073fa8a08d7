using Sidecars.Core.Primitives;
using Sidecars.Core.Topology;
using Sidecars.Failover.Publish;
using Sidecars.Failover.Publish.Addresses;
using Sidecars.TestKit.FakeKubernetes;
using Sidecars.TestKit.Processes;

namespace Sidecars.Unit.Tests.Failover.Publish;

/// <summary>B is the new master, and its own sidecar does nothing: what the others publish for it, and what they do not.</summary>
public sealed class AnotherMasterTests : IAsyncLifetime
{
    private readonly PublishingWorld _world = new();
    private PublishingPlaces _places = null!;

    public static TheoryData<string> Kinds => PublishingPlaces.Kinds;

    public static TheoryData<string> Refusals => [.. Doubts.Keys.Order(StringComparer.Ordinal)];

    private static Dictionary<string, Action<PublishingWorld>> Doubts => new(StringComparer.Ordinal)
    {
        ["address-not-recorded"] = w => w.Recorded.Clear(),
        ["address-not-recorded: of B"] = w => w.Recorded.RemoveAll(a => a.Announced == w.B.Announced),
        ["address-ambiguous"] = w => w.Recorded.Add(w.C.Addresses with { Announced = w.B.Announced }),
        ["addresses-unread"] = w => w.Unread = "503",
        ["login-unreachable"] = w => w.B.AnswersAtPod = false,
        ["login-unreachable: a former pod's"] = w => Record(w, w.B.Addresses with { Pod = new RedisEndpoint("10.244.0.77", 6379) }),
        ["login-refused"] = w => w.B.RefusesLogin = true,
        ["login-unclear"] = w => w.B.IsClear = false,
        ["another-process: of the group"] = w => Record(w, w.B.Addresses with { Pod = w.A.Pod }),
        ["another-process: restarted"] = w => w.B.RestartServer(isMaster: true),
        ["not-master"] = w => w.B.IsMaster = false,
        ["run-id-unknown"] = w => w.Sentinels.ForgetRunId(),
    };

    private PublishingNode A => _world.A;

    private PublishingNode B => _world.B;

    public async Task InitializeAsync()
    {
        _places = await PublishingPlaces.StartAsync(_world.Time);
        (A.IsMaster, B.IsMaster) = (false, true);
        _world.Sentinels.Switch(B);
    }

    public async Task DisposeAsync()
    {
        await _places.DisposeAsync();
        await _world.DisposeAsync();
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task The_pods_own_address_is_published_and_not_the_one_that_it_announces(string kind)
    {
        await _places.WriteAsync(kind, new FencingToken(1, 3, 2), A.Pod.Host);
        await AfterRankAsync();
        await A.PublishAsync(A.Over(_places.At(kind)));
        Assert.Equal(new PublishedMaster(new FencingToken(1, 4, 0), B.Pod.Host), await _places.ReadAsync(kind));
    }

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task What_is_not_proven_is_not_published_and_counted(string doubt)
    {
        await _places.WriteAsync(PublishingPlaces.Slice, new FencingToken(1, 3, 2), A.Pod.Host);
        await AfterRankAsync();
        Doubts[doubt](_world);
        await A.PublishAsync(A.Over(_places.At(PublishingPlaces.Slice)));
        Assert.Equal(new PublishedMaster(new FencingToken(1, 3, 2), A.Pod.Host), await _places.ReadAsync(PublishingPlaces.Slice));
        Assert.Contains(("publish-another", doubt.Split(':')[0]), A.Sink.Refused);
    }

    [Fact]
    public async Task What_becomes_known_later_is_published_then()
    {
        await AfterRankAsync();
        _world.Recorded.Clear();
        var ofA = A.Over(_places.At(PublishingPlaces.Slice));
        await A.Loop.RoundAsync(default);
        Assert.Equal(TimeSpan.FromSeconds(5), await ofA.RoundAsync(default));
        Assert.Null(await _places.ReadAsync(PublishingPlaces.Slice));
        _world.Recorded.Add(B.Addresses);
        await ofA.RoundAsync(default);
        Assert.Equal(B.Pod.Host, (await _places.ReadAsync(PublishingPlaces.Slice))!.Address);
    }

    [Fact]
    public async Task An_address_outside_that_its_node_has_not_recorded_stays_unpublished_there_and_only_there()
    {
        Record(_world, B.Addresses with { Outside = null });
        await AfterRankAsync();
        await A.PublishAsync(A.Over(_places.At(PublishingPlaces.Zone)));
        await A.PublishAsync(A.Over(_places.At(PublishingPlaces.Slice)));
        Assert.Null(await _places.ReadAsync(PublishingPlaces.Zone));
        Assert.Contains(("publish-zone-file", "address-unknown"), A.Sink.Refused);
        Assert.Equal(B.Pod.Host, (await _places.ReadAsync(PublishingPlaces.Slice))!.Address);
    }

    [Fact]
    public async Task A_node_that_knows_no_address_of_its_pod_is_in_no_slice_whoever_publishes()
    {
        Record(_world, B.Addresses with { Pod = null });
        await AfterRankAsync();
        B.Pod = B.Announced; // the login is tried at the announced address, where B answers
        await A.PublishAsync(A.Over(_places.At(PublishingPlaces.Slice)));
        Assert.Null(await _places.ReadAsync(PublishingPlaces.Slice));
        Assert.Contains(("publish-endpoint-slice", "address-unknown"), A.Sink.Refused);
    }

    [Fact]
    public async Task A_proof_is_not_used_once_it_is_old()
    {
        await AfterRankAsync();
        await A.Loop.RoundAsync(default);
        // The look finds nothing; the first write fails, and the pause before the next is longer than what the login proves.
        _places.Server.Next(null);
        _places.Server.Next(new Fault.Error(503, "ServiceUnavailable", RetryAfterSeconds: 6));
        var round = A.Over(_places.At(PublishingPlaces.Slice)).RoundAsync(default);
        await Eventually.UntilAsync("the refused write", () => _places.Failures > 0);
        B.IsMaster = false;
        await Eventually.UntilAsync("the end of the round", () =>
        {
            _world.Time.Advance(TimeSpan.FromSeconds(6));
            return round.IsCompleted;
        });
        await round;
        Assert.Null(await _places.ReadAsync(PublishingPlaces.Slice));
    }

    [Fact]
    public void A_persons_list_is_used_outside_once_the_announced_address_answers_and_never_in_the_cluster()
    {
        var facts = Facts(new NodeObservation.Known(B.Announced, new NodeLook { RunId = B.RunId, Role = NodeRole.Master })) with
        { Listed = "203.0.113.9" };
        var publish = Assert.IsType<AnotherMasterDecision.Publish>(AnotherMasterPolicy.Decide(facts));
        Assert.Equal((null, "203.0.113.9"), (publish.Inside, publish.Outside));
        Assert.Equal("login-unreachable",
            AnotherMasterPolicy.Decide(facts with { Login = new NodeObservation.Unreachable(B.Announced, "refused") }).Code);
    }

    [Fact]
    public void What_a_node_has_recorded_goes_before_a_persons_list()
    {
        var facts = Facts(new NodeObservation.Known(B.Pod, new NodeLook { RunId = B.RunId, Role = NodeRole.Master })) with
        { Recorded = [B.Addresses with { Outside = "198.51.100.7" }], Listed = "203.0.113.9" };
        Assert.Equal("198.51.100.7", Assert.IsType<AnotherMasterDecision.Publish>(AnotherMasterPolicy.Decide(facts)).Outside);
        Assert.Equal("203.0.113.9", Assert.IsType<AnotherMasterDecision.Publish>(
            AnotherMasterPolicy.Decide(facts with { Recorded = [B.Addresses with { Outside = null }] })).Outside);
    }

    [Fact]
    public void A_login_at_another_address_or_a_master_that_loads_or_is_no_longer_named_proves_nothing()
    {
        var facts = Facts(new NodeObservation.Known(B.Pod, new NodeLook { RunId = B.RunId, Role = NodeRole.Master })) with
        { Recorded = [B.Addresses] };
        Assert.Equal("another-verified", AnotherMasterPolicy.Decide(facts).Code);
        Assert.Equal("login-missing", AnotherMasterPolicy.Decide(
            facts with { Login = new NodeObservation.Known(B.Announced, new NodeLook { RunId = B.RunId, Role = NodeRole.Master }) }).Code);
        Assert.Equal("login-missing", AnotherMasterPolicy.Decide(facts with { Login = null }).Code);
        Assert.Equal("loading", AnotherMasterPolicy.Decide(facts with
        { Login = new NodeObservation.Known(B.Pod, new NodeLook { RunId = B.RunId, Role = NodeRole.Master, Loading = true }) }).Code);
        Assert.Equal("not-named", AnotherMasterPolicy.Decide(facts with { Epoch = 3 }).Code);
        Assert.Equal("not-named", AnotherMasterPolicy.Decide(facts with { Quorum = facts.Quorum with { Named = A.Announced } }).Code);
        Assert.Equal("not-named", AnotherMasterPolicy.Decide(facts with { Quorum = FailoverFacts.NoMajority }).Code);
        Assert.Equal(
            "run-id-unknown", AnotherMasterPolicy.Decide(facts with { Quorum = facts.Quorum with { RunIds = [B.RunId, A.RunId] } }).Code);
    }

    private static void Record(PublishingWorld world, NodeAddresses addresses)
    {
        world.Recorded.RemoveAll(a => a.Announced == addresses.Announced);
        world.Recorded.Add(addresses);
    }

    private AnotherMasterFacts Facts(NodeObservation login) =>
        new() { Master = B.Announced, Epoch = 4, Quorum = _world.Quorum(), Login = login };

    // Its own sidecar has had its time.
    private async Task AfterRankAsync()
    {
        await A.Loop.RoundAsync(default);
        _world.Time.Advance(TimeSpan.FromSeconds(30));
    }
}
