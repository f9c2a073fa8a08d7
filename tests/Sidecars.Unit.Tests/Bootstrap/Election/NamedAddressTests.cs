using System.Collections.Immutable;
using Sidecars.Bootstrap.Election;
using Sidecars.Core.Election;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;

namespace Sidecars.Unit.Tests.Bootstrap.Election;

/// <summary>Pods came back with other addresses, and a Sentinel majority still names the one of a pod that is gone.</summary>
public sealed class NamedAddressTests
{
    private const string Lost = "master,s_down,o_down";
    private static readonly RedisEndpoint Gone = new("10.0.0.99", 6379);
    private static readonly RedisEndpoint GoneReplica = new("10.0.0.98", 6379);

    [Fact]
    public void With_every_node_seen_and_none_at_the_named_address_the_winner_has_the_Sentinels_told()
    {
        var tell = Assert.IsType<MasterDecision.TellSentinels>(Decide(Elected(A, [A, B, C])));
        Assert.Equal((Gone, "elected-and-telling"), (tell.Named, tell.Code));
        Assert.Contains("none announces 10.0.0.99:6379", tell.Evidence, StringComparison.Ordinal);
    }

    [Fact]
    public void It_claims_first_and_the_others_wait_for_it()
    {
        Assert.Equal("claim", Decide(Snapshot(ElectionOf(3, Evidence(A), Evidence(B), Evidence(C)))).Code);
        Assert.Equal("election-lost", Decide(Elected(B, [A, B, C])).Code);
    }

    [Fact]
    public void A_node_that_is_not_seen_is_waited_for_by_name_claimed_or_not()
    {
        var missing = Evidence(C, live: false);
        foreach (var election in new[]
        { Election(A, [Evidence(A), Evidence(B), missing]), ElectionOf(3, Evidence(A), Evidence(B), missing) })
        {
            var wait = Assert.IsType<MasterDecision.Wait>(Decide(Snapshot(election)));
            Assert.Equal(["redis-3"], wait.WaitingFor.AsEnumerable());
        }

        Assert.Equal(MasterSelectionPolicy.NamedUnaccounted, Decide(Snapshot(Election(A, [Evidence(A), Evidence(B), missing]))).Code);
    }

    [Fact]
    public void A_persons_word_to_go_on_without_it_is_heard_where_Sentinels_see_the_address_down()
    {
        var s = Snapshot(Election(A, [Evidence(A), Evidence(B)])) with
        { UncleanElectionAfter = TimeSpan.FromMinutes(1), ElectionWaitedFor = TimeSpan.FromMinutes(2) };
        Assert.IsType<MasterDecision.TellSentinels>(Decide(s));
        Assert.Equal(MasterSelectionPolicy.NamedUnaccounted, Decide(s with { Sentinels = Name(Gone, "master") }).Code);
    }

    [Fact]
    public void An_address_that_a_Sentinel_majority_sees_alive_is_not_given_up()
    {
        var wait = Assert.IsType<MasterDecision.Wait>(
            Decide(Elected(A, [A, B, C]) with { Sentinels = [Says(1, Gone, flags: Lost), Says(2, Gone), Says(3, Gone)] }));
        Assert.Equal((MasterSelectionPolicy.NamedUnaccounted, "1 more Sentinel(s) to see 10.0.0.99:6379 down"),
            (wait.Code, wait.WaitingFor.Single()));
    }

    [Fact]
    public void Another_tenants_server_at_that_address_is_no_obstacle_once_every_node_is_seen()
    {
        // It may answer the Sentinels: an open default user does, whoever logs in.
        var foreign = Elected(A, [A, B, C]) with { Sentinels = Name(Gone, "master"), Peers = [Foreign(Gone), Down(B), Down(C)] };
        Assert.IsType<MasterDecision.TellSentinels>(Decide(foreign));
        Assert.IsType<MasterDecision.ConsultElection>(Decide(foreign with { Election = null }));
        Assert.Equal("named-refuses-login",
            Assert.IsType<MasterDecision.Refuse>(Decide(foreign with { Election = Election(A, [Evidence(A), Evidence(B)]) })).Code);
        Assert.Equal("named-refuses-login", Assert.IsType<MasterDecision.Refuse>(
            Decide(foreign with { Election = new ElectionObservation.Unavailable("timed out") })).Code);
        // a Redis of the group lives
        Assert.Equal("named-refuses-login", Decide(foreign with { Peers = [Foreign(Gone), Replica(B, Gone), Down(C)] }).Code);
    }

