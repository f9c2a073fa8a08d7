using System.Collections.Immutable;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;
using Sidecars.Failover.HandOver;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;

namespace Sidecars.Unit.Tests.Failover.HandOver;

/// <summary>A is master of B and C; three Sentinels name it in epoch 7; this process is beside A.</summary>
internal static class HandOverFacts
{
    public const string OldStream = "5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e";
    public const string NextStream = "6f6f6f6f6f6f6f6f6f6f6f6f6f6f6f6f6f6f6f6f";

    public static readonly HandOverSettings Three =
        new() { SentinelCount = 3, RedisCount = 3, DownAfter = TimeSpan.FromSeconds(5), MinReplicas = 1 };

    public static readonly NodeLook MasterA = new()
    {
        RunId = RunId(A),
        Announced = A,
        Role = NodeRole.Master,
        ReplicationId = OldStream,
        Offset = 1000,
        Priority = 100,
        MinReplicas = 1,
        MaxLag = 3,
        Attached = 2
    };

    public static NodeLook ReplicaAt(RedisEndpoint at, RedisEndpoint? of = null) => new()
    {
        RunId = RunId(at),
        Announced = at,
        Role = NodeRole.Replica,
        ReplicationId = OldStream,
        Offset = 990,
        MasterAddress = of ?? A,
        MasterLinkUp = true,
        Silence = TimeSpan.FromSeconds(1),
        Priority = 100,
        MinReplicas = 1,
        MaxLag = 3,
    };

    public static NodeObservation Seen(NodeLook node) => new NodeObservation.Known(node.Announced!, node);

    public static NodeObservation Gone(RedisEndpoint at) => new NodeObservation.Unreachable(at, "connection refused");

    public static NodeObservation Garbled(RedisEndpoint at) => new NodeObservation.Unknown(at, LoginRefused: true, "it answers NOPERM");

    public static SentinelReplica Listed(RedisEndpoint at, int priority = 100, string flags = "slave") =>
        new() { Address = at, Flags = flags, Priority = priority, MasterLinkStatus = "ok" };

    public static SentinelObservation Names(int n, RedisEndpoint master, params SentinelReplica[] replicas) =>
        Names(n, master, 7, "master", replicas);

    public static SentinelObservation Names(int n, RedisEndpoint master, long epoch, string flags, params SentinelReplica[] replicas) =>
        new SentinelObservation.Known(SentinelAt(n), new SentinelView
        {
            MyId = new string((char)('a' + n), 40),
            Master = new SentinelMaster { Address = master, ConfigEpoch = epoch, Flags = flags, RunId = RunId(master) },
            Replicas = [.. replicas],
        });

    public static ImmutableArray<SentinelObservation> AllName(RedisEndpoint master, params SentinelReplica[] replicas) =>
        [.. Enumerable.Range(1, 3).Select(n => Names(n, master, replicas))];

    public static readonly HandOverSnapshot Whole = new()
    {
        Settings = Three,
        Sentinels = AllName(A, Listed(B), Listed(C)),
        Own = Seen(MasterA),
        Others = [Seen(ReplicaAt(B)), Seen(ReplicaAt(C))],
    };

    /// <summary>C is never promoted: B is the only one that a flaw can leave without a target.</summary>
    public static readonly HandOverSnapshot OnlyB = Whole with
    {
        Sentinels = AllName(A, Listed(B), Listed(C, 0)),
        Others = [Seen(ReplicaAt(B)), Seen(ReplicaAt(C) with { Priority = 0 })],
    };

    /// <summary>A gives up for B in epoch 8.</summary>
    public static readonly GivingUp ForB = new(B, RunId(B), 8);

    public static HandOverSnapshot WithOwn(this HandOverSnapshot s, Func<NodeLook, NodeLook> change) =>
        s with { Own = Seen(change(((NodeObservation.Known)s.Own).View)) };

    public static HandOverSnapshot WithOther(this HandOverSnapshot s, RedisEndpoint at, Func<NodeLook, NodeLook> change) =>
        s with { Others = [.. s.Others.Select(o => o is NodeObservation.Known k && k.Address == at ? Seen(change(k.View)) : o)] };

    public static HandOverSnapshot WithOther(this HandOverSnapshot s, NodeObservation instead) =>
        s with { Others = [.. s.Others.Select(o => o.Endpoint == instead.Endpoint ? instead : o)] };

    public static HandOverSnapshot WithSentinel(this HandOverSnapshot s, int n, SentinelObservation instead) =>
        s with { Sentinels = s.Sentinels.SetItem(n - 1, instead) };
}
