using System.Collections.Immutable;
using Sidecars.Bootstrap.Election;
using Sidecars.Core.Election;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Succession;
using Sidecars.Core.Topology;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;

namespace Sidecars.Unit.Tests.Bootstrap.Election;

public sealed class MasterSelectionPolicyTests
{
    private static readonly ImmutableArray<SentinelObservation> NoSentinels = [Dead(1), Dead(2), Dead(3)];

    // With data and no marker it follows whom Sentinels or the record name: FollowPolicyTests.
    private static readonly CandidateEvidence Empty = Evidence(A, DataState.Absent);

    private static ImmutableArray<SentinelObservation> AllSay(RedisEndpoint master, params RedisEndpoint[] replicas) =>
        [Says(1, master, replicas: replicas), Says(2, master, replicas: replicas), Says(3, master, replicas: replicas)];

    [Fact]
    public void Sentinels_name_a_living_master() =>
        Follows(B, "follow-sentinels", StartingA(AllSay(B), [Master(B), Replica(C, B)]));

    [Fact]
    public void A_majority_is_enough_and_a_minority_is_not()
    {
        Follows(B, "follow-sentinels", StartingA([Says(1, B), Says(2, B), Dead(3)], [Master(B), Down(C)]));
        Follows(B, "follow-peer-master", StartingA([Says(1, C), Dead(2), Dead(3)], [Master(B), Down(C)]) with { Me = Empty });
    }

    [Theory]
    [InlineData("named-is-replica")]
    [InlineData("named-unclear")]
    [InlineData("named-is-dead")]
    public void A_named_master_that_can_not_be_verified_is_not_followed(string code)
    {
        var named = code switch { "named-is-replica" => Replica(B, C), "named-unclear" => Hangs(B), _ => Down(B) };
        Waits(code, StartingA(AllSay(B, C), [named, Replica(C, B)]));
    }

    [Fact]
    public void A_named_address_that_refuses_our_login_is_refused() =>
        Refuses("named-refuses-login", StartingA(AllSay(B), [Foreign(B), Down(C)], ElectionOf(1, Evidence(A), Evidence(B))));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_node_whose_own_address_another_process_announces_waits_for_its_end(bool named)
    {
        // Asked at its pod's address, it calls itself by mine: an earlier pod of this node, deleted by force and alive.
        var predecessor = new NodeObservation.Known(
            new RedisEndpoint("10.244.0.9", 6379), new NodeLook { RunId = RunId(B), Role = NodeRole.Master, Announced = A });
        var s = StartingA(named ? AllSay(A, B) : NoSentinels, [predecessor, Replica(B, A, linkUp: true), Down(C)]);
        Waits("own-address-taken", s);
        Waits("own-address-taken", s with
        { Peers = [predecessor with { View = predecessor.View with { Role = NodeRole.Replica, MasterAddress = B } }, Master(B), Down(C)] });
    }

    [Fact]
    public void Another_process_at_the_named_address_is_waited_for() =>
        Waits("named-run-id-differs", StartingA(AllSay(B), [Master(B, new string('9', 40)), Down(C)]));

    [Fact]
    public void A_split_is_waited_for_and_the_odd_Sentinel_restarted_only_when_it_stays_and_roles_agree()
    {
        var split = StartingA([Says(1, B), Says(2, B), Says(3, C)], [Master(B), Replica(C, B)]);
        Waits("sentinel-split", split);
        var restart = Assert.IsType<MasterDecision.RestartSentinels>(
            MasterSelectionPolicy.Decide(split with { SplitFor = MasterSelectionPolicy.SplitBeforeRestart }));
        Assert.Equal([SentinelAt(3)], restart.Sentinels.AsEnumerable());
        Waits("sentinel-split", split with { SplitFor = TimeSpan.FromHours(1), Peers = [Replica(B, C), Master(C)] });
        Waits("sentinel-split", split with { SplitFor = TimeSpan.FromHours(1), Sentinels = [Says(1, B), Says(2, C), Dead(3)] });
    }

    [Fact]
    public void A_failover_and_a_spreading_epoch_are_waited_for()
    {
        Waits("failover-in-progress", StartingA([Says(1, B, flags: "master,failover_in_progress"), Says(2, B), Says(3, B)], [Master(B)]));
        Waits("epoch-spreading", StartingA([Says(1, C, 7), Says(2, B), Says(3, B)], [Master(B), Master(C)]));
    }

    [Fact]
    public void Sentinels_that_never_hear_of_the_highest_epoch_are_restarted_once_its_master_is_the_only_one()
    {
        var spreading = StartingA([Says(1, B, 7), Says(2, A), Dead(3)], [Master(B), Replica(C, A)]);
        Waits("epoch-spreading", spreading);
        var late = spreading with { SplitFor = MasterSelectionPolicy.SpreadingBeforeRestart };
        Assert.Equal(
            [SentinelAt(2)], Assert.IsType<MasterDecision.RestartSentinels>(MasterSelectionPolicy.Decide(late)).Sentinels.AsEnumerable());
        Waits("epoch-spreading", late with { Peers = [Master(B), Master(C)] });
        Waits("epoch-spreading", late with { Peers = [Replica(B, A), Replica(C, A)] });
        Waits("epoch-spreading", late with { Peers = [Down(B), Master(C)] });
    }

