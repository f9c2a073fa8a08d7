using FsCheck;
using FsCheck.Fluent;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;
using Sidecars.Failover.Death;
using Sidecars.Failover.Watch;
using static Sidecars.Unit.Tests.Failover.FailoverFacts;

namespace Sidecars.Unit.Tests.Failover.Death;

public sealed class DeathPolicyTests
{
    private static readonly DeathFacts Died = new() { Server = new OwnServer.Dead(RunId, WasMaster: true), Address = Me, Quorum = NamesMe };

    [Fact]
    public void A_death_at_an_address_that_is_not_known_is_nobody_s_to_act_on() =>
        Assert.Equal("address-unknown", Assert.IsType<DeathDecision.Wait>(DeathPolicy.Decide(Died with { Address = null })).Code);

    [Fact]
    public void The_Sentinel_with_the_lowest_id_is_asked_at_once() =>
        Assert.Equal(Executor, Assert.IsType<DeathDecision.RequestFailover>(DeathPolicy.Decide(Died)).Sentinel);

    [Fact]
    public void A_stopped_or_loading_server_is_not_dead()
    {
        Assert.Equal("not-dead", DeathPolicy.Decide(Died with { Server = new OwnServer.Silent("no answer within 1000 ms") }).Code);
        Assert.Equal("not-dead", DeathPolicy.Decide(Died with { Server = Master with { IsLoading = true } }).Code);
    }

    [Fact]
    public void What_stands_in_the_way_is_named()
    {
        Assert.Equal("was-replica", DeathPolicy.Decide(Died with { Server = new OwnServer.Dead(RunId, WasMaster: false) }).Code);
        Assert.Equal("no-agreement", DeathPolicy.Decide(Died with { Quorum = NoMajority }).Code);
        Assert.Equal("another-named", DeathPolicy.Decide(Died with { Quorum = NamesOther }).Code);
        Assert.Equal("failing-over", DeathPolicy.Decide(Died with { Quorum = NamesMe with { IsFailingOver = true } }).Code);
        Assert.Equal("accepted", DeathPolicy.Decide(Died with { AcceptedAgo = TimeSpan.FromSeconds(1) }).Code);
        Assert.Equal("bootstrap-acts", DeathPolicy.Decide(Died with { BootstrapLives = true }).Code);
        Assert.Equal("no-promotable-replica", DeathPolicy.Decide(Died with { Quorum = NamesMe with { Promotable = [] } }).Code);
        Assert.Equal("no-executor", DeathPolicy.Decide(Died with { Quorum = NamesMe with { Executor = null } }).Code);
    }

    [Fact]
    public void Of_the_Sentinels_that_name_it_the_one_that_switches_soonest_is_asked()
    {
        Assert.Equal(Sentinel(2), Asked(Voter(1, 100), Voter(2, 500), Voter(3, 700)));
        Assert.Equal(Sentinel(1), Asked(Voter(1, 100), Voter(2, 500, tilt: true), Voter(3, 500, names: Other)));
        Assert.Equal(Executor, Asked(Voter(2, 500, tilt: true), Voter(3, 500, names: Other)));

        static RedisEndpoint Asked(params SentinelObservation.Known[] voters) => Assert.IsType<DeathDecision.RequestFailover>(DeathPolicy.Decide(Died with { Voters = [.. voters] })).Sentinel;
    }

    [Fact]
    public void Nobody_is_asked_where_a_fresh_look_shows_a_failover() =>
        Assert.Equal("failing-over", DeathPolicy.Decide(Died with { Voters = [Voter(1, 500), Voter(2, 100, flags: "master,failover_in_progress")] }).Code);

    [Fact]
    public void An_accepted_request_that_shows_nowhere_is_repeated() =>
        Assert.IsType<DeathDecision.RequestFailover>(DeathPolicy.Decide(Died with { AcceptedAgo = TimeSpan.FromSeconds(3) }));

    [Fact]
    public void Never_asked_but_for_a_dead_master_that_the_majority_names_while_no_failover_runs() => Prop.ForAll(
        (from server in Servers from quorum in Quorums select Died with { Server = server, Quorum = quorum }).ToArbitrary(),
        facts => DeathPolicy.Decide(facts) is not DeathDecision.RequestFailover
            || (facts is { Server: OwnServer.Dead { WasMaster: true }, Quorum: { IsFailingOver: false, Promotable.IsEmpty: false } } && facts.Quorum.Named == Me)).QuickCheckThrowOnFailure();

    [Fact]
    public void A_Sentinel_is_told_that_would_choose_one_that_has_most()
    {
        var unequal = Died with { Replicas = [Replica(1, 900), Replica(2, 1000)] };
        var (wrong, right) = (Chooses(1, Endpoint(1), Endpoint(2)), Chooses(2, Endpoint(2), Endpoint(1)));
        Assert.Equal(Sentinel(2), Told(unequal with { Voters = [wrong, right] }));
        Assert.Equal("sentinels-behind", DeathPolicy.Decide(unequal with { Voters = [wrong] }).Code);
        Assert.Equal(Sentinel(1), Told(unequal with { Voters = [wrong], DeadFor = DeathPolicy.ChoosesWithin }));
        Assert.Equal(Sentinel(1), Told(unequal with { Voters = [wrong, right], Replicas = [Replica(1, 1000), Replica(2, 1000)] }));
    }

