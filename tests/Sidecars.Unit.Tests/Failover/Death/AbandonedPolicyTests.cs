using FsCheck;
using FsCheck.Fluent;
using Sidecars.Core.Primitives;
using Sidecars.Core.Topology;
using Sidecars.Failover.Death;
using static Sidecars.Unit.Tests.Failover.FailoverFacts;

namespace Sidecars.Unit.Tests.Failover.Death;

public sealed class AbandonedPolicyTests
{
    private static readonly RedisEndpoint Third = new("10.0.0.3", 6379);

    // Beside Me, a replica of Other, which two of three Sentinels hold for down.
    private static readonly AbandonedFacts Abandoned = new()
    {
        Address = Me,
        Quorum = NamesOther with { Promotable = [Me, Third] },
        Down = 2,
        SentinelCount = 3,
        AbandonedFor = AbandonedPolicy.Patience,
        Rank = 0,
    };

    [Fact]
    public void The_first_in_rank_asks_the_replicas_and_promotes_the_one_with_the_most_data()
    {
        Assert.IsType<AbandonedDecision.AskReplicas>(AbandonedPolicy.Decide(Abandoned));
        var plan = Assert.IsType<AbandonedDecision.Succeed>(
            AbandonedPolicy.Decide(Abandoned with { Replicas = [Replica(Me, 900), Replica(Third, 1000)] })).Plan;
        Assert.Equal((Other, Third, Me), (plan.Master, plan.Target.Address, plan.Others.Single().Address));
    }

    // Its Service leads to a new process already, and the Sentinels' connections to the one before.
    [Fact]
    public void A_master_that_answers_or_is_heard_is_not_replaced()
    {
        var replicas = Abandoned with { Replicas = [Replica(Me, 900), Replica(Third, 1000)] };
        Assert.Equal("master-answers", AbandonedPolicy.Decide(replicas with { Master = Node(NodeRole.Master) }).Code);
        Assert.Equal("succeed", AbandonedPolicy.Decide(replicas with { Master = Node(NodeRole.Replica) }).Code);
        Assert.Equal("succeed", AbandonedPolicy.Decide(replicas with { Master = new NodeObservation.Unreachable(Other, "refused") }).Code);
        var unclear = new NodeObservation.Unknown(Other, false, "garbage");
        Assert.Equal("succeed", AbandonedPolicy.Decide(replicas with { Master = unclear }).Code);
    }

    [Theory]
    [InlineData(true, 0, "master-heard")]
    [InlineData(true, 3, "master-heard")]
    [InlineData(true, 4, "succeed")] // cut off without an end of the connection: repl-timeout is 10 s
    [InlineData(false, 0, "succeed")]
    public void The_replicas_word_counts_while_it_is_fresh(bool isLinkUp, int seconds, string code)
    {
        var third = Replica(Third, 1000);
        third = third with { View = third.View with { MasterLinkUp = isLinkUp, Silence = TimeSpan.FromSeconds(seconds) } };
        Assert.Equal(code, AbandonedPolicy.Decide(Abandoned with { Replicas = [Replica(Me, 900), third] }).Code);
        var ofAnother = third with { View = third.View with { MasterAddress = Me } };
        Assert.Equal("succeed", AbandonedPolicy.Decide(Abandoned with { Replicas = [Replica(Me, 900), ofAnother] }).Code);
    }

    [Fact]
    public void What_stands_in_the_way_is_named()
    {
        Assert.Equal(
            "failing-over", AbandonedPolicy.Decide(Abandoned with { Quorum = Abandoned.Quorum with { IsFailingOver = true } }).Code);
        Assert.Equal("not-down", AbandonedPolicy.Decide(Abandoned with { Down = 1 }).Code);
        Assert.Equal("no-agreement",
            Assert.IsType<AbandonedDecision.Refuse>(AbandonedPolicy.Decide(Abandoned with { Quorum = NoMajority })).Code);
        Assert.Equal("own", AbandonedPolicy.Decide(Abandoned with { Quorum = NamesMe }).Code);
        Assert.Equal("sentinels-turn",
            AbandonedPolicy.Decide(Abandoned with { AbandonedFor = AbandonedPolicy.Patience - TimeSpan.FromMilliseconds(1) }).Code);
        Assert.Equal("sentinels-turn", AbandonedPolicy.Decide(Abandoned with { Rank = 1 }).Code);
        Assert.Equal("sentinels-turn", AbandonedPolicy.Decide(Abandoned with { AttemptedAgo = TimeSpan.FromSeconds(2) }).Code);
        Assert.Equal("ask-replicas", AbandonedPolicy.Decide(Abandoned with { AttemptedAgo = AbandonedPolicy.AfterAttempt }).Code);
        Assert.Equal("no-promotable-replica",
            Assert.IsType<AbandonedDecision.Refuse>(AbandonedPolicy.Decide(Abandoned with { Replicas = [] })).Code);
    }