    [Fact]
    public void Named_myself_I_stay_silent_and_hand_over_to_a_promotable_replica()
    {
        var s = StartingA(AllSay(A, B, C), [Replica(B, A), Replica(C, A)]);
        var handOver = Assert.IsType<MasterDecision.Succeed>(MasterSelectionPolicy.Decide(s));
        Assert.Equal(("named-hand-over", B, C), (handOver.Code, handOver.Plan.Target.Address, handOver.Plan.Others.Single().Address));
        var asked = Assert.IsType<MasterDecision.RequestFailover>(
            MasterSelectionPolicy.Decide(s with { SuccessionFailed = "publish-denied" }));
        Assert.Equal((SentinelAt(1), A), (asked.Sentinel, asked.Replaces)); // the lowest id, whoever asks
    }

    [Fact]
    public void A_replica_that_may_have_the_most_is_waited_for_before_another_is_promoted()
    {
        var s = StartingA(AllSay(A, B, C), [Replica(B, A), Down(C)]);
        Waits("replica-silent", s);
        Assert.Equal(B, Assert.IsType<MasterDecision.Succeed>(
            MasterSelectionPolicy.Decide(s with { SilentFor = SuccessionPolicy.AnswersWithin })).Plan.Target.Address);
    }

    [Fact]
    public void One_that_was_promoted_before_the_Sentinels_knew_is_gone_on_with_and_a_stranger_is_not()
    {
        NodeObservation Promoted(string previous) =>
            new NodeObservation.Known(B, ((NodeObservation.Known)Master(B)).View with { PreviousReplicationId = previous });
        NodeObservation Follows(string id) =>
            new NodeObservation.Known(C, ((NodeObservation.Known)Replica(C, A)).View with { ReplicationId = id });
        var (mine, other) = (new string('1', 40), new string('2', 40));
        var s = StartingA(AllSay(A, B, C), [Promoted(mine), Follows(mine)]);
        Assert.Equal(B, Assert.IsType<MasterDecision.Succeed>(MasterSelectionPolicy.Decide(s)).Plan.Target.Address);
        Waits("named-but-other-master", s with { Peers = [Promoted(other), Follows(mine)] });
        Waits("named-but-other-master", s with { SuccessionFailed = "publish-denied" });
    }

    [Fact]
    public void Named_myself_without_a_promotable_replica_I_wait_while_any_replica_lives()
    {
        Waits("named-no-promotable-replica", StartingA(AllSay(A), [Replica(B, A), Down(C)]));
        Waits("named-no-promotable-replica", StartingA(AllSay(A, B), [Replica(B, A, syncing: true), Replica(C, A)]));
    }

    [Fact]
    public void Named_myself_I_resume_when_every_living_replica_is_in_the_middle_of_a_copy()
    {
        var s = StartingA(AllSay(A, B), [Replica(B, A, syncing: true), Down(C)]);
        Assert.Equal("named-resume", Assert.IsType<MasterDecision.StartAsMaster>(MasterSelectionPolicy.Decide(s)).Code);
        Waits("named-no-promotable-replica", s with { Me = s.Me with { Data = DataState.Absent } }); // an empty master never resumes
    }

    [Fact]
    public void Named_myself_while_another_is_master_is_left_to_Sentinel() =>
        Waits("named-but-other-master", StartingA(AllSay(A, B), [Master(B), Replica(C, A)]));

    [Fact]
    public void Named_dead_while_an_unknown_master_lives_is_refused() =>
        Refuses("other-master-lives", StartingA(AllSay(B), [Down(B), Master(C)]));

    [Fact]
    public void Without_Sentinels_the_only_master_is_followed_and_two_are_refused()
    {
        Follows(B, "follow-peer-master", StartingA(NoSentinels, [Master(B), Down(C)]) with { Me = Empty });
        Assert.IsType<MasterDecision.ConsultElection>(MasterSelectionPolicy.Decide(StartingA(NoSentinels, [Master(B), Master(C)])));
        Refuses("two-masters", StartingA(NoSentinels, [Master(B), Master(C)], ElectionOf(1)));
        Refuses("two-masters", StartingA(NoSentinels, [Master(B), Master(C)], new ElectionObservation.Unavailable("down")));
        Follows(B, "follow-recorded-master", StartingA(NoSentinels, [Master(B), Master(C)], Candidate(2, Evidence(B))));
        // Or a person's word, which the refusal asks for.
        Assert.Contains("redis-bootstrap trust NODE",
            MasterSelectionPolicy.Decide(StartingA(NoSentinels, [Master(B), Master(C)], ElectionOf(1))).Reason, StringComparison.Ordinal);
        var said = new ElectionObservation.Known(
            LineageElectionTests.View(new ElectionRecord { Term = 2 }.Trusting("redis-3", 2), Evidence(B), Evidence(C)));
        Follows(C, "follow-recorded-master", StartingA(NoSentinels, [Master(B), Master(C)], said));
    }

