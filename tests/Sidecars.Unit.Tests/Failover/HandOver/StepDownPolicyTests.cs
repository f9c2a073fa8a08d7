using FsCheck;
using FsCheck.Fluent;
using Sidecars.Core.Primitives;
using Sidecars.Core.Succession;
using Sidecars.Core.Topology;
using Sidecars.Failover.HandOver;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;
using static Sidecars.Unit.Tests.Failover.HandOver.HandOverFacts;

namespace Sidecars.Unit.Tests.Failover.HandOver;

public sealed class StepDownPolicyTests
{
    private static readonly Dictionary<string, Func<HandOverSnapshot, HandOverSnapshot>> Flaws = new(StringComparer.Ordinal)
    {
        ["own-unknown: hangs"] = s => s with { Own = Garbled(A) },
        ["own-unknown: refused"] = s => s with { Own = Gone(A) },
        ["loading"] = s => s.WithOwn(n => n with { Loading = true }),
        ["failing-over"] = s => s.WithOwn(n => n with { FailingOver = true }),
        ["fence-off"] = s => s.WithOwn(n => n with { MaxLag = 0 }),
        ["fenced"] = s => s.WithOwn(n => n with { MinReplicas = 1_000_000 }),
        ["not-named"] = s => s with { Sentinels = AllName(B, Listed(A), Listed(C)) },
        ["seen-down"] = s => s.WithSentinel(2, Names(2, A, 7, "master,s_down", Listed(B), Listed(C, 0))),
        ["other-process"] = s => s.WithOwn(n => n with { RunId = RunId(C) }).WithOther(C, n => n with { RunId = RunId(A) }),
        ["failover-in-progress"] = s => s.WithSentinel(3, Names(3, A, 7, "master,failover_in_progress", Listed(B), Listed(C, 0))),
        ["sentinels-split"] = s => s.WithSentinel(3, Names(3, B, 7, "master", Listed(A))),
        ["no-majority: two dead"] = s => s.WithSentinel(1, Dead(1)).WithSentinel(2, Dead(2)),
        ["no-majority: two ask for a password"] = s => s.WithSentinel(1, AsksPassword(1)).WithSentinel(2, AsksPassword(2)),
        ["no-majority: higher epoch at one"] = s => s.WithSentinel(3, Names(3, B, 8, "master", Listed(A))),
        ["second-master"] = s => s.WithOther(C, n => n with { Role = NodeRole.Master, MasterAddress = null }),
        ["no-target: the only one is gone"] = s => s.WithOther(Gone(B)),
        ["no-replica"] = s => (s with { Sentinels = AllName(A, Listed(B, flags: "slave,s_down"), Listed(C, 0, "slave,s_down")) })
            .WithOther(Gone(B)).WithOther(Gone(C)),
        ["no-target: priority"] =
            s => (s with { Sentinels = AllName(A, Listed(B, 0), Listed(C, 0)) }).WithOther(B, n => n with { Priority = 0 }),
        ["no-target: link"] = s => s.WithOther(B, n => n with { MasterLinkUp = false, Silence = null }),
        ["no-target: syncing"] = s => s.WithOther(B, n => n with { SyncInProgress = true }),
        ["no-target: loading"] = s => s.WithOther(B, n => n with { Loading = true }),
        ["target-rewrites"] = s => s.WithOther(B, n => n with { Rewriting = true }),
        ["no-target: another stream"] = s => s.WithOther(B, n => n with { ReplicationId = NextStream }),
        ["no-target: silent"] = s => s.WithOther(B, n => n with { Silence = TimeSpan.FromSeconds(6) }),
        ["no-target: far behind"] = s => s.WithOwn(n => n with { Offset = 1L << 30 }),
        ["no-target: can't be fenced"] = s => s.WithOther(B, n => n with { MaxLag = 0 }),
        ["no-target: a Sentinel sees it down"] = s => s.WithSentinel(2, Names(2, A, Listed(B, flags: "slave,s_down"), Listed(C, 0))),
        ["no-target: a Sentinel does not know it"] = s => s.WithSentinel(2, Names(2, A, Listed(C, 0))),
        ["no-target: at no configured address"] = s => s with { Configured = [A, C, new RedisEndpoint("10.0.0.9", 6379)] },
        ["target-unknown"] = s => s with { Wanted = new RedisEndpoint("10.0.0.9", 6379) },
        ["target-unknown: it follows another"] = s => (s with { Wanted = B }).WithOther(B, n => n with { MasterAddress = C }),
    };

