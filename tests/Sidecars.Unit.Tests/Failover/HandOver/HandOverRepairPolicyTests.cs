using Sidecars.Core.Topology;
using Sidecars.Failover.HandOver;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;
using static Sidecars.Unit.Tests.Failover.HandOver.HandOverFacts;

namespace Sidecars.Unit.Tests.Failover.HandOver;

public sealed class HandOverRepairPolicyTests
{
    private static readonly NodeLook PromotedB = ReplicaAt(B) with { Role = NodeRole.Master, MasterAddress = null, ReplicationId = NextStream, PreviousReplicationId = OldStream, MinReplicas = 0 };
    private static readonly NodeLook DemotedA = MasterA with { Role = NodeRole.Replica, MasterAddress = B };

    // B was promoted, A demoted, and Sentinel not told; seen from B.
    private static readonly HandOverSnapshot Untold = Lowered with { Own = Seen(PromotedB), Others = [Seen(DemotedA), Seen(ReplicaAt(C) with { Priority = 0 })] };

    // B was promoted and A still fenced; seen from A.
    private static readonly HandOverSnapshot HalfDone = Lowered.WithOwn(n => n with { MinReplicas = 99 }).WithOther(Seen(PromotedB));

    // A was demoted and B is dead; seen from A.
    private static readonly HandOverSnapshot Orphaned = Lowered with
    {
        Own = Seen(DemotedA),
        Others = [Gone(B), Seen(ReplicaAt(C) with { Priority = 0 })],
        Sentinels = AllName(A, Listed(B, flags: "slave,s_down"), Listed(C, 0)),
    };

    private static readonly Dictionary<string, HandOverSnapshot> Rows = new(StringComparer.Ordinal)
    {
        ["nothing-left"] = Whole,
        ["own-unknown"] = Whole with { Own = Gone(A) },
        ["tell-sentinel"] = Untold,
        ["tell-sentinel: the old one not linked yet"] = Untold.WithOther(A, n => n with { MasterLinkUp = false }),
        ["named-silent: the old one is gone"] = Untold.WithOther(Gone(A)),
        ["named-follows-another"] = Untold.WithOther(A, n => n with { MasterAddress = C }),
        ["other-lineage"] = Untold.WithOther(A, n => n with { ReplicationId = new string('9', 40) }),
        ["others-promotable"] = Untold.WithSentinel(2, Names(2, A, Listed(B), Listed(C))),
        ["not-demoted"] = Untold.WithOther(A, n => n with { Role = NodeRole.Master }),
        ["no-majority"] = Untold.WithSentinel(1, Dead(1)).WithSentinel(2, Dead(2)).WithOwn(n => n with { MinReplicas = 99 }),
        ["failover-in-progress"] = Untold.WithSentinel(1, Names(1, A, 7, "master,failover_in_progress", Listed(B))).WithOwn(n => n with { MinReplicas = 99 }),
        ["take-back"] = HalfDone,
        ["second-master: another stream"] = HalfDone.WithOther(B, n => n with { PreviousReplicationId = new string('9', 40) }),
        ["unfence"] = Lowered.WithOwn(n => n with { MinReplicas = 99 }),
        ["unfence: the target is gone"] = Lowered.WithOwn(n => n with { MinReplicas = 99 }).WithOther(Gone(B)),
        ["restore-min-replicas"] = Whole.WithOwn(n => n with { MinReplicas = 0 }),
        ["nothing-left: a person lowered the requirement while replicas are gone"] = Whole.WithOwn(n => n with { MinReplicas = 0, Attached = 0 }),
        ["nothing-left: another fence is not ours"] = Whole.WithOwn(n => n with { MinReplicas = 1_000_000 }),
        ["resume"] = Orphaned,
        ["target-not-down: a majority reaches it"] = Orphaned with { Sentinels = AllName(A, Listed(B), Listed(C, 0)) },
        ["target-unclear"] = Orphaned.WithOther(Garbled(B)),
        ["left-to-promoted"] = Orphaned.WithOther(Seen(PromotedB)),
        ["second-master: C"] = Orphaned.WithOther(C, n => n with { Role = NodeRole.Master }),
        ["restore-priority"] = FromC(Lowered),
        ["hand-over-under-way"] = FromC(Lowered.WithOwn(n => n with { MinReplicas = 99 })),
        ["named-no-master"] = FromC(Untold with { Own = Seen(DemotedA), Others = [Seen(PromotedB), Seen(ReplicaAt(C) with { Priority = 0 })] }),
        ["named-silent: seen from C"] = FromC(Lowered with { Own = Gone(A) }),
        ["nothing-left: a priority that is meant to be 0"] = FromC(Lowered) with { Settings = Three with { Priority = 0 } },
        ["nothing-left: a priority that nobody knows"] = FromC(Lowered) with { Settings = Three with { Priority = null } },
        ["unfence-replica"] = FromC(Lowered.WithOther(C, n => n with { MinReplicas = 99 })),
    };

    public static TheoryData<string> RowNames => [.. Rows.Keys.Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(RowNames))]
    public void What_is_left_of_a_hand_over_is_recognised_by_what_the_servers_say(string row)
    {
        var decision = HandOverRepairPolicy.Decide(new HandOverRepairFacts(Rows[row], Coordinator: false));
        Assert.True(row.Split(':')[0] == decision.Code, $"{decision.Code}: {decision.Reason}");
        Assert.NotEmpty(decision.Reason);
        Assert.Equal(decision.IsAct, decision.After > TimeSpan.Zero);
    }

    [Fact]
    public void Nothing_is_touched_beside_a_coordinator_that_lives()
    {
        foreach (var snapshot in (HandOverSnapshot[])[HalfDone, Orphaned, Lowered.WithOwn(n => n with { MinReplicas = 99 })])
            Assert.Equal("coordinator-alive", HandOverRepairPolicy.Decide(new HandOverRepairFacts(snapshot, Coordinator: true)).Code);
    }

    [Fact]
    public void Where_the_lock_cannot_be_asked_a_fence_stands_for_thirty_seconds() =>
        Assert.Equal(TimeSpan.FromSeconds(30), HandOverRepairPolicy.Decide(new HandOverRepairFacts(Lowered.WithOwn(n => n with { MinReplicas = 99 }), Coordinator: null)).After);

    [Fact]
    public void Sentinel_is_told_through_the_one_with_the_lowest_id() =>
        Assert.Equal(SentinelAt(1), Assert.IsType<HandOverRepairDecision.TellSentinel>(HandOverRepairPolicy.Decide(new HandOverRepairFacts(Untold with { Sentinels = [.. Untold.Sentinels.Reverse()] }, Coordinator: false))).Sentinel);

    private static HandOverSnapshot FromC(HandOverSnapshot s) => s with
    {
        Own = s.Others.First(o => o.Endpoint == C),
        Others = [s.Own, .. s.Others.Where(o => o.Endpoint != C)],
    };
}
