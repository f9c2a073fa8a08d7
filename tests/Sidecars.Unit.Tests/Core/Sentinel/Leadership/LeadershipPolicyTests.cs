using System.Collections.Immutable;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Sentinel.Leadership;

namespace Sidecars.Unit.Tests.Core.Sentinel.Leadership;

/// <summary>Three Sentinels that know each other name an old address in epoch 3; one thing changed at a time.</summary>
public sealed class LeadershipPolicyTests
{
    private const string Name = "demo.redis";
    private static readonly string Candidate = new('f', 40);
    private static readonly RedisEndpoint Old = new("10.0.0.1", 6379);
    private static readonly RedisEndpoint New = new("10.0.9.1", 6379);
    private static readonly LeadershipRequest Request = new(New, Old, 3) { UnlistedBecause = "all nodes were seen" };

    [Fact]
    public void A_majority_that_knows_other_Sentinels_is_asked_for_the_next_epoch()
    {
        var electorate = Prepared(Request, All());
        Assert.Equal((3, 2, 4L), (electorate.Electors.Length, electorate.Needed, electorate.Epoch));
        Assert.All(electorate.Electors, e => Assert.NotEqual(e.MyId, e.Sender.MyId));
        Assert.Equal(2, Prepared(Request, [Says(1), Says(2), Dead(3)]).Electors.Length);
    }

    [Fact]
    public void The_next_epoch_is_above_every_vote_and_every_attempt_that_is_known()
    {
        Assert.Equal(10, Prepared(Request, [Says(1), Says(2, voted: 9), Says(3)]).Epoch);
        Assert.Equal(21, Prepared(Request with { LearntEpoch = 20 }, All()).Epoch);
    }

    [Theory]
    [InlineData("no-sentinel-majority", false)]
    [InlineData("sentinels-know-no-other", true)]
    [InlineData("target-not-listed", true)]
    [InlineData("failover-in-progress", false)]
    [InlineData("tilt", false)]
    [InlineData("sentinels-name-another", false)]
    [InlineData("epoch-beyond-reason", true)]
    [InlineData("not-an-address", true)]
    public void Whatever_is_wrong_is_refused_before_anybody_is_asked(string code, bool isLasting)
    {
        var (request, sentinels) = code switch
        {
            "no-sentinel-majority" => (Request, [Says(1), Dead(2), Dead(3)]),
            "sentinels-know-no-other" => (Request, [Says(1, others: []), Says(2, others: []), Says(3)]),
            "target-not-listed" => (Request with { UnlistedBecause = null }, All()),
            "failover-in-progress" =>
                (Request, [Says(1), Says(2, flags: "master,s_down,failover_in_progress", state: "wait_start"), Says(3)]),
            "tilt" => (Request, [Says(1), Says(2), Says(3, tilt: true)]),
            "sentinels-name-another" => (Request, [Says(1), Says(2), Says(3, names: new RedisEndpoint("10.0.0.3", 6379))]),
            "epoch-beyond-reason" => (Request, [Says(1), Says(2, epoch: LeadershipPolicy.EpochLimit - 1), Says(3)]),
            _ => (Request with { Target = new RedisEndpoint("redis-0.shop.svc", 6379) }, All()),
        };
        Assert.Null(LeadershipPolicy.Prepare(request, sentinels, Candidate, Name, out var refusal));
        Assert.Equal((code, isLasting), (refusal!.Code, refusal.IsLasting));
    }

    [Fact]
    public void A_group_of_one_Sentinel_can_not_be_told()
    {
        Assert.Null(LeadershipPolicy.Prepare(Request with { SentinelCount = 1 }, [Says(1, others: [])], Candidate, Name, out var refusal));
        Assert.Equal(("sentinels-know-no-other", true), (refusal!.Code, refusal.IsLasting));
    }

    [Fact]
    public void The_id_of_a_Sentinel_is_never_a_candidate()
    {
        Assert.Null(LeadershipPolicy.Prepare(Request, All(), Id(2).ToUpperInvariant(), Name, out var refusal));
        Assert.Equal("candidate-is-a-sentinel", refusal!.Code);
    }