    public static TheoryData<string> FlawNames => [.. Flaws.Keys.Order(StringComparer.Ordinal)];

    [Fact]
    public void A_replica_has_nothing_to_hand_over()
    {
        var nothing = Assert.IsType<StepDownDecision.Nothing>(
            StepDownPolicy.Decide(Whole with { Own = Seen(ReplicaAt(B)), Others = [Seen(MasterA), Seen(ReplicaAt(C))] }));
        Assert.Equal("10.0.0.2:6379 is a replica of 10.0.0.1:6379", nothing.Reason);
    }

    [Fact]
    public void The_best_replica_is_next_and_all_others_are_to_follow_it()
    {
        var plan = Planned(Whole.WithOther(B, n => n with { Offset = 995 }));
        Assert.Equal((A, RunId(A), OldStream, 7L, 1), (plan.Master, plan.MasterRunId, plan.ReplicationId, plan.Epoch, plan.MinReplicas));
        Assert.Equal(new SuccessionNode(B, B, RunId(B)), plan.Target);
        Assert.Equal([new SuccessionNode(C, C, RunId(C))], plan.Others.AsEnumerable());
        Assert.Empty(plan.OutOfReach);
        Assert.Equal([SentinelAt(1), SentinelAt(2), SentinelAt(3)], plan.Sentinels.AsEnumerable());
        Assert.Equal(TimeSpan.FromSeconds(3), plan.Pause);
    }

    [Fact]
    public void A_server_from_outside_is_never_next_nor_led_to_the_next_master()
    {
        var outside = new RedisEndpoint("10.9.9.9", 6379);
        var s = Whole with
        {
            Sentinels = AllName(A, Listed(B), Listed(C), Listed(outside)),
            Others = [.. Whole.Others, Seen(ReplicaAt(outside) with { Priority = 1 })],
            Configured = [A, B, C],
        };
        var plan = Planned(s);
        Assert.Equal((B, C), (plan.Target.Address, Assert.Single(plan.Others).Address));
        Assert.Equal("no-target", StepDownPolicy.Decide(s with { Wanted = outside }).Code);
        // A name that does not resolve: Sentinel's list may hold a node that only it knows.
        Assert.Equal(outside, Planned(s with { Configured = [A, B] }).Target.Address);
    }

    [Fact]
    public void A_node_is_asked_where_it_was_found_and_announced_by_its_address()
    {
        var found = new RedisEndpoint("172.16.0.2", 6379);
        var s = Whole with { Others = [new NodeObservation.Known(found, ReplicaAt(B)), Seen(ReplicaAt(C))], Wanted = B };
        Assert.Equal(new SuccessionNode(found, B, RunId(B)), Planned(s).Target);
        Assert.Equal(B, Planned(s with { Wanted = found }).Target.Address);
    }

    [Fact]
    public void A_target_that_rewrites_its_AOF_is_the_last_choice_and_taken_in_the_end()
    {
        var rewriting = Whole.WithOther(B, n => n with { Rewriting = true });
        Assert.Equal(C, Planned(rewriting).Target.Address);
        var both = rewriting.WithOther(C, n => n with { Rewriting = true });
        Assert.Equal("target-rewrites", Assert.IsType<StepDownDecision.Wait>(StepDownPolicy.Decide(both)).Code);
        Assert.Equal(B, Planned(both with { AcceptsRewriting = true }).Target.Address);
    }

