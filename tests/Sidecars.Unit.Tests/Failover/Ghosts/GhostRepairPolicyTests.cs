using FsCheck;
using FsCheck.Fluent;
using Sidecars.Core.Sentinel;
using Sidecars.Failover.Ghosts;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;
using static Sidecars.Unit.Tests.Failover.Ghosts.GhostFacts;

namespace Sidecars.Unit.Tests.Failover.Ghosts;

public sealed class GhostRepairPolicyTests
{
    public static TheoryData<string> FlawNames => [.. Flaws.Keys.Order(StringComparer.Ordinal)];

    [Fact]
    public void Nothing_is_done_where_nobody_knows_more_than_there_should_be() =>
        Assert.IsType<GhostDecision.Nothing>(GhostRepairPolicy.Decide(Whole));

    [Fact]
    public void A_dead_Sentinel_is_no_ghost_and_no_refusal()
    {
        var s = Whole with { Sentinels = Whole.Sentinels.SetItem(2, Dead(3)) };
        foreach (var n in (int[])[1, 2])
            s = s.With(n, v => v with
            { Others = [.. v.Others.Select(o => o.MyId == Id(3) ? o with { Flags = "s_down,sentinel,disconnected" } : o)] });
        Assert.IsType<GhostDecision.Nothing>(GhostRepairPolicy.Decide(s));
    }

    [Fact]
    public void The_Sentinel_with_the_lowest_id_that_knows_a_ghost_is_reset_and_the_reason_names_the_ghost()
    {
        var reset = Assert.IsType<GhostDecision.Reset>(GhostRepairPolicy.Decide(Haunted(3, 2)));
        Assert.Equal((SentinelAt(2), Id(2)), (reset.Sentinel, reset.MyId));
        Assert.Equal("Sentinel 10.0.1.2:26379 knows Sentinel ffffffff at 10.0.1.99:26379, which is no longer there", reset.Reason);
    }

    [Fact]
    public void A_replica_that_is_gone_for_good_is_a_ghost_too()
    {
        var reset = Assert.IsType<GhostDecision.Reset>(
            GhostRepairPolicy.Decide(Whole.With(1, v => v with { Replicas = v.Replicas.Add(GhostReplica) })));
        Assert.Contains("replica 10.0.0.99:6379", reset.Reason, StringComparison.Ordinal);
    }

    // A Sentinel came back at its address with an id that the others knew elsewhere: they keep the id that it had before, and ping its
    // address.
    [Fact]
    public void An_id_that_another_Sentinel_has_replaced_at_its_address_is_a_ghost_though_it_answers_pings()
    {
        var replaced = new SentinelPeer { Address = SentinelAt(3), MyId = new string('9', 40), Flags = "sentinel" };
        var reset = Assert.IsType<GhostDecision.Reset>(
            GhostRepairPolicy.Decide(Whole.With(1, v => v with { Others = v.Others.Add(replaced) })));
        Assert.Equal("Sentinel 10.0.1.1:26379 knows Sentinel 99999999 at 10.0.1.3:26379, which is no longer there", reset.Reason);
    }

    [Theory]
    [InlineData(2, "sentinel")]
    [InlineData(99, "s_down,sentinel,disconnected")]
    public void A_Sentinel_that_lists_itself_has_a_ghost(int at, string flags)
    {
        var itself = new SentinelPeer { Address = SentinelAt(at), MyId = Id(2), Flags = flags };
        var reset = Assert.IsType<GhostDecision.Reset>(
            GhostRepairPolicy.Decide(Whole.With(2, v => v with { Others = v.Others.Add(itself) })));
        Assert.Equal(SentinelAt(2), reset.Sentinel);
    }

    // Valkey 9.1 keeps it after a failover by Sentinel; the order of flags is nobody's promise, nor is their number.
    [Theory]
    [InlineData("sentinel,master_down")]
    [InlineData("master_down,sentinel,some_new_flag")]
    public void What_a_peer_thinks_of_the_master_says_nothing_about_the_peer(string flags)
    {
        var haunted = Haunted(1, 2, 3);
        foreach (var n in (int[])[1, 2, 3])
            haunted = haunted.With(n, v => v with { Others = [.. v.Others.Select(o => o.Down ? o : o with { Flags = flags })] });
        Assert.IsType<GhostDecision.Reset>(GhostRepairPolicy.Decide(haunted));
        Assert.Equal(Print(Haunted(1, 2, 3)), Print(haunted));
    }

