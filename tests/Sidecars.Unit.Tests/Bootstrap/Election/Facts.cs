using System.Collections.Immutable;
using Sidecars.Bootstrap.Election;
using Sidecars.Core.Election;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;

namespace Sidecars.Unit.Tests.Bootstrap.Election;

/// <summary>Short names for the facts that tables are written in: node A is 10.0.0.1, B is .2, C is .3; Sentinels are 10.0.1.x.</summary>
internal static class Facts
{
    public static readonly RedisEndpoint A = new("10.0.0.1", 6379);
    public static readonly RedisEndpoint B = new("10.0.0.2", 6379);
    public static readonly RedisEndpoint C = new("10.0.0.3", 6379);

    public static RedisEndpoint SentinelAt(int n) => new($"10.0.1.{n}", 26379);

    public static string RunId(RedisEndpoint node) => node.Host.PadLeft(40, '0');

    public static SentinelObservation Says(
        int n, RedisEndpoint? master, long epoch = 1, string flags = "master", bool tilt = false, params RedisEndpoint[] replicas) =>
        new SentinelObservation.Known(SentinelAt(n), new SentinelView
        {
            MyId = new string((char)('a' + n), 40),
            Tilt = tilt,
            Master = master is { } address
                ? new SentinelMaster { Address = address, ConfigEpoch = epoch, Flags = flags, RunId = RunId(address) }
                : null,
            Replicas = [.. replicas.Select(r => new SentinelReplica { Address = r, Flags = "slave", Priority = 100 })],
        });

    public static SentinelObservation Dead(int n) => new SentinelObservation.Unreachable(SentinelAt(n), "connection refused");

    public static SentinelObservation Mute(int n) => new SentinelObservation.Unknown(SentinelAt(n), "no answer within 1s");

    public static SentinelObservation AsksPassword(int n) =>
        new SentinelObservation.Unknown(SentinelAt(n), "it answers NOAUTH Authentication required.");

    public static NodeObservation Master(RedisEndpoint at, string? runId = null) =>
        new NodeObservation.Known(at, new NodeLook { RunId = runId ?? RunId(at), Role = NodeRole.Master, Keys = 100 });

    public static NodeObservation Replica(RedisEndpoint at, RedisEndpoint of, bool linkUp = false, bool syncing = false) =>
        new NodeObservation.Known(at, new NodeLook
        { RunId = RunId(at), Role = NodeRole.Replica, MasterAddress = of, MasterLinkUp = linkUp, SyncInProgress = syncing });

    public static NodeObservation Down(RedisEndpoint at) => new NodeObservation.Unreachable(at, "connection refused");

    public static NodeObservation Foreign(RedisEndpoint at) => new NodeObservation.Unknown(at, LoginRefused: true, "WRONGPASS");

    public static NodeObservation Hangs(RedisEndpoint at) =>
        new NodeObservation.Unknown(at, LoginRefused: false, "no answer within 1s");

    public static CandidateEvidence Evidence(RedisEndpoint at, DataState data = DataState.Present, long bytes = 1000, bool live = true) =>
        new()
        {
            Node = "redis-" + at.Host[^1],
            Uid = "uid-" + at.Host[^1],
            Incarnation = "run-" + at.Host[^1],
            Address = at,
            Data = data,
            DataBytes = data == DataState.Present ? bytes : 0,
            Live = live
        };

    public static ElectionObservation ElectionOf(long term, params CandidateEvidence[] evidence) =>
        new ElectionObservation.Known(
            new ElectionView { Record = new ElectionRecord { Term = term }, Version = "v", Evidence = [.. evidence] });

    public static ElectionObservation Candidate(long term, CandidateEvidence candidate, params CandidateEvidence[] evidence) =>
        new ElectionObservation.Known(new ElectionView
        {
            Record = new ElectionRecord
            {
                Term = term,
                Candidate = candidate.Node,
                CandidateUid = candidate.Uid,
                CandidateIncarnation = candidate.Incarnation,
                CandidateAddress = candidate.Address
            },
            Version = "v",
            CandidateAlive = true,
            Evidence = [.. evidence],
        });

    /// <summary>Node A starts; three of each kind are configured.</summary>
    public static BootstrapSnapshot StartingA(
        ImmutableArray<SentinelObservation> sentinels, ImmutableArray<NodeObservation> peers, ElectionObservation? election = null) =>
        new()
        {
            Me = Evidence(A),
            RedisCount = 3,
            SentinelCount = 3,
            Durability = Durability.Aof,
            Sentinels = sentinels,
            Peers = peers,
            Election = election,
        };
}