    [Fact]
    public void Ghosts_raise_the_majority_and_more_than_half_of_them_refuse()
    {
        Assert.Equal(3, Prepared(Request, [Says(1, others: [2, 3, 7, 8]), Says(2), Says(3)]).Needed);
        Assert.Null(LeadershipPolicy.Prepare(Request, [Says(1, others: [2, 3, 7, 8]), Says(2), Dead(3)], Candidate, Name, out var refusal));
        Assert.Equal("no-sentinel-majority", refusal!.Code);
    }

    [Fact]
    public void A_target_that_Sentinels_list_needs_no_further_evidence() =>
        Prepared(Request with { UnlistedBecause = null }, [Says(1, replicas: [New]), Says(2, replicas: [New]), Says(3)]);

    [Fact]
    public void A_living_Sentinel_is_named_as_sender_before_one_that_is_down()
    {
        var electorate = Prepared(Request, [Says(1, down: [2]), Says(2), Says(3)]);
        Assert.Equal(Id(3), electorate.Electors.Single(e => e.MyId == Id(1)).Sender.MyId);
    }

    [Fact]
    public void A_hello_that_is_denied_by_too_many_is_a_lasting_refusal_and_one_that_makes_a_ghost_proves_nothing()
    {
        var electorate = Prepared(Request, All());
        Assert.Equal(3, LeadershipPolicy.Proven(electorate, Hellos(electorate, Taken), out _)!.Electors.Length);
        Assert.Equal(2, LeadershipPolicy.Proven(
            electorate, Hellos(electorate, e => e.MyId == Id(1) ? new HelloAnswer.Denied("NOPERM") : Taken(e)), out _)!.Electors.Length);
        Assert.Null(LeadershipPolicy.Proven(
            electorate, Hellos(electorate, e => e.MyId == Id(1) ? Taken(e) : new HelloAnswer.Denied("NOPERM")), out var refusal));
        Assert.Equal(("publish-denied", true), (refusal!.Code, refusal.IsLasting));
        Assert.Null(LeadershipPolicy.Proven(
            electorate, Hellos(electorate, e => e.MyId == Id(1) ? Taken(e) : new HelloAnswer.Silent("no answer")), out refusal));
        Assert.Equal(("hello-not-taken", false), (refusal!.Code, refusal.IsLasting));
        Assert.Null(LeadershipPolicy.Proven(electorate, Hellos(electorate, e => new HelloAnswer.Taken([.. e.Others, Id(9)])), out refusal));
        Assert.Equal("hello-not-taken", refusal!.Code);
    }

    [Fact]
    public void An_epoch_is_won_by_a_majority_of_votes_for_our_id_in_that_epoch_only()
    {
        Assert.Equal(2, Assert.IsType<VoteCount.Won>(Counted(Mine(4), Mine(4), new VoteAnswer.Silent("no answer"))).Voters.Count);
        Ends("no-vote-majority", Counted(Mine(4), new VoteAnswer.Silent("no answer"), new VoteAnswer.Silent("no answer")));
        Assert.True(Assert.IsType<VoteCount.AskAgain>(Counted(Mine(3), Mine(3), Mine(3))).Epoch > 4); // an old vote is none
    }

    [Fact]
    public void A_lower_epoch_in_a_refusal_means_that_the_Sentinel_is_beyond_ours_so_a_higher_one_is_asked_for()
    {
        Assert.True(
            Assert.IsType<VoteCount.AskAgain>(Counted(Mine(4), new VoteAnswer.Cast(Id(1), 2), new VoteAnswer.Cast(Id(1), 2))).Epoch > 4);
        // it has never voted
        Assert.True(
            Assert.IsType<VoteCount.AskAgain>(Counted(Mine(4), new VoteAnswer.Cast("*", 0), new VoteAnswer.Cast("*", 0))).Epoch > 4);
    }