    [Theory]
    [MemberData(nameof(FlawNames))]
    public void Whatever_is_missing_or_contradicts_is_refused_by_name(string flaw)
    {
        var refuse = Assert.IsType<GhostDecision.Refuse>(GhostRepairPolicy.Decide(Flaws[flaw](Haunted(1, 2, 3))));
        Assert.Equal(flaw.Split(':')[0], refuse.Code);
    }

    [Fact]
    public void Only_the_sidecar_beside_the_master_acts()
    {
        Assert.IsType<GhostDecision.LeaveToMaster>(GhostRepairPolicy.Decide(Haunted(1) with { MyRunId = RunId(B) }));
        Assert.IsType<GhostDecision.LeaveToMaster>(GhostRepairPolicy.Decide(Haunted(1) with { MyRunId = "" }));
    }

    [Fact]
    public void Nothing_is_done_before_the_view_was_the_same_for_30_seconds()
    {
        var wait = Assert.IsType<GhostDecision.Wait>(GhostRepairPolicy.Decide(Haunted(1) with { UnchangedFor = TimeSpan.FromSeconds(29) }));
        Assert.Equal(TimeSpan.FromSeconds(1), wait.Remaining);
    }

    [Fact]
    public void The_fingerprint_changes_with_whatever_changes_and_not_with_the_order_of_answers()
    {
        var whole = Print(Haunted(1, 2, 3));
        Assert.Equal(whole,
            Print(Haunted(1, 2, 3) with { Sentinels = [.. Haunted(1, 2, 3).Sentinels.Reverse()], Nodes = [.. Whole.Nodes.Reverse()] }));
        Assert.NotEqual(whole, Print(Haunted(2, 3)));
        // The own view counts: a flaw that comes and goes within 30 s starts them anew.
        Assert.All(Flaws, flaw => Assert.NotEqual(whole, Print(flaw.Value(Haunted(1, 2, 3)))));
    }

    [Fact]
    public void What_is_down_may_flicker_between_connected_and_not() => Assert.Equal(
        Print(Haunted(1)),
        Print(Whole.With(1, v => v with { Others = v.Others.Add(Ghost with { Flags = "s_down,sentinel" }) })));

    // Any combination of flaws, ghosts, actors and times: a RESET only where no flaw is.
    [Fact]
    public void It_never_acts_unless_the_view_is_complete()
    {
        var flaws = Flaws.OrderBy(f => f.Key, StringComparer.Ordinal).Select(f => f.Value).ToArray();
        var script =
            from ghosts in Gen.Choose(0, 7)
            from chosen in Gen.Choose(0, flaws.Length - 1).ListOf(3)
            from count in Gen.Choose(0, 3)
            from mine in Gen.Elements(RunId(A), RunId(B))
            from seconds in Gen.Choose(0, 60)
            select (Ghosts: ghosts, Chosen: chosen.Take(count).Distinct().ToArray(), Mine: mine, Seconds: seconds);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(script.ToArbitrary(), x =>
        {
            var s = Haunted([.. Enumerable.Range(1, 3).Where(n => (x.Ghosts & (1 << (n - 1))) != 0)]) with
            { MyRunId = x.Mine, UnchangedFor = TimeSpan.FromSeconds(x.Seconds) };
            foreach (var flaw in x.Chosen) s = Apply(flaws[flaw], s);
            var acts = GhostRepairPolicy.Decide(s) is GhostDecision.Reset;
            return acts == (x.Chosen.Length == 0 && x.Ghosts != 0 && x.Mine == RunId(A) && x.Seconds >= 30);
        }));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void At_most_one_Sentinel_at_a_time_has_forgotten_the_others_whatever_fails_meanwhile(int seed) =>
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(150),
            Prop.ForAll(
                Gen.Choose(0, 9_999).ListOf(200).ToArbitrary(), async script => await GhostSimulation.RunAsync(seed, script) is null));

    [Fact]
    public async Task In_a_group_where_nothing_else_fails_every_ghost_goes_away()
    {
        var simulation = new GhostSimulation(seed: 7);
        for (var i = 0; i < 200; i++) await simulation.StepAsync(0);
        Assert.Null(simulation.Broken);
        Assert.Equal((3, 0), (simulation.Resets, simulation.GhostsLeft));
    }

    // A Sentinel that is gone can't be spoilt further.
    private static GhostSnapshot Apply(Func<GhostSnapshot, GhostSnapshot> flaw, GhostSnapshot s)
    {
        try
        {
            return flaw(s);
        }
        catch (Exception e) when (e is InvalidCastException or NullReferenceException)
        {
            return s;
        }
    }

    private static string Print(GhostSnapshot s) => GhostRepairPolicy.Fingerprint(s.Sentinels, s.Nodes);
}
