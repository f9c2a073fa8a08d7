using Sidecars.Core.Sentinel;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;

namespace Sidecars.Unit.Tests.Core.Sentinel;

public sealed class SentinelQuorumPolicyTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(3, 2)]
    [InlineData(4, 3)]
    [InlineData(5, 3)]
    public void A_majority_is_of_the_configured_number(int configured, int votes) =>
        Assert.Equal(votes, SentinelQuorumPolicy.Majority(configured));

    [Fact]
    public void All_agree()
    {
        var agreed = Assert.IsType<SentinelQuorumDecision.Agreed>(
            SentinelQuorumPolicy.Decide([Says(1, B, 4, replicas: C), Says(2, B, 4, replicas: C), Says(3, B, 4)], 3));
        Assert.Equal((B, 4, false), (agreed.Address, agreed.Epoch, agreed.Down));
        Assert.Equal([C], agreed.Promotable.AsEnumerable());
        Assert.Equal("3 of 3 Sentinels name 10.0.0.2:6379 in epoch 4", agreed.Reason);
    }

    [Fact]
    public void Two_of_three_are_a_majority_and_one_is_not()
    {
        Assert.IsType<SentinelQuorumDecision.Agreed>(SentinelQuorumPolicy.Decide([Says(1, B), Says(2, B), Dead(3)], 3));
        var none = Assert.IsType<SentinelQuorumDecision.NoMajority>(SentinelQuorumPolicy.Decide([Says(1, B), Mute(2), Dead(3)], 3));
        Assert.Equal((1, 2), (none.Answered, none.Needed));
        Assert.Contains("10.0.1.2:26379 no answer within 1s", none.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Where_more_answer_than_there_should_be_the_larger_number_decides()
    {
        // A group that grows from three to five: two that say so were a majority by this node's setting.
        var spreading = Assert.IsType<SentinelQuorumDecision.Spreading>(
            SentinelQuorumPolicy.Decide([Says(1, B, 2), Says(2, B, 2), Says(3, C), Says(4, C), Says(5, C)], 3));
        Assert.Contains("only 2 of 5 Sentinels", spreading.Reason, StringComparison.Ordinal);
        Assert.IsType<SentinelQuorumDecision.Agreed>(
            SentinelQuorumPolicy.Decide([Says(1, B, 2), Says(2, B, 2), Says(3, B, 2), Says(4, C), Says(5, C)], 3));
    }

    [Fact]
    public void One_id_that_answers_at_two_addresses_is_one_vote()
    {
        var twin = (SentinelObservation.Known)Says(1, B);
        Assert.IsType<SentinelQuorumDecision.NoMajority>(
            SentinelQuorumPolicy.Decide([twin, new SentinelObservation.Known(SentinelAt(9), twin.View)], 3));
    }

    [Fact]
    public void A_Sentinel_that_asks_for_a_password_is_unknown_and_no_vote() =>
        Assert.IsType<SentinelQuorumDecision.NoMajority>(SentinelQuorumPolicy.Decide([Says(1, B), AsksPassword(2), AsksPassword(3)], 3));

    [Fact]
    public void Nobody_knows_the_name() =>
        Assert.IsType<SentinelQuorumDecision.NoMaster>(SentinelQuorumPolicy.Decide([Says(1, null), Says(2, null), Dead(3)], 3));

    [Fact]
    public void The_highest_epoch_wins_over_more_votes_but_only_with_a_majority()
    {
        var spreading = Assert.IsType<SentinelQuorumDecision.Spreading>(
            SentinelQuorumPolicy.Decide([Says(1, C, 5), Says(2, B, 4), Says(3, B, 4)], 3));
        Assert.Equal((C, 5L), (spreading.Address, spreading.Epoch));
        Assert.Equal(C, Assert.IsType<SentinelQuorumDecision.Agreed>(
            SentinelQuorumPolicy.Decide([Says(1, C, 5), Says(2, C, 5), Says(3, B, 4)], 3)).Address);
    }

    [Fact]
    public void Two_addresses_in_one_epoch_are_a_split_even_with_a_majority()
    {
        var split = Assert.IsType<SentinelQuorumDecision.Split>(
            SentinelQuorumPolicy.Decide([Says(1, B, 4), Says(2, B, 4), Says(3, C, 4)], 3));
        Assert.Equal(B, split.Majority);
        Assert.Equal([SentinelAt(3)], split.Odd.AsEnumerable());
        var even = Assert.IsType<SentinelQuorumDecision.Split>(SentinelQuorumPolicy.Decide([Says(1, B, 4), Says(2, C, 4), Dead(3)], 3));
        Assert.Null(even.Majority);
        Assert.Empty(even.Odd);
    }

    [Fact]
    public void A_running_failover_is_waited_for() =>
        Assert.IsType<SentinelQuorumDecision.Busy>(
            SentinelQuorumPolicy.Decide([Says(1, B), Says(2, B, flags: "master,o_down,failover_in_progress"), Says(3, B)], 3));

    [Fact]
    public void Down_is_reported_and_a_Sentinel_in_tilt_promotes_nobody()
    {
        var agreed = Assert.IsType<SentinelQuorumDecision.Agreed>(
            SentinelQuorumPolicy.Decide(
                [Says(1, B, 1, "master,s_down,o_down", replicas: A), Says(2, B, 1, tilt: true, replicas: C), Says(3, B)], 3));
        Assert.True(agreed.Down);
        Assert.Equal([A], agreed.Promotable.AsEnumerable());
    }

    [Theory]
    [InlineData("slave,disconnected", "slave,disconnected", true)]
    [InlineData("slave,disconnected", "slave", false)]
    [InlineData("slave,disconnected", "slave,s_down,disconnected", false)]
    public void A_replica_is_unreached_where_no_voter_is_connected_to_it_and_none_holds_it_for_down(
        string first, string second, bool expected)
    {
        static SentinelObservation.Known Sees(int n, string flags) => Says(n, B) is SentinelObservation.Known seen
            ? seen with { View = seen.View with { Replicas = [new SentinelReplica { Address = C, Flags = flags, Priority = 100 }] } }
            : throw new InvalidOperationException();
        var agreed = Assert.IsType<SentinelQuorumDecision.Agreed>(
            SentinelQuorumPolicy.Decide([Sees(1, first), Sees(2, second), Says(3, B)], 3));
        Assert.Equal(expected, agreed.Unreached.Contains(C));
        Assert.Equal(first == "slave" || second == "slave", agreed.Promotable.Contains(C));
    }

    [Fact]
    public void Order_does_not_matter()
    {
        SentinelObservation[] all = [Says(1, C, 5), Says(2, B, 4), Says(3, B, 5), Dead(4), Says(5, B, 5, replicas: A)];
        var expected = SentinelQuorumPolicy.Decide(all, 5).Reason;
        foreach (var seed in Enumerable.Range(0, 50))
        {
            var shuffled = (SentinelObservation[])all.Clone();
            new Random(seed).Shuffle(shuffled);
            Assert.Equal(expected.Length, SentinelQuorumPolicy.Decide(shuffled, 5).Reason.Length);
            Assert.Equal(SentinelQuorumPolicy.Decide(all, 5).GetType(), SentinelQuorumPolicy.Decide(shuffled, 5).GetType());
        }
    }
}
