using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;
using Sidecars.Failover.HandOver;
using Sidecars.Failover.Strays;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;
using static Sidecars.Unit.Tests.Failover.HandOver.HandOverFacts;

namespace Sidecars.Unit.Tests.Failover.Strays;

public sealed class StrayReplicaPolicyTests
{
    // C follows B, which follows A; the Sentinels name A and list B alone. Seen from C.
    private static readonly StrayReplicaFacts Chain = new()
    {
        Group = Whole with { Sentinels = AllName(A, Listed(B)), Own = Seen(ReplicaAt(C, of: B)), Others = [Seen(MasterA)] },
        Address = C,
        StepDownRuns = false,
        StandingFor = StrayReplicaPolicy.Patience,
    };

    // A was promoted at offset 991 under another id, and C never heard of it.
    private static readonly StrayReplicaFacts Promoted = OfMaster(PromotedAt(991));

    private static readonly Dictionary<string, StrayReplicaFacts> Rows = new(StringComparer.Ordinal)
    {
        ["attach"] = Chain,
        ["attach: who it follows is dead, or another tenant's"] = Own(n => n with { MasterLinkUp = false, Silence = null }),
        ["attach: its own address, while another is named"] = Own(n => n with { MasterAddress = C, MasterLinkUp = false }),
        ["attach: everything before the promotion"] = Promoted,
        ["attach: a minority of Sentinels is lost"] = With(s => s.WithSentinel(3, Dead(3))),
        ["attach: a group of two"] = With(s => s with { Settings = Three with { RedisCount = 2 }, Sentinels = AllName(A) }),
        ["attach: Sentinels know the process, one not yet"] = With(s => s.WithSentinel(1, Retold(1, m => m with { RunId = "" }))),
        ["attach: an isolated master's fence"] = OfMaster(n => n with { MinReplicas = 1_000_000 }),
        ["not-yet"] = Chain with { StandingFor = StrayReplicaPolicy.Patience - TimeSpan.FromTicks(1) },

        ["own-unknown"] = With(s => s with { Own = Garbled(C) }),
        ["not-replica"] = Own(n => n with { Role = NodeRole.Master, MasterAddress = null }),
        ["follows-named"] = Own(n => n with { MasterAddress = A }),
        ["follows-named: no Sentinel answers"] = With(s => s with { Sentinels = [Dead(1), Mute(2), AsksPassword(3)] }),
        ["follows-named: a Sentinel is behind"] = Own(n => n with { MasterAddress = A }, s => s.WithSentinel(1, Names(1, B, 6, "master"))),
        ["named-itself"] = With(s => s with { Sentinels = AllName(C) }),
        ["listed: by one Sentinel"] = With(s => s.WithSentinel(2, Names(2, A, Listed(B), Listed(C)))),
        ["listed: unreachable from there"] = With(s => s.WithSentinel(2, Names(2, A, Listed(C, flags: "slave,s_down")))),
        ["listed: its process under another address"] = With(s => s.WithSentinel(2, Names(2, A, Listed(B) with { RunId = RunId(C) }))),
        ["listed: by one that distrusts its clock"] = With(s => s.WithSentinel(2, Says(2, A, 7, "master", true, C))),

        ["address-unknown"] = Chain with { Address = null },
        ["failing-over"] = With(s => s.WithSentinel(1, Names(1, A, 7, "master,failover_in_progress", Listed(B)))),
        ["split"] = With(s => s.WithSentinel(1, Names(1, B, 7, "master"))),
        ["epoch-spreading"] = With(s => s.WithSentinel(1, Names(1, B, 8, "master"))),
        ["epoch-spreading: one is behind"] = With(s => s.WithSentinel(1, Names(1, A, 6, "master"))),
        ["no-majority"] = With(s => s with { Sentinels = [s.Sentinels[0], Dead(2), Mute(3)] }),
        ["epoch-spreading: one alone knows the master"] = With(s => s with { Sentinels = [s.Sentinels[0], Says(2, null), Dead(3)] }),
        ["master-down"] = With(s => s.WithSentinel(1, Names(1, A, 7, "master,s_down", Listed(B)))),
        ["tilt"] = With(s => s.WithSentinel(1, Says(1, A, 7, "master", true, B)).WithSentinel(2, Says(2, A, 7, "master", true, B))),
        ["loading"] = Own(n => n with { Loading = true }),
        ["syncing"] = Own(n => n with { SyncInProgress = true, MasterLinkUp = false }),
        ["step-down"] = Chain with { StepDownRuns = true },
        ["step-down-unknown"] = Chain with { StepDownRuns = null },
        ["hand-over-fence"] = Own(n => n with { MinReplicas = HandOverLimits.Fence }),

        ["master-silent: unreachable"] = With(s => s with { Others = [Gone(A)] }),
        ["master-silent: another tenant's"] = With(s => s with { Others = [Garbled(A)] }),
        ["master-silent: not asked"] = With(s => s with { Others = [] }),
        ["named-is-replica"] = OfMaster(n => n with { Role = NodeRole.Replica, MasterAddress = B }),
        ["another-process"] = OfMaster(n => n with { RunId = new string('7', 40) }),
        ["another-process: Sentinels had no INFO of it yet"] =
            With(s => s with { Sentinels = [.. Enumerable.Range(1, 3).Select(n => Retold(n, m => m with { RunId = "" }))] }),
        ["another-process: Sentinels talk to two"] = With(s => s.WithSentinel(1, Retold(1, m => m with { RunId = new string('7', 40) }))),
        ["master-loading"] = OfMaster(n => n with { Loading = true }),
        ["master-hands-over"] = OfMaster(n => n with { MinReplicas = HandOverLimits.Fence }),
        ["master-hands-over: Redis' own"] = OfMaster(n => n with { FailingOver = true }),
        ["other-lineage"] = OfMaster(n => n with { ReplicationId = NextStream }),
        ["other-lineage: beyond the master"] = OfMaster(n => n with { Offset = 989 }),
        ["other-lineage: beyond the promotion"] = OfMaster(PromotedAt(990)),
        ["other-lineage: when the promotion was is not known"] = OfMaster(PromotedAt(null)),
        ["other-lineage: no id"] = Own(n => n with { ReplicationId = "" }, s => s.WithOther(A, n => n with { ReplicationId = "" })),
    };