    [Fact]
    public void Whom_a_priority_prefers_is_no_mistake()
    {
        var preferred = Chooses(1, Endpoint(1), Endpoint(2));
        preferred = preferred with { View = preferred.View with { Replicas = [.. preferred.View.Replicas.Select(r => r.Address == Endpoint(1) ? r with { Priority = 10 } : r)] } };
        Assert.Equal(Sentinel(1), Told(Died with { Replicas = [Replica(1, 900), Replica(2, 1000)], Voters = [preferred] }));
    }

    [Fact]
    public void An_offset_is_final_once_the_replica_has_read_the_end_of_its_connection() =>
        Assert.Equal("replica-reads", DeathPolicy.Decide(Died with { Replicas = [Replica(1, 900, linkUp: true), Replica(2, 1000)] }).Code);

    [Fact]
    public void An_end_that_a_dead_process_still_holds_back_is_waited_for_a_moment()
    {
        var held = Died with { Server = new OwnServer.Dead(RunId, WasMaster: true, HoldsConnections: true), Replicas = [Replica(1, 900, linkUp: true), Replica(2, 1000, linkUp: true)], Voters = [Chooses(1, Endpoint(1), Endpoint(2)), Chooses(2, Endpoint(2), Endpoint(1))] };
        Assert.Equal("replica-reads", DeathPolicy.Decide(held).Code);
        Assert.Equal(Sentinel(2), Told(held with { DeadFor = DeathPolicy.ReadsWithin }));
        Assert.Equal("replica-reads", DeathPolicy.Decide(held with { Server = new OwnServer.Dead(RunId, WasMaster: true), DeadFor = DeathPolicy.ReadsWithin }).Code);
    }

    [Fact]
    public void Nobody_waits_where_replicas_cannot_be_compared()
    {
        var unequal = Died with { Voters = [Chooses(1, Endpoint(1), Endpoint(2))] };
        Assert.Equal("request-failover", DeathPolicy.Decide(unequal with { Replicas = [Replica(1, 900, id: "other"), Replica(2, 1000)] }).Code);
        Assert.Equal("request-failover", DeathPolicy.Decide(unequal with { Replicas = [Replica(1, 900), new NodeObservation.Unknown(Endpoint(2), false, "silent")] }).Code);
        Assert.Equal("request-failover", DeathPolicy.Decide(unequal with { Replicas = [] }).Code);
    }

    [Fact]
    public void Within_its_time_nobody_is_told_who_would_choose_one_that_is_behind() => Prop.ForAll(
        (from offsets in Gen.ArrayOf(Gen.Choose(1, 3), 3) from cached in Gen.ArrayOf(Gen.ArrayOf(Gen.Choose(1, 3), 3), 3) select (offsets, cached)).ToArbitrary(),
        pair =>
        {
            var voters = pair.cached.Select((seen, v) => Views(v, [.. seen.Select((offset, n) => (Endpoint(n), (long)offset))])).ToList();
            var decision = DeathPolicy.Decide(Died with { Replicas = [.. pair.offsets.Select((offset, n) => Replica(n, offset))], Voters = [.. voters] });
            var good = voters.Where(v => pair.offsets[int.Parse(v.View.Choice!.Address.Host[^1..], System.Globalization.CultureInfo.InvariantCulture)] == pair.offsets.Max()).Select(v => v.Endpoint).ToList();
            return decision is DeathDecision.RequestFailover told ? good.Contains(told.Sentinel) : decision.Code == "sentinels-behind" && good.Count == 0;
        }).QuickCheckThrowOnFailure();

    private static RedisEndpoint Told(DeathFacts facts) => Assert.IsType<DeathDecision.RequestFailover>(DeathPolicy.Decide(facts)).Sentinel;

    private static SentinelObservation.Known Chooses(int n, RedisEndpoint first, RedisEndpoint second) => Views(n, (first, 800), (second, 700));

    private static SentinelObservation.Known Views(int n, params (RedisEndpoint Replica, long Offset)[] replicas)
    {
        var voter = Voter(n, 500);
        return voter with { View = voter.View with { Replicas = [.. replicas.Select(r => new SentinelReplica { Address = r.Replica, RunId = r.Replica.Host, Flags = "slave", Priority = 100, Offset = r.Offset, InfoAge = TimeSpan.FromMilliseconds(500) })] } };
    }

    private static RedisEndpoint Sentinel(int n) => new("10.0.2." + n, 26379);

    private static SentinelObservation.Known Voter(int n, int ageMs, bool tilt = false, RedisEndpoint? names = null, string flags = "master") => new(Sentinel(n), new SentinelView
    {
        MyId = new string((char)('a' + n), 40),
        Tilt = tilt,
        Master = new SentinelMaster { Address = names ?? Me, ConfigEpoch = 3, Flags = flags },
        Replicas = [new SentinelReplica { Address = Other, Flags = "slave", Priority = 100, InfoAge = TimeSpan.FromMilliseconds(ageMs) }],
    });

    private static RedisEndpoint Endpoint(int n) => new("10.0.1." + n, 6379);

    private static NodeObservation.Known Replica(int n, long offset, bool linkUp = false, string id = "history") =>
        new(Endpoint(n), new NodeLook { RunId = "run-" + n, Role = NodeRole.Replica, ReplicationId = id, Offset = offset, MasterAddress = Me, MasterLinkUp = linkUp });
}
