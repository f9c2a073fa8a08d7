using FsCheck;
using FsCheck.Fluent;
using Sidecars.Core.Failover.Death;
using Sidecars.Core.Failover.Watch;
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
    public void An_accepted_request_that_shows_nowhere_is_repeated() =>
        Assert.IsType<DeathDecision.RequestFailover>(DeathPolicy.Decide(Died with { AcceptedAgo = TimeSpan.FromSeconds(3) }));

    [Fact]
    public void Never_asked_but_for_a_dead_master_that_the_majority_names_while_no_failover_runs() => Prop.ForAll(
        (from server in Servers from quorum in Quorums select Died with { Server = server, Quorum = quorum }).ToArbitrary(),
        facts => DeathPolicy.Decide(facts) is not DeathDecision.RequestFailover
            || (facts is { Server: OwnServer.Dead { WasMaster: true }, Quorum: { IsFailingOver: false, Promotable.IsEmpty: false } } && facts.Quorum.Named == Me)).QuickCheckThrowOnFailure();
}