    public static TheoryData<string> RowNames => [.. Rows.Keys.Order(StringComparer.Ordinal)];

    /// <summary>Every row's facts.</summary>
    internal static IEnumerable<StrayReplicaFacts> All => Rows.Values;

    [Theory]
    [MemberData(nameof(RowNames))]
    public void A_replica_that_no_Sentinel_knows_is_attached_only_where_nothing_is_lost_or_disturbed(string row)
    {
        var decision = StrayReplicaPolicy.Decide(Rows[row]);
        Assert.True(row.Split(':')[0] == decision.Code, $"{decision.Code}: {decision.Reason}");
        Assert.NotEmpty(decision.Reason);
        // What Sentinel, or nobody, has to see to is not counted as a refusal.
        string[] quiet = ["not-yet", "own-unknown", "not-replica", "follows-named", "named-itself", "listed"];
        Assert.Equal(quiet.Contains(decision.Code), decision is StrayReplicaDecision.Nothing);
    }

    [Fact]
    public void It_is_attached_to_the_named_master_within_the_history_that_was_looked_at()
    {
        var link = new StrayLink(RunId(C), B, A);
        var attach = Assert.IsType<StrayReplicaDecision.Attach>(StrayReplicaPolicy.Decide(Chain));
        Assert.Equal((link, OldStream, null), (attach.Link, attach.ReplicationId, attach.Below));
        attach = Assert.IsType<StrayReplicaDecision.Attach>(StrayReplicaPolicy.Decide(Promoted));
        Assert.Equal((link, OldStream, 991), (attach.Link, attach.ReplicationId, attach.Below));
    }

    [Fact]
    public void What_stands_is_the_process_whom_it_follows_and_the_master()
    {
        Assert.Equal(new StrayLink(RunId(C), B, A), StrayReplicaPolicy.Find(Chain.Group, C));
        // Whatever only a wait is for does not begin the time anew.
        Assert.NotNull(StrayReplicaPolicy.Find(Own(n => n with { Loading = true }).Group, C));
        Assert.Null(StrayReplicaPolicy.Find(Rows["listed: by one Sentinel"].Group, C));
        Assert.Null(StrayReplicaPolicy.Find(Rows["failing-over"].Group, C));
    }

    private static SentinelObservation Retold(int n, Func<SentinelMaster, SentinelMaster> change)
    {
        var known = (SentinelObservation.Known)Names(n, A, Listed(B));
        return known with { View = known.View with { Master = change(known.View.Master!) } };
    }

    private static StrayReplicaFacts With(Func<HandOverSnapshot, HandOverSnapshot> change) => Chain with { Group = change(Chain.Group) };

    private static StrayReplicaFacts Own(Func<NodeLook, NodeLook> change, Func<HandOverSnapshot, HandOverSnapshot>? more = null) =>
        With(s => (more ?? (same => same))(s.WithOwn(change)));

    private static Func<NodeLook, NodeLook> PromotedAt(long? offset) =>
        n => n with { ReplicationId = NextStream, PreviousReplicationId = OldStream, PreviousEnded = offset };

    private static StrayReplicaFacts OfMaster(Func<NodeLook, NodeLook> change) => With(s => s.WithOther(A, change));
}
