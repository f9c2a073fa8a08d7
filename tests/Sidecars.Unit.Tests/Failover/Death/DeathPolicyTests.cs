using FsCheck;
using FsCheck.Fluent;
using Sidecars.Core.Primitives;
using Sidecars.Core.Succession;
using Sidecars.Core.Topology;
using Sidecars.Failover.Death;
using Sidecars.Failover.Watch;
using static Sidecars.Unit.Tests.Failover.FailoverFacts;

namespace Sidecars.Unit.Tests.Failover.Death;

public sealed class DeathPolicyTests
{
    private static readonly RedisEndpoint Third = new("10.0.0.3", 6379);
    private static readonly QuorumFacts NamesBoth = NamesMe with { Promotable = [Other, Third] };
    private static readonly DeathFacts Died =
        new() { Server = new OwnServer.Dead(RunId, WasMaster: true), Address = Me, Quorum = NamesBoth };
    private static readonly DeathFacts Asked = Died with { Replicas = [Replica(Other, 900), Replica(Third, 1000)] };

    [Fact]
    public void A_death_at_an_address_that_is_not_known_is_nobody_s_to_act_on() =>
        Assert.Equal("address-unknown", Assert.IsType<DeathDecision.Refuse>(DeathPolicy.Decide(Died with { Address = null })).Code);

    [Fact]
    public void The_replicas_are_asked_and_the_one_with_the_most_data_succeeds()
    {
        Assert.IsType<DeathDecision.AskReplicas>(DeathPolicy.Decide(Died));
        var succeed = Assert.IsType<DeathDecision.Succeed>(DeathPolicy.Decide(Asked));
        Assert.Equal((Me, Third), (succeed.Plan.Master, succeed.Plan.Target.Address));
        Assert.Equal([Other], succeed.Plan.Others.Select(o => o.Address));
    }

    [Fact]
    public void A_stopped_or_loading_server_is_not_dead()
    {
        Assert.Equal("not-dead", DeathPolicy.Decide(Died with { Server = new OwnServer.Silent("no answer within 1s") }).Code);
        Assert.Equal("not-dead", DeathPolicy.Decide(Died with { Server = Master with { IsLoading = true } }).Code);
    }

    [Fact]
    public void What_stands_in_the_way_is_named()
    {
        foreach (var died in (DeathFacts[])[Died, Asked, Died with { TellingFailed = "they refuse a hello" }])
        {
            Assert.Equal("was-replica", DeathPolicy.Decide(died with { Server = new OwnServer.Dead(RunId, WasMaster: false) }).Code);
            Assert.Equal(
                "no-agreement", Assert.IsType<DeathDecision.Refuse>(DeathPolicy.Decide(died with { Quorum = NoMajority })).Code);
            Assert.Equal("another-named", DeathPolicy.Decide(died with { Quorum = NamesOther }).Code);
            // What others do meanwhile passes: it is waited for, and not counted as a refusal.
            Assert.Equal("failing-over", Assert.IsType<DeathDecision.Wait>(
                DeathPolicy.Decide(died with { Quorum = NamesBoth with { IsFailingOver = true } })).Code);
            Assert.Equal("accepted", Assert.IsType<DeathDecision.Wait>(
                DeathPolicy.Decide(died with { AcceptedAgo = TimeSpan.FromSeconds(1) })).Code);
            Assert.Equal("bootstrap-acts", DeathPolicy.Decide(died with { BootstrapLives = true }).Code);
            Assert.Equal("no-promotable-replica", Assert.IsType<DeathDecision.Refuse>(
                DeathPolicy.Decide(died with { Quorum = NamesBoth with { Promotable = [] } })).Code);
        }
    }

    [Fact]
    public void What_was_told_or_asked_for_and_shows_nowhere_is_repeated()
    {
        var late = TimeSpan.FromSeconds(3);
        Assert.IsType<DeathDecision.Succeed>(DeathPolicy.Decide(Asked with { AcceptedAgo = late }));
        Assert.IsType<DeathDecision.RequestFailover>(
            DeathPolicy.Decide(Died with { TellingFailed = "they refuse a hello", AcceptedAgo = late }));
    }

    [Fact]
    public void A_succession_that_a_part_of_the_Sentinels_knows_is_gone_on_with_whatever_they_name()
    {
        var promoted = new NodeObservation.Known(Other, new NodeLook
        { RunId = OtherRunId, Role = NodeRole.Master, ReplicationId = "next", PreviousReplicationId = "history", Offset = 1 });
        var begun = Asked with { Promoted = OtherRunId, Replicas = [promoted, Replica(Third, 1000)] };
        // Split or spreading, nobody is named, and those that know of it list it as a replica no more.
        foreach (var quorum in (QuorumFacts[])[NamesBoth, NamesBoth with { Named = null, Promotable = [] }, NoMajority])
        {
            Assert.Equal(
                Other, Assert.IsType<DeathDecision.Succeed>(DeathPolicy.Decide(begun with { Quorum = quorum })).Plan.Target.Address);
            Assert.IsType<DeathDecision.AskReplicas>(DeathPolicy.Decide(begun with { Quorum = quorum, Replicas = null }));
        }

        // It is over when a majority names anybody else than the dead one.
        Assert.Equal("another-named", Assert.IsType<DeathDecision.Nothing>(DeathPolicy.Decide(begun with { Quorum = NamesOther })).Code);
        Assert.Equal("another-named", DeathPolicy.Decide(begun with { Quorum = NamesOther with { Named = Third } }).Code);
        Assert.Equal("succeeded", DeathPolicy.Decide(begun with { IsSucceeded = true }).Code);
        // From the promotion on no Sentinel is asked: it might choose another.
        Assert.IsType<DeathDecision.Succeed>(DeathPolicy.Decide(begun with { TellingFailed = "they refuse a hello" }));
    }