    [Fact]
    public void Something_there_that_gives_no_clear_answer_is_judged_by_what_Sentinels_see()
    {
        var hangs = Elected(A, [A, B, C]) with { Peers = [Hangs(Gone), Down(B), Down(C)] };
        Assert.IsType<MasterDecision.TellSentinels>(Decide(hangs));
        Assert.Equal("named-unclear", Assert.IsType<MasterDecision.Wait>(Decide(hangs with { Sentinels = Name(Gone, "master") })).Code);
        Assert.Equal("peer-unclear", Decide(hangs with { Peers = [Hangs(Gone), Hangs(B), Down(C)] }).Code); // that may be a node
    }

    [Fact]
    public void Sentinels_that_can_not_be_told_look_again_all_together()
    {
        var denied = Elected(A, [A, B, C]) with { TellingDenied = "publish-denied" };
        var restart = Assert.IsType<MasterDecision.RestartSentinels>(Decide(denied));
        Assert.True(restart.Together);
        Assert.Equal([SentinelAt(1), SentinelAt(2), SentinelAt(3)], restart.Sentinels.AsEnumerable());
        // They could promote it themselves, if they list it.
        Assert.Equal("elected-through-sentinel", Decide(denied with { Sentinels = Name(Gone, Lost, A) }).Code);
        // With none left, it is an election without a name.
        Assert.Equal("elected", Decide(denied with { Sentinels = [Dead(1), Dead(2), Dead(3)] }).Code);
    }

    [Fact]
    public void A_winner_that_Sentinels_do_not_list_is_told_even_where_the_named_node_takes_part()
    {
        // C has the named address and lost; A is new to the Sentinels: as a replica of an address that is silent nobody would ever find it.
        var s = Elected(A, [A, B, C]) with { Sentinels = Name(C, "master") };
        Assert.IsType<MasterDecision.TellSentinels>(Decide(s));
        Assert.Equal("elected-through-sentinel", Decide(s with { Sentinels = Name(C, "master", A) }).Code);
    }

    [Fact]
    public void Once_a_majority_names_the_winner_it_starts() =>
        Assert.Equal("elected-and-named",
            Assert.IsType<MasterDecision.StartAsMaster>(Decide(Elected(A, [A, B, C]) with { Sentinels = Name(A, Lost) })).Code);

    [Fact]
    public void Told_by_half_it_is_told_again_after_a_while_by_its_own_candidate_only()
    {
        var half = Elected(A, [A, B, C]) with { Sentinels = [Says(1, A, 4), Says(2, Gone, 3), Dead(3)] };
        Assert.Equal("epoch-spreading", Decide(half).Code);
        var late = half with { SplitFor = MasterSelectionPolicy.SpreadingBeforeRestart };
        Assert.Equal((Gone, "telling-again"), (Assert.IsType<MasterDecision.TellSentinels>(Decide(late)).Named, Decide(late).Code));
        Assert.Equal("epoch-spreading", Decide(late with { Election = Election(B, [Evidence(A), Evidence(B), Evidence(C)]) }).Code);
        Assert.Equal("epoch-spreading", Decide(late with { Peers = [Replica(B, Gone), Down(C)] }).Code);
        // an equal epoch never heals
        Assert.Equal("telling-again", Decide(late with { Sentinels = [Says(1, A, 4), Says(2, A, 4), Says(3, Gone, 4)] }).Code);
    }