    [Fact]
    public void A_replica_that_is_out_of_reach_stands_in_nobodys_way_and_is_named_for_whoever_must_ask_a_Sentinel()
    {
        foreach (var silent in (NodeObservation[])[Gone(C), Garbled(C)])
        {
            var plan = Planned(Whole.WithOther(silent));
            Assert.Equal((B, 0), (plan.Target.Address, plan.Others.Length));
            Assert.Equal([C], plan.OutOfReach.AsEnumerable());
        }

        // No Sentinel would choose it: it is down for all of them, or never promoted.
        Assert.Empty(Planned(
            (Whole with { Sentinels = AllName(A, Listed(B), Listed(C, 100, "slave,s_down,disconnected")) }).WithOther(Gone(C))).OutOfReach);
        Assert.Empty(Planned(OnlyB.WithOther(Gone(C))).OutOfReach);
        // One that follows another master is out of reach as well.
        Assert.Equal([C], Planned(Whole.WithOther(C, n => n with { MasterAddress = B })).OutOfReach.AsEnumerable());
        // terminating, which no Sentinel knows yet
        Assert.Equal([C], Planned(Whole.WithOther(C, n => n with { Priority = 0 })).OutOfReach.AsEnumerable());
    }

    [Fact]
    public void The_fence_that_a_dead_coordinator_left_is_not_taken_for_the_configured_value() =>
        Assert.Equal(1, Planned(Whole.WithOwn(n => n with { MinReplicas = HandOverLimits.Fence })).MinReplicas);

    [Theory]
    [MemberData(nameof(FlawNames))]
    public void Whatever_is_missing_or_against_it_stops_it_by_name(string flaw)
    {
        var decision = StepDownPolicy.Decide(Flaws[flaw](OnlyB));
        Assert.Equal(flaw.Split(':')[0], decision.Code);
        Assert.True(decision is StepDownDecision.Wait or StepDownDecision.Refuse, decision.GetType().Name);
        Assert.NotEmpty(decision.Reason);
    }

    [Theory]
    [InlineData(1000, null)]
    [InlineData(3000, null)]
    [InlineData(3500, 1500)]
    [InlineData(5000, 3000)]
    [InlineData(60000, 3000)]
    public void A_pause_ends_two_seconds_before_down_after_and_there_is_none_at_three_or_less(int downAfter, int? pause)
    {
        var expected = pause is { } p ? TimeSpan.FromMilliseconds(p) : (TimeSpan?)null;
        Assert.Equal(expected, HandOverLimits.Pause(TimeSpan.FromMilliseconds(downAfter)));
    }

    [Fact]
    public void The_better_priority_goes_before_the_higher_offset_and_the_choice_does_not_depend_on_the_order()
    {
        var s = Whole.WithOther(B, n => n with { Offset = 999 }).WithOther(C, n => n with { Priority = 50 });
        foreach (var one in (HandOverSnapshot[])[s, s with { Others = [.. s.Others.Reverse()] }])
            Assert.Equal(C, Planned(one).Target.Address);
        Assert.Equal(B, Planned(s with { Wanted = B }).Target.Address);
        var alike = Whole with { Others = [.. Whole.Others.Reverse()] };
        Assert.Equal(B, Planned(alike).Target.Address);
    }

    [Fact]
    public void With_any_two_flaws_nothing_is_handed_over()
    {
        var flaws = Flaws.Values.ToArray();
        Prop.ForAll(
            Gen.Choose(0, flaws.Length - 1).Two().ToArbitrary(),
            pair => StepDownPolicy.Decide(flaws[pair.Item1](Try(flaws[pair.Item2], OnlyB))) is not StepDownDecision.HandOver)
            .QuickCheckThrowOnFailure();

        // Some flaws can't be combined: what they change is gone already.
        static HandOverSnapshot Try(Func<HandOverSnapshot, HandOverSnapshot> flaw, HandOverSnapshot s) => s.Own is NodeObservation.Known
            ? flaw(s) with { Own = flaw(s).Own is NodeObservation.Known ? flaw(s).Own : s.Own, Sentinels = flaw(s).Sentinels }
            : s;
    }

    private static StepDownPlan Planned(HandOverSnapshot s) => Assert.IsType<StepDownDecision.HandOver>(StepDownPolicy.Decide(s)).Plan;
}