    [Fact]
    public void Where_attempts_come_to_nothing_the_one_that_Sentinels_would_ask_is_asked_and_from_a_promotion_on_nobody()
    {
        Assert.IsType<AbandonedDecision.AskReplicas>(AbandonedPolicy.Decide(Abandoned with { TellingFailed = "it refuses" }));
        var failed = Abandoned with { TellingFailed = "it refuses", Replicas = [Replica(Me, 900), Replica(Third, 1000)] };
        var request = Assert.IsType<AbandonedDecision.RequestFailover>(AbandonedPolicy.Decide(failed));
        Assert.Equal((Executor, Other), (request.Sentinel, request.Master));
        Assert.Contains("it refuses", request.Reason, StringComparison.Ordinal);
        Assert.Equal(
            "sentinels-turn", AbandonedPolicy.Decide(failed with { AttemptedAgo = TimeSpan.FromSeconds(2), Replicas = null }).Code);
        Assert.Equal("sentinels-turn", AbandonedPolicy.Decide(failed with { Rank = 1 }).Code);
        // Promoted by another replica's sidecar.
        var promoted = Replica(Third, 1000);
        promoted = promoted with { View = promoted.View with { Role = NodeRole.Master, MasterAddress = null } };
        Assert.Equal("other-master", AbandonedPolicy.Decide(failed with { Replicas = [Replica(Me, 900), promoted] }).Code);
        // A master that lives is replaced by nobody.
        Assert.Equal("master-answers", AbandonedPolicy.Decide(failed with { Master = Node(NodeRole.Master) }).Code);
        // One sidecar at a time: FAILOVER takes no vote.
        var second = failed with { Rank = 1, AbandonedFor = AbandonedPolicy.Patience + AbandonedPolicy.RequestDelay };
        Assert.Equal("sentinels-turn", AbandonedPolicy.Decide(second).Code);
        Assert.IsType<AbandonedDecision.RequestFailover>(
            AbandonedPolicy.Decide(second with { AbandonedFor = second.AbandonedFor + AbandonedPolicy.RankDelay }));
        Assert.Equal("failing-over", AbandonedPolicy.Decide(failed with { Quorum = failed.Quorum with { IsFailingOver = true } }).Code);
        Assert.Equal("no-executor", AbandonedPolicy.Decide(failed with { Quorum = failed.Quorum with { Executor = null } }).Code);
        Assert.IsType<AbandonedDecision.AskReplicas>(AbandonedPolicy.Decide(failed with { Promoted = OtherRunId, Replicas = null }));
    }

    [Fact]
    public void Nobody_acts_but_on_a_majority_that_holds_the_master_for_down_for_long_enough_while_no_Sentinel_acts() => Prop.ForAll(
        (from quorum in Quorums
         from down in Gen.Choose(0, 3)
         from seconds in Gen.Choose(0, 10)
         from rank in Gen.Choose(0, 3)
         select Abandoned with
         {
             Quorum = quorum with { Promotable = [Me, Third] },
             Down = down,
             AbandonedFor = TimeSpan.FromSeconds(seconds),
             Rank = rank,
             Replicas = [Replica(Third, 1000)]
         }).ToArbitrary(),
        facts => AbandonedPolicy.Decide(facts) is not AbandonedDecision.Succeed
            || (facts.Down >= 2 && !facts.Quorum.IsFailingOver
                && facts.AbandonedFor >= AbandonedPolicy.Patience + (facts.Rank * AbandonedPolicy.RankDelay)
                && facts.Quorum.Named == Other))
        .QuickCheckThrowOnFailure();

    private static NodeObservation.Known Node(NodeRole role) =>
        new(Other, new NodeLook { RunId = new string('a', 40), Role = role });

    private static NodeObservation.Known Replica(RedisEndpoint at, long offset) => new(at, new NodeLook
    {
        RunId = new string(at.Host[^1], 40),
        Role = NodeRole.Replica,
        ReplicationId = "history",
        Offset = offset,
        MasterAddress = Other,
        Priority = 100,
    });
}
