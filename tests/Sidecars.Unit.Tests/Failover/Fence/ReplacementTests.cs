using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Failover.Fence;
using static Sidecars.Unit.Tests.Failover.FailoverFacts;

namespace Sidecars.Unit.Tests.Failover.Fence;

public sealed class ReplacementTests
{
    private static readonly RedisEndpoint Sentinel = new("10.0.1.1", 26379);

    [Theory]
    [InlineData("wait_start", true, false)] // not elected yet
    [InlineData("select_slave", true, true)]
    [InlineData("select_slave", false, false)] // nobody to promote: aborted a tick later
    [InlineData("send_slaveof_noone", false, true)] // chosen already, whatever became of it
    [InlineData("wait_promotion", true, true)]
    [InlineData("reconf_slaves", true, true)]
    [InlineData("update_config", true, true)]
    public void A_failover_counts_from_the_election_on(string state, bool promotable, bool counts) =>
        Assert.Equal(counts, Replacement.Find([Says(state, promotable: promotable)], Me) is { State: var shown } && shown == state);

    [Fact]
    public void Where_no_state_is_shown_the_chosen_replica_is()
    {
        Assert.Null(Replacement.Find([Says("")], Me));
        Assert.NotNull(Replacement.Find([Says("", replicaFlags: "slave,promoted")], Me));
    }

    [Fact]
    public void Another_masters_failover_is_not_this_ones() =>
        Assert.Null(Replacement.Find([Says("wait_promotion", monitored: Other)], Me));

    [Fact]
    public void It_is_over_when_its_Sentinel_says_so_and_not_when_that_is_silent()
    {
        var running = Replacement.Find([Says("wait_promotion")], Me)!;
        Assert.False(running.IsOver([Says("wait_promotion")], Me));
        Assert.False(running.IsOver([new SentinelObservation.Unreachable(Sentinel, "cut off")], Me));
        Assert.False(running.IsOver([Says("", flags: "master", at: new RedisEndpoint("10.0.1.2", 26379))], Me));
        Assert.True(running.IsOver([Says("", flags: "master")], Me));
        Assert.True(running.IsOver([Says("reconf_slaves", monitored: Other)], Me));
    }

    [Fact]
    public void A_failover_or_o_down_of_this_master_is_a_doubt_and_one_to_it_is_none()
    {
        Assert.NotNull(Replacement.Doubt([Says("wait_start")], Me));
        Assert.NotNull(Replacement.Doubt([Says("", flags: "master,s_down,o_down")], Me));
        Assert.Null(Replacement.Doubt([Says("", flags: "master,s_down")], Me));
        Assert.Null(Replacement.Doubt([Says("reconf_slaves", monitored: Other)], Me));
    }

    private static SentinelObservation.Known Says(
        string state, RedisEndpoint? monitored = null, bool promotable = true, string flags = "master,failover_in_progress",
        string replicaFlags = "slave", RedisEndpoint? at = null) =>
        new(at ?? Sentinel, new SentinelView
        {
            MyId = new string('1', 40),
            Master =
                new SentinelMaster { Address = Me, Monitored = monitored ?? Me, Flags = flags, FailoverState = state, ConfigEpoch = 3 },
            Replicas = [new SentinelReplica { Address = Other, Priority = promotable ? 100 : 0, Flags = replicaFlags }],
        });
}
