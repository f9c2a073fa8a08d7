using FsCheck;
using FsCheck.Fluent;
using Sidecars.Probe.Policy;

namespace Sidecars.Unit.Tests.Probe;

public sealed class SentinelTallyTests
{
    [Fact]
    public void One_id_has_one_vote_and_agreement_weighs_more()
    {
        var tally = new SentinelTally(3);
        tally.Add("a", isTilt: false, "10.0.0.2:6379", agrees: false);
        tally.Add("a", isTilt: false, "10.0.0.3:6379", agrees: false);
        Assert.Equal((0, 1, "10.0.0.2:6379"), (tally.Votes.Agreeing, tally.Votes.Contradicting, tally.Votes.Other));
        tally.Add("a", isTilt: false, "10.0.0.1:6379", agrees: true);
        tally.Add("a", isTilt: false, "10.0.0.2:6379", agrees: false);
        Assert.Equal((1, 0), (tally.Votes.Agreeing, tally.Votes.Contradicting));
    }

    [Fact]
    public void Without_id_master_or_a_clock_it_trusts_a_sentinel_has_no_vote()
    {
        var tally = new SentinelTally(1);
        tally.Add(null, isTilt: false, "10.0.0.2:6379", agrees: false);
        tally.Add("a", isTilt: true, "10.0.0.2:6379", agrees: false);
        tally.Add("b", isTilt: false, null, agrees: false);
        Assert.Equal((0, 0, 1), (tally.Votes.Agreeing, tally.Votes.Contradicting, tally.Needed));
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 1)]
    [InlineData(3, 2)]
    [InlineData(4, 2)]
    [InlineData(5, 3)]
    public void So_many_that_agree_leave_no_majority_to_contradict(int expected, int needed) =>
        Assert.Equal(needed, new SentinelTally(expected).Needed);

    [Fact]
    public void Settled_means_that_no_further_vote_changes_the_verdict()
    {
        // Each vote: an id of few, and an opinion. Ids that hold two opinions are left out here: they may still change sides.
        Prop.ForAll<byte[], byte>((votes, size) =>
        {
            var expected = (size % 7) + 1;
            var opinions = (votes ?? []).Select(vote => (Id: vote / 2 % expected, Agrees: vote % 2 == 0)).DistinctBy(vote => vote.Id);
            var tally = new SentinelTally(expected);
            bool? settled = null;
            foreach (var (id, agrees) in opinions)
            {
                tally.Add(id.ToString(System.Globalization.CultureInfo.InvariantCulture), isTilt: false, "x", agrees);
                if (settled is not null && tally.Votes.IsContradicted != settled) return false;
                if (tally.Needed == 0) settled ??= tally.Votes.IsContradicted;
            }

            return tally.Votes.Agreeing + tally.Votes.Contradicting <= expected;
        }).QuickCheckThrowOnFailure();
    }
}