    [Fact]
    public void A_Sentinels_own_attempt_that_is_over_is_passed_and_another_coordinators_is_not()
    {
        Assert.True(
            Assert.IsType<VoteCount.AskAgain>(Counted(Mine(4), new VoteAnswer.Cast(Id(1), 30), new VoteAnswer.Cast(Id(1), 30))).Epoch > 30);
        Assert.True(
            Assert.IsType<VoteCount.AskAgain>(Counted(Mine(4), new VoteAnswer.Cast(Id(1), 4), new VoteAnswer.Cast(Id(1), 4))).Epoch > 4);
        var rival = Assert.IsType<LeadershipOutcome.Rival>(Assert.IsType<VoteCount.Ended>(
            Counted(Mine(4), new VoteAnswer.Cast(new string('e', 40), 4), new VoteAnswer.Cast(new string('e', 40), 4))).Outcome);
        Assert.Equal(4, rival.HighestEpoch);
        Ends("rival", Counted(Mine(4), new VoteAnswer.Cast(new string('e', 40), 9), Mine(3)));
    }

    [Fact]
    public void A_vote_that_is_denied_by_too_many_or_is_of_no_reasonable_epoch_is_a_lasting_refusal()
    {
        Assert.True(Ends("vote-denied", Counted(Mine(4), new VoteAnswer.Denied("NOPERM"), new VoteAnswer.Denied("NOPERM"))).IsLasting);
        Assert.True(
            Ends("epoch-beyond-reason", Counted(Mine(4), new VoteAnswer.Cast(Id(1), LeadershipPolicy.EpochLimit), Mine(3))).IsLasting);
        Assert.True(Ends("epoch-beyond-reason", Counted(Mine(4), new VoteAnswer.Cast(Id(1), -1), Mine(3))).IsLasting);
    }

    [Fact]
    public void What_changed_after_the_vote_stops_the_announcement()
    {
        Assert.Equal(3, Assert.IsType<LeadershipOutcome.Won>(Looked(All())).Announcements.Length);
        Refused("failover-in-progress", Looked([Says(1), Says(2), Says(3, flags: "master,failover_in_progress", state: "select_slave")]));
        // its vote is not ours
        Refused("failover-in-progress", Looked([Says(1), Says(2), Says(3, flags: "master,failover_in_progress", state: "wait_start")]));
        Assert.IsType<LeadershipOutcome.Won>(
            Looked([Says(1), Says(2, flags: "master,failover_in_progress", state: "wait_start"), Says(3)]));
        // asked for: it goes on without a vote
        Refused("failover-in-progress",
            Looked([Says(1), Says(2, flags: "master,failover_in_progress,force_failover", state: "wait_start"), Says(3)]));
        Refused("epoch-overtaken", Looked([Says(1), Says(2), Says(3, epoch: 4)]));
        Refused("voters-unread", Looked([Says(1), Dead(2), Says(3)]));
        Refused("tilt", Looked([Says(1, tilt: true), Says(2), Says(3)]));
        Refused("sentinels-name-another", Looked([Says(1), Says(2), Says(3, names: new RedisEndpoint("10.0.0.3", 6379))]));
    }

    [Fact]
    public void An_announcement_names_the_sender_as_the_receiver_lists_it_and_the_won_epoch_twice()
    {
        var won = Assert.IsType<LeadershipOutcome.Won>(Looked(All()));
        var first = won.Announcements.Single(a => a.MyId == Id(1));
        Assert.Equal($"10.0.1.2,26379,{Id(2)},4,{Name},10.0.9.1,6379,4", first.Hello.Text);
        Assert.All(won.Announcements, a => Assert.NotEqual(a.MyId, a.Hello.Sender.MyId));
    }

    [Fact]
    public void Only_a_majority_in_the_won_epoch_confirms()
    {
        Assert.IsType<LeadershipOutcome.Confirmed>(Confirmed(Named(New, 4), Named(New, 4), Named(Old, 3)));
        Assert.IsType<LeadershipOutcome.Confirmed>(Confirmed(Named(New, 4), Named(New, 4)));
        Assert.IsType<LeadershipOutcome.Unconfirmed>(Confirmed(Named(New, 4), Named(Old, 3), new AnnounceAnswer.Silent("no answer")));
        Assert.IsType<LeadershipOutcome.Unconfirmed>(Confirmed(Named(New, 4), Named(New, 3), new AnnounceAnswer.Silent("no answer")));
        Assert.IsType<LeadershipOutcome.Unconfirmed>(Confirmed(Named(New, 4), Named(New, 5), Named(New, 5)));
        Assert.IsType<LeadershipOutcome.Unconfirmed>(Confirmed());
    }

