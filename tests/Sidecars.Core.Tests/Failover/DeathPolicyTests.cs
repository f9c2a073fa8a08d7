using FsCheck;
using FsCheck.Fluent;
using Sidecars.Core.Failover.Death;
using Sidecars.Core.Failover.Watch;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;
using static Sidecars.Core.Tests.Failover.FailoverFacts;

namespace Sidecars.Core.Tests.Failover;

public sealed class DeathPolicyTests
{
    private static readonly DeathFacts Died = new() { Server = new OwnServer.Dead(RunId, WasMaster: true), Address = Me, Quorum = NamesMe };

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
    public void The_one_that_is_behind_follows_the_best_before_Sentinel_chooses()
    {
        var level = Assert.IsType<DeathDecision.Level>(DeathPolicy.Decide(Died with { Replicas = [Replica(1, 900), Replica(2, 1000)] }));
        Assert.Equal((Endpoint(2), Endpoint(1)), (level.Best, Assert.Single(level.Behind).Address));
        Assert.Equal("levelling", DeathPolicy.Decide(Died with { Replicas = [Replica(1, 900, of: Endpoint(2)), Replica(2, 1000)] }).Code);
        Assert.Equal("request-failover", DeathPolicy.Decide(Died with { Replicas = [Replica(1, 1000, of: Endpoint(2)), Replica(2, 1000)] }).Code);
    }

    [Fact]
    public void An_offset_is_final_once_the_replica_has_read_the_end_of_its_connection() =>
        Assert.Equal("replica-reads", DeathPolicy.Decide(Died with { Replicas = [Replica(1, 900, linkUp: true), Replica(2, 1000)] }).Code);

    [Fact]
    public void Nobody_waits_where_replicas_cannot_be_compared_or_made_equal()
    {
        var unequal = Died with { Replicas = [Replica(1, 900), Replica(2, 1000)] };
        Assert.Equal("request-failover", DeathPolicy.Decide(unequal with { DeadFor = DeathPolicy.LevelWithin }).Code);
        Assert.Equal("request-failover", DeathPolicy.Decide(unequal with { LevelRefused = true }).Code);
        Assert.Equal("request-failover", DeathPolicy.Decide(unequal with { Replicas = [Replica(1, 900, id: "other"), Replica(2, 1000)] }).Code);
        Assert.Equal("request-failover", DeathPolicy.Decide(unequal with { Replicas = [new NodeObservation.Unknown(Endpoint(1), false, "silent"), Replica(2, 1000)] }).Code);
        Assert.Equal("request-failover", DeathPolicy.Decide(unequal with { Replicas = [Replica(2, 1000)] }).Code);
    }

    [Theory]
    [InlineData(901L, "level-replicas")] // the byte after its last one is the first that it asks for
    [InlineData(902L, "request-failover")]
    [InlineData(null, "request-failover")]
    public void Only_what_the_best_one_s_backlog_still_holds_is_made_up_for(long? start, string code)
    {
        var best = Replica(2, 1000);
        Assert.Equal(code, DeathPolicy.Decide(Died with { Replicas = [Replica(1, 900), best with { View = best.View with { BacklogStart = start } }] }).Code);
    }

    [Fact]
    public void Only_one_that_is_behind_follows_and_only_the_one_that_has_most() => Prop.ForAll(
        Gen.ArrayOf(from n in Gen.Choose(1, 9) from offset in Gen.Choose(1, 5) select Replica(n, offset)).ToArbitrary(),
        replicas => DeathPolicy.Decide(Died with { Replicas = [.. replicas] }) is not DeathDecision.Level level
            || (level.Behind.All(b => b.View.Offset < replicas.Max(r => r.View.Offset)) && replicas.Any(r => r.Address == level.Best && r.View.Offset == replicas.Max(x => x.View.Offset)))).QuickCheckThrowOnFailure();

    private static RedisEndpoint Sentinel(int n) => new("10.0.2." + n, 26379);

    private static SentinelObservation.Known Voter(int n, int ageMs, bool tilt = false, RedisEndpoint? names = null, string flags = "master") => new(Sentinel(n), new SentinelView
    {
        MyId = new string((char)('a' + n), 40),
        Tilt = tilt,
        Master = new SentinelMaster { Address = names ?? Me, ConfigEpoch = 3, Flags = flags },
        Replicas = [new SentinelReplica { Address = Other, Flags = "slave", Priority = 100, InfoAge = TimeSpan.FromMilliseconds(ageMs) }],
    });

    private static RedisEndpoint Endpoint(int n) => new("10.0.1." + n, 6379);

    private static NodeObservation.Known Replica(int n, long offset, RedisEndpoint? of = null, bool linkUp = false, string id = "history") =>
        new(Endpoint(n), new NodeView { RunId = "run-" + n, Role = NodeRole.Replica, ReplicationId = id, Offset = offset, BacklogStart = 1, MasterAddress = of ?? Me, MasterLinkUp = linkUp });
}
