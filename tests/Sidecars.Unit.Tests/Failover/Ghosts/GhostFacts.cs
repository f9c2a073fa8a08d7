using System.Collections.Immutable;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;
using Sidecars.Failover.Ghosts;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;

namespace Sidecars.Unit.Tests.Failover.Ghosts;

/// <summary>A whole group, three and three, master A in epoch 7, of which every Sentinel knows everybody; and ways to spoil it.</summary>
internal static class GhostFacts
{
    public static readonly SentinelPeer Ghost =
        new() { Address = SentinelAt(99), MyId = new string('f', 40), Flags = "s_down,sentinel,disconnected" };

    public static readonly SentinelReplica GhostReplica =
        new() { Address = new RedisEndpoint("10.0.0.99", 6379), Flags = "s_down,slave,disconnected", MasterLinkStatus = "err" };

    /// <summary>Everything is as it should be, and has been for long enough.</summary>
    public static GhostSnapshot Whole => new()
    {
        RedisCount = 3,
        SentinelCount = 3,
        Sentinels = [.. Enumerable.Range(1, 3).Select(Sees)],
        Nodes = [Master(A), Replica(B, A, linkUp: true), Replica(C, A, linkUp: true)],
        MyRunId = RunId(A),
        UnchangedFor = GhostRepairPolicy.Settle,
    };

    /// <summary>As <see cref="Whole"/>, and these Sentinels (1..3) know the ghost.</summary>
    public static GhostSnapshot Haunted(params int[] sentinels) =>
        sentinels.Aggregate(Whole, (s, n) => s.With(n, v => v with { Others = v.Others.Add(Ghost) }));

    /// <summary>Changes what one Sentinel (1..3) says.</summary>
    public static GhostSnapshot With(this GhostSnapshot s, int n, Func<SentinelView, SentinelView> change)
    {
        var known = (SentinelObservation.Known)s.Sentinels[n - 1];
        return s with { Sentinels = s.Sentinels.SetItem(n - 1, known with { View = change(known.View) }) };
    }

    /// <summary>Changes what one Sentinel (1..3) says of the master.</summary>
    public static GhostSnapshot WithMaster(this GhostSnapshot s, int n, Func<SentinelMaster, SentinelMaster> change) =>
        s.With(n, v => v with { Master = change(v.Master!) });

    /// <summary>Changes one Redis (0: the master).</summary>
    public static GhostSnapshot WithNode(this GhostSnapshot s, int n, NodeObservation node) => s with { Nodes = s.Nodes.SetItem(n, node) };

    public static SentinelObservation.Known Sees(int n) => new(SentinelAt(n), new SentinelView
    {
        MyId = Id(n),
        Master =
            new SentinelMaster { Address = A, ConfigEpoch = 7, Flags = "master", RoleReported = "master", RunId = RunId(A), Quorum = 2 },
        Others = [.. Enumerable.Range(1, 3).Where(other => other != n)
            .Select(other => new SentinelPeer { Address = SentinelAt(other), MyId = Id(other), Flags = "sentinel" })],
        Replicas = [Alive(B), Alive(C)],
    });

    public static string Id(int n) => new((char)('a' + n), 40);

    private static SentinelReplica Alive(RedisEndpoint at) =>
        new() { Address = at, Flags = "slave", MasterLinkStatus = "ok", Priority = 100 };

    /// <summary>Everything that makes a view incomplete or contradictory, with the code of the refusal (before the colon).</summary>
    public static ImmutableDictionary<string, Func<GhostSnapshot, GhostSnapshot>> Flaws { get; } =
        new Dictionary<string, Func<GhostSnapshot, GhostSnapshot>>
        {
            ["sentinels-missing"] = s => s with { Sentinels = s.Sentinels.SetItem(1, Dead(2)) },
            ["sentinel-unknown"] = s => s with { Sentinels = s.Sentinels.SetItem(1, AsksPassword(2)) },
            ["sentinels-too-many"] = s => s with
            { Sentinels = s.Sentinels.Add(new SentinelObservation.Known(SentinelAt(4), Sees(3).View with { MyId = Id(4) })) },
            ["sentinel-id-twice"] = s => s.With(2, v => v with { MyId = Id(1) }),
            ["no-master"] = s => s.With(2, v => v with { Master = null }),
            ["tilt"] = s => s.With(2, v => v with { Tilt = true }),
            ["failover-in-progress"] = s => s.WithMaster(2, m => m with { Flags = "master,failover_in_progress" }),
            ["master-not-healthy: down"] = s => s.WithMaster(3, m => m with { Flags = "s_down,master" }),
            ["master-not-healthy: role"] = s => s.WithMaster(3, m => m with { RoleReported = "slave" }),
            ["sentinels-disagree: epoch"] = s => s.WithMaster(2, m => m with { ConfigEpoch = 8 }),
            ["sentinels-disagree: address"] = s => s.WithMaster(2, m => m with { Address = B }),
            ["sentinels-disagree: run id"] = s => s.WithMaster(2, m => m with { RunId = RunId(B) }),
            ["redis-unknown"] = s => s.WithNode(1, Hangs(B)),
            ["replicas-missing"] = s => s.WithNode(1, Down(B)),
            ["master-not-confirmed: dead"] = s => s.WithNode(0, Down(A)),
            ["master-not-confirmed: two"] = s => s.WithNode(1, Master(B)),
            ["master-not-confirmed: restarted"] = s => s.WithNode(0, Master(A, runId: new string('9', 40))),
            ["replica-not-in-sync: link"] = s => s.WithNode(2, Replica(C, A, linkUp: false)),
            ["replica-not-in-sync: syncing"] = s => s.WithNode(2, Replica(C, A, linkUp: true, syncing: true)),
            ["replica-not-in-sync: other master"] = s => s.WithNode(2, Replica(C, B, linkUp: true)),
            ["peer-not-seen: unknown"] = s => s.With(1, v => v with { Others = [.. v.Others.Where(o => o.MyId != Id(3))] }),
            ["peer-not-seen: down"] = s => s.With(
                1, v => v with { Others = [.. v.Others.Select(o => o.MyId == Id(3) ? o with { Flags = "s_down,sentinel" } : o)] }),
            ["replica-not-seen: unknown"] = s => s.With(2, v => v with { Replicas = [.. v.Replicas.Where(r => r.Address != C)] }),
            ["replica-not-seen: link"] = s => s.With(
                2, v => v with { Replicas = [.. v.Replicas.Select(r => r.Address == C ? r with { MasterLinkStatus = "err" } : r)] }),
            ["extra-sentinel-alive"] = s => s.With(
                3, v => v with { Others = v.Others.Add(Ghost with { MyId = new string('e', 40), Flags = "sentinel" }) }),
            ["extra-replica-alive"] = s => s.With(3, v => v with
            { Replicas = v.Replicas.Add(GhostReplica with { Address = new RedisEndpoint("10.0.0.98", 6379), Flags = "slave" }) }),
        }.ToImmutableDictionary();
}