    [Theory]
    [InlineData(4)]
    [InlineData(7)]
    public void Another_address_in_that_epoch_or_a_later_one_makes_it_uncertain(long epoch)
    {
        var outcome = Assert.IsType<LeadershipOutcome.Unconfirmed>(Confirmed(Named(New, 4), Named(New, 4), Named(Old, epoch)));
        Assert.Equal(epoch, outcome.HighestEpoch);
        Assert.Contains($"one names {Old} in epoch {epoch}", outcome.Reason, StringComparison.Ordinal);
    }

    private static LeadershipOutcome Confirmed(params AnnounceAnswer[] answers) =>
        LeadershipPolicy.Confirm(Request, (LeadershipOutcome.Won)Looked(All()), answers);

    private static AnnounceAnswer.Names Named(RedisEndpoint master, long epoch) => new(master, epoch);

    internal static string Id(int n) => new((char)('a' + n - 1), 40);

    private static SentinelObservation[] All() => [Says(1), Says(2), Says(3)];

    private static SentinelObservation.Unreachable Dead(int n) => new(new RedisEndpoint($"10.0.1.{n}", 26379), "connection refused");

    private static SentinelObservation.Known Says(
        int n, RedisEndpoint? names = null, long epoch = 3, string flags = "master,s_down", string state = "", bool tilt = false,
        int[]? others = null, int[]? down = null, RedisEndpoint[]? replicas = null, long voted = 0) =>
        new(new RedisEndpoint($"10.0.1.{n}", 26379), new SentinelView
        {
            MyId = Id(n),
            Tilt = tilt,
            Master = new SentinelMaster { Address = names ?? Old, ConfigEpoch = epoch, Flags = flags, FailoverState = state },
            Replicas = [.. (replicas ?? []).Select(r => new SentinelReplica { Address = r, Flags = "slave" })],
            Others = [.. (others ?? [.. new[] { 1, 2, 3 }.Where(o => o != n)]).Select(o => new SentinelPeer
            {
                Address = new RedisEndpoint($"10.0.1.{o}", 26379), MyId = Id(o), Flags =
                    down?.Contains(o) == true ? "sentinel,s_down" : "sentinel", VotedEpoch = voted,
            })],
        });

    private static Electorate Prepared(LeadershipRequest request, SentinelObservation[] sentinels)
    {
        var electorate = LeadershipPolicy.Prepare(request, sentinels, Candidate, Name, out var refusal);
        Assert.True(electorate is not null, refusal?.ToString());
        return electorate;
    }

    private static HelloAnswer Taken(Elector elector) => new HelloAnswer.Taken(elector.Others);

    private static Dictionary<string, HelloAnswer> Hellos(Electorate electorate, Func<Elector, HelloAnswer> answer) =>
        electorate.Electors.ToDictionary(e => e.MyId, answer);

    private static VoteAnswer.Cast Mine(long epoch) => new(Candidate, epoch);

    private static VoteCount Counted(VoteAnswer first, VoteAnswer second, VoteAnswer third) =>
        LeadershipPolicy.Count(Prepared(Request, All()), 4, Candidate,
            new Dictionary<string, VoteAnswer> { [Id(1)] = first, [Id(2)] = second, [Id(3)] = third });

    private static LeadershipOutcome Looked(SentinelObservation[] after) =>
        LeadershipPolicy.LookAgain(Request, Prepared(Request, All()), 4, ImmutableHashSet.Create(Id(1), Id(2)), after, Name);

    private static void Refused(string code, LeadershipOutcome outcome) =>
        Assert.Equal(code, Assert.IsType<LeadershipOutcome.Refused>(outcome).Code);

    private static LeadershipOutcome.Refused Ends(string code, VoteCount count)
    {
        var outcome = Assert.IsType<VoteCount.Ended>(count).Outcome;
        Assert.Equal(code, outcome.Code);
        return outcome as LeadershipOutcome.Refused ?? new LeadershipOutcome.Refused(code, outcome.Reason);
    }
}