    [Fact]
    public void Where_the_Sentinels_cannot_be_told_one_that_names_it_is_asked()
    {
        var failed = Died with { TellingFailed = "they refuse a hello" };
        var request = Assert.IsType<DeathDecision.RequestFailover>(DeathPolicy.Decide(failed));
        Assert.Equal(Executor, request.Sentinel);
        Assert.Contains("they refuse a hello", request.Reason, StringComparison.Ordinal);
        Assert.Equal("no-executor", DeathPolicy.Decide(failed with { Quorum = NamesBoth with { Executor = null } }).Code);
    }

    [Fact]
    public void What_the_replicas_say_is_waited_for_as_the_succession_has_it()
    {
        var reading = Died with { Replicas = [Replica(Other, 900), Replica(Third, 1000, linkUp: true)] };
        var wait = Assert.IsType<DeathDecision.Wait>(DeathPolicy.Decide(reading));
        Assert.Equal(("replica-reads", true), (wait.Code, wait.Again > TimeSpan.Zero));
        // The dead process still holds its connections: no end will be read.
        var held = reading with
        { Server = new OwnServer.Dead(RunId, WasMaster: true, HoldsConnections: true), DeadFor = SuccessionPolicy.ReadsWithin };
        Assert.IsType<DeathDecision.Succeed>(DeathPolicy.Decide(held));
        Assert.Equal("replica-reads", DeathPolicy.Decide(held with { Server = Died.Server }).Code);
        Assert.Equal("histories-differ", Assert.IsType<DeathDecision.Refuse>(
            DeathPolicy.Decide(Died with { Replicas = [Replica(Other, 900, id: "x"), Replica(Third, 1000)] })).Code);
        // A refusal that may be over in a moment is looked at again as soon.
        var silent = Assert.IsType<DeathDecision.Refuse>(DeathPolicy.Decide(Died with { Replicas = [Replica(Other, 900)] }));
        Assert.Equal(("replica-silent", true), (silent.Code, silent.Again > TimeSpan.Zero));
        Assert.Equal(Other, Assert.IsType<DeathDecision.Succeed>(DeathPolicy.Decide(
            Died with { Replicas = [Replica(Other, 900, id: "x"), Replica(Third, 1000)], ReplicationId = "x" })).Plan.Target.Address);
    }

    [Fact]
    public void Never_anything_but_for_a_dead_master_that_nobody_else_succeeds_while_no_failover_runs() =>
        Prop.ForAll(Deaths.ToArbitrary(), facts =>
        {
            var decision = DeathPolicy.Decide(facts);
            if (decision is not (DeathDecision.AskReplicas or DeathDecision.Succeed or DeathDecision.RequestFailover)) return;
            Assert.True(facts is { Server: OwnServer.Dead { WasMaster: true }, BootstrapLives: false, Quorum.IsFailingOver: false });
            Assert.True(facts.Quorum.Named == Me || (facts.Promoted is not null && facts.Quorum.Named is null));
            Assert.Equal(facts is { TellingFailed: not null, Promoted: null }, decision is DeathDecision.RequestFailover);
            if (facts.Promoted is null) Assert.False(facts.Quorum.Promotable.IsEmpty);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(5000));

    private static readonly Gen<bool> Coin = Gen.Elements(true, false);

    private static readonly Gen<DeathFacts> Deaths =
        from server in Servers
        from quorum in Quorums
        from bootstrap in Gen.Frequency((5, Gen.Constant(false)), (1, Gen.Constant(true)))
        from accepted in Gen.Elements<TimeSpan?>(null, TimeSpan.Zero, TimeSpan.FromSeconds(3))
        from promoted in Gen.Elements<string?>(null, OtherRunId)
        from failed in Gen.Elements<string?>(null, "they refuse a hello")
        from deadFor in Gen.Choose(0, 1000)
        from asked in Coin
        from linkUp in Coin
        select new DeathFacts
        {
            Server = server,
            Address = Me,
            Quorum = quorum,
            BootstrapLives = bootstrap,
            AcceptedAgo = accepted,
            Promoted = promoted,
            TellingFailed = failed,
            DeadFor = TimeSpan.FromMilliseconds(deadFor),
            Replicas = asked ? [Replica(Other, 900, linkUp), Replica(Third, 1000)] : null,
        };

    private static NodeObservation.Known Replica(RedisEndpoint at, long offset, bool linkUp = false, string id = "history") =>
        new(at, new NodeLook
        {
            RunId = "run-" + at.Host,
            Role = NodeRole.Replica,
            ReplicationId = id,
            Offset = offset,
            MasterAddress = Me,
            MasterLinkUp = linkUp,
            Priority = 100
        });
}