    [Fact]
    public void One_process_at_two_addresses_is_one_master()
    {
        var atPodAddress = Master(new RedisEndpoint("10.9.9.9", 6379), RunId(B));
        Assert.IsType<MasterDecision.Follow>(
            MasterSelectionPolicy.Decide(StartingA(NoSentinels, [Master(B), atPodAddress]) with { Me = Empty }));
    }

    [Fact]
    public void An_announced_address_is_followed_whatever_address_was_asked()
    {
        var atPodAddress = new NodeObservation.Known(
            new RedisEndpoint("10.9.9.9", 6379), new NodeLook { RunId = RunId(B), Role = NodeRole.Master, Announced = B });
        Follows(B, "follow-peer-master", StartingA(NoSentinels, [atPodAddress]) with { Me = Empty });
    }

    [Fact]
    public void Replicas_without_a_master_wait_for_Sentinels()
    {
        Waits("replicas-without-master", StartingA(NoSentinels, [Replica(B, A), Replica(C, A)]));
        Waits("master-out-of-reach", StartingA(NoSentinels, [Replica(B, C, linkUp: true), Down(C)]));
    }

    [Fact]
    public void Nobody_lives_then_the_election_is_read_first()
    {
        Assert.IsType<MasterDecision.ConsultElection>(MasterSelectionPolicy.Decide(StartingA(NoSentinels, [Down(B), Down(C)])));
        Waits("election-unavailable", StartingA(NoSentinels, [Down(B), Down(C)], new ElectionObservation.Unavailable("timed out")));
    }

    [Fact]
    public void A_peer_that_listens_without_a_clear_answer_stops_an_election() =>
        Waits("peer-unclear", StartingA(NoSentinels, [Hangs(B), Down(C)], ElectionOf(1, Evidence(A), Evidence(B), Evidence(C))));

    [Fact]
    public void Elected_without_Sentinels_starts_as_master() =>
        Assert.Equal("elected", Assert.IsType<MasterDecision.StartAsMaster>(
            MasterSelectionPolicy.Decide(StartingA(NoSentinels, [Down(B), Down(C)], Candidate(2, Evidence(A))))).Code);

    [Fact]
    public void Elected_while_Sentinels_name_another_starts_as_its_replica()
    {
        var s = StartingA(AllSay(B, A), [Down(B), Down(C)], Candidate(2, Evidence(A)));
        Assert.Equal(B, Assert.IsType<MasterDecision.FollowNamed>(MasterSelectionPolicy.Decide(s)).Named);
        Assert.Equal("elected-and-named",
            Assert.IsType<MasterDecision.StartAsMaster>(MasterSelectionPolicy.Decide(s with { Sentinels = AllSay(A) })).Code);
    }

    [Fact]
    public void The_losers_have_Sentinel_carry_the_election_out_one_actor_only()
    {
        // B won and follows the dead C; A and C are silent, A is first of them.
        var s = StartingA(AllSay(C, B), [Replica(B, C), Down(C)], Candidate(2, Evidence(B), Evidence(A), Evidence(C)));
        Assert.Equal("carry-out-election", Assert.IsType<MasterDecision.Succeed>(MasterSelectionPolicy.Decide(s)).Code);
        Waits("named-is-dead", s with { Election = null }); // that I can't reach it is no proof
        // C's process is not known to be silent
        Waits("named-is-dead", s with { Election = Candidate(2, Evidence(B), Evidence(B), Evidence(A)) });
        var third = s with { Me = Evidence(C), Sentinels = AllSay(A, B), Peers = [Replica(B, A), Down(A)] };
        Waits("named-is-dead", third);
    }

    [Fact]
    public void Nothing_is_asked_of_a_Sentinel_in_tilt()
    {
        Waits("named-no-promotable-replica",
            StartingA([Says(1, A, tilt: true, replicas: B), Says(2, A, tilt: true, replicas: B), Dead(3)], [Replica(B, A)]));
        var s = StartingA([Says(1, A, tilt: true, replicas: B), Says(2, A, replicas: B), Dead(3)], [Replica(B, A)]);
        Assert.Equal(SentinelAt(2),
            Assert.IsType<MasterDecision.RequestFailover>(MasterSelectionPolicy.Decide(s with { SuccessionFailed = "tilt" })).Sentinel);
    }

    private static void Follows(RedisEndpoint master, string code, BootstrapSnapshot s)
    {
        var follow = Assert.IsType<MasterDecision.Follow>(MasterSelectionPolicy.Decide(s));
        Assert.Equal((master, code), (follow.Master, follow.Code));
    }

    private static void Refuses(string code, BootstrapSnapshot s) =>
        Assert.Equal(code, Assert.IsType<MasterDecision.Refuse>(MasterSelectionPolicy.Decide(s)).Code);

    private static void Waits(string code, BootstrapSnapshot s)
    {
        var wait = Assert.IsType<MasterDecision.Wait>(MasterSelectionPolicy.Decide(s));
        Assert.Equal(code, wait.Code);
        Assert.NotEmpty(wait.WaitingFor);
    }
}