    [Fact]
    public void An_elector_without_evidence_tells_only_where_no_data_can_be_lost()
    {
        var elector = new ElectionObservation.Known(new ElectionView
        { Record = new ElectionRecord { Candidate = "redis-1" }, Version = "", CandidateAlive = true, CarriesEvidence = false });
        var empty = Snapshot(elector) with { Me = Evidence(A, DataState.Absent) };
        // It knows of no disk: another one may have more, and whoever that is must be heard first.
        Assert.Equal("election-wait", Decide(empty).Code);
        Assert.IsType<MasterDecision.TellSentinels>(Decide(empty with { Durability = Durability.None }));
        Assert.Equal(
            "elected-through-sentinel", Decide(empty with { Durability = Durability.None, Sentinels = Name(Gone, "master") }).Code);
    }

    [Fact]
    public void Who_has_a_dead_masters_address_by_now_is_not_taken_for_the_master()
    {
        // redis-2 served at A's present address in epoch 1; both are here, and only redis-2 has what was acknowledged last.
        Assert.True(ReplicationId.TryParse(new string('a', 40), out var id));
        var record =
            new ElectionRecord { Term = 3, LastServing = new ServingMaster("redis-2", "uid-old", A, new FencingToken(3, 1, 0), id, 900) };
        var view = new ElectionView { Record = record, Version = "v", Evidence = [Evidence(A), Evidence(B, bytes: 900)] };
        var facts = new ElectionFacts(view, Evidence(A), 3, Durability.Aof, new NamedMaster(A, 1));
        var wait = Assert.IsType<ElectionDecision.Wait>(ElectionPolicy.Decide(facts));
        Assert.Contains("2 of 3 nodes are here", wait.Reason, StringComparison.Ordinal);
        // named later than it is recorded: it is A
        Assert.IsType<ElectionDecision.Claim>(ElectionPolicy.Decide(facts with { Named = new NamedMaster(A, 2) }));
    }

    [Fact]
    public void A_peer_that_follows_its_own_address_is_nobodys_replica()
    {
        var itself = Replica(B, B);
        Assert.True(Assert.IsType<NodeObservation.Known>(itself).FollowsItself);
        // another process behind that address
        Assert.False(Assert.IsType<NodeObservation.Known>(Replica(B, B, linkUp: true)).FollowsItself);
        Assert.False(Assert.IsType<NodeObservation.Known>(Replica(B, C)).FollowsItself);
        var atPod = new NodeObservation.Known(new RedisEndpoint("10.9.9.9", 6379),
            new NodeLook { RunId = RunId(B), Role = NodeRole.Replica, Announced = B, MasterAddress = B });
        Assert.True(atPod.FollowsItself);
        Assert.Equal("named-follows-itself", Decide(StartingA(Name(B, "master"), [itself, Down(C)])).Code);
        // listed, and still not promoted
        Assert.Equal("peer-follows-itself", Decide(StartingA(Name(A, "master", B), [itself, Down(C)])).Code);
        Assert.Equal("named-hand-over", Decide(StartingA(Name(A, "master", B, C), [itself, Replica(C, A)])).Code);
        Assert.Equal("named-is-dead",
            Decide(StartingA(Name(B, "master", B), [Down(B), atPod], Election(B, [Evidence(A), Evidence(B), Evidence(C)]))).Code);
    }

    private static MasterDecision Decide(BootstrapSnapshot s) => MasterSelectionPolicy.Decide(s);

    private static ImmutableArray<SentinelObservation> Name(RedisEndpoint master, string flags, params RedisEndpoint[] replicas) =>
        [Says(1, master, flags: flags, replicas: replicas), Says(2, master, flags: flags, replicas: replicas),
            Says(3, master, flags: flags, replicas: replicas)];

    private static BootstrapSnapshot Snapshot(ElectionObservation election) =>
        StartingA(Name(Gone, Lost, GoneReplica), [Down(Gone), Down(B), Down(C)], election);

    private static BootstrapSnapshot Elected(RedisEndpoint winner, RedisEndpoint[] live) =>
        Snapshot(Election(winner, [.. live.Select(at => Evidence(at))]));

    private static ElectionObservation Election(RedisEndpoint winner, CandidateEvidence[] evidence) =>
        Candidate(4, Evidence(winner), evidence);
}
