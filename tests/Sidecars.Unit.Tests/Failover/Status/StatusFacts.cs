using Sidecars.Core.Election;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;
using Sidecars.Failover.HandOver;
using Sidecars.Failover.Publish;
using Sidecars.Failover.Publish.Addresses;
using Sidecars.Failover.Status;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;
using static Sidecars.Unit.Tests.Failover.HandOver.HandOverFacts;

namespace Sidecars.Unit.Tests.Failover.Status;

/// <summary>
/// Groups as <c>status</c> may find them, by the code of the finding that they are for; what follows a colon tells cases apart.
/// </summary>
internal static class StatusFacts
{
    public static readonly StatusSnapshot Healthy = Snapshot(Peered(Whole));

    public static readonly SentinelObservation Hanging = new SentinelObservation.Unknown(
        SentinelAt(3), "10.0.1.3:26379: no answer within the deadline.")
    { Failure = RedisFailure.TimedOut };

    public static readonly SentinelObservation WrongPassword =
        new SentinelObservation.Unknown(SentinelAt(3), "it answers NOAUTH Authentication required.") { LoginRefused = true };

    public static readonly NodeObservation HangingC = new NodeObservation.Unknown(
        C, LoginRefused: false, "10.0.0.3:6379: no answer within the deadline.")
    { Failure = RedisFailure.TimedOut };

    /// <summary>Sentinels 1 and 2 are gone; the third does not matter.</summary>
    public static readonly StatusSnapshot NoMajority = On(s => s.WithSentinel(1, Dead(1)).WithSentinel(2, Dead(2)));

    public static readonly Dictionary<string, StatusSnapshot> Disagreements = new(StringComparer.Ordinal)
    {
        ["master-down"] = On(s => s.WithSentinel(2, Peer(Names(2, A, 7, "master,s_down", Listed(B), Listed(C))))),
        ["failover-in-progress"] = On(s => s.WithSentinel(2, Peer(Names(2, A, 7, "master,failover_in_progress", Listed(B), Listed(C))))),
        ["epoch-spreading"] = On(s => s.WithSentinel(2, Peer(Names(2, B, 8, "master", Listed(A), Listed(C))))),
        ["sentinels-split"] = On(s => s.WithSentinel(2, Peer(Names(2, B, 7, "master", Listed(A), Listed(C))))),
        ["no-majority"] = NoMajority,
        ["no-master"] = On(s => s with { Sentinels = [Says(1, null), Says(2, null), Says(3, null)] }),
        ["sentinel-unreachable"] = On(s => s.WithSentinel(3, Dead(3))),
        ["sentinel-timed-out"] = On(s => s.WithSentinel(3, Hanging)),
        ["sentinel-login-refused"] = On(s => s.WithSentinel(3, WrongPassword)),
        ["sentinel-unusable"] =
            On(s => s.WithSentinel(3, new SentinelObservation.Unknown(SentinelAt(3), "its SENTINEL MYID can't be read"))),
        ["sentinel-unusable: no TLS"] =
            On(s => s.WithSentinel(3, new SentinelObservation.Unknown(SentinelAt(3), "no TLS") { Failure = RedisFailure.Tls })),
        ["sentinel-tilt"] = On(s => s.WithSentinel(3, Peer(Says(3, A, 7, "master", true, B, C)))),
        ["sentinel-without-master"] = On(s => s.WithSentinel(3, Says(3, null))),
        ["led-away"] = On(s => s with
        { Sentinels = [.. AllName(new RedisEndpoint("10.9.9.9", 6379), Listed(A), Listed(B), Listed(C)).Select(o => Peer(o))] })
            with
        { Record = ElectionOf(2, Evidence(A), Evidence(B), Evidence(C)) },
        ["foreign-replica"] = On(s => s with
        { Sentinels = [.. AllName(A, Listed(B), Listed(C), Listed(new RedisEndpoint("10.9.9.9", 6379))).Select(o => Peer(o))] })
            with
        { Record = ElectionOf(2, Evidence(A), Evidence(B), Evidence(C)) },
        ["ghost-sentinels"] = On(s => s.WithSentinel(3, Peer(Names(3, A, Listed(B), Listed(C)), others: 3))),
        ["sentinels-not-met"] = On(s => s.WithSentinel(3, Peer(Names(3, A, Listed(B), Listed(C)), others: 1))),
        ["replicas-not-seen"] = On(s => s.WithSentinel(3, Peer(Names(3, A, Listed(B), Listed(C, flags: "slave,s_down"))))),
        ["sentinels-missing"] = On(s => s with { Sentinels = s.Sentinels[..2] }),
        ["redis-unreachable"] = On(s => s.WithOther(Gone(C))),
        ["redis-timed-out"] = On(s => s.WithOther(HangingC)),
        ["redis-login-refused"] = On(s => s.WithOther(Garbled(C))),
        ["redis-unusable"] = On(s => s.WithOther(new NodeObservation.Unknown(C, LoginRefused: false, "its CONFIG GET lacks a setting"))),
        ["redis-waiting"] = Waiting(),
        ["redis-missing"] = On(s => s with { Others = s.Others[..1] }),
        ["several-masters"] = On(s => s.WithOther(C, n => n with { Role = NodeRole.Master, MasterAddress = null })),
        ["named-is-replica"] = On(s => s.WithOwn(n => n with { Role = NodeRole.Replica, MasterAddress = B })),
        ["another-process"] = On(s => s.WithOwn(n => n with { RunId = new string('7', 40) })),
        ["follows-another"] = On(s => s.WithOther(C, n => n with { MasterAddress = B })),
        ["stray-replica"] =
            On(s => s.WithOther(C, n => n with { MasterAddress = B }) with { Sentinels = [.. AllName(A, Listed(B)).Select(o => Peer(o))] }),
        ["syncing"] = On(s => s.WithOther(C, n => n with { SyncInProgress = true, MasterLinkUp = false })),
        ["link-down"] = On(s => s.WithOther(C, n => n with { MasterLinkUp = false })),
        ["loading"] = On(s => s.WithOther(C, n => n with { Loading = true })),
        ["fence-off"] = On(s => s.WithOwn(n => n with { MaxLag = 0 })),
        ["hand-over-fence"] = On(s => s.WithOwn(n => n with { MinReplicas = 99 })),
        ["fenced"] = On(s => s.WithOwn(n => n with { MinReplicas = WriteFence.MinReplicas })),
        ["fenced-by-hand"] = On(s => s.WithOwn(n => n with { MinReplicas = 9999 })),
        ["writes-refused"] = On(s => s.WithOwn(n => n with { Attached = 0 })),
        ["requirement-low"] = On(s => s.WithOwn(n => n with { MinReplicas = 0 })),
        ["ghost-replicas"] = On(s => s with
        {
            Others = [.. s.Others, Gone(D)],
            Sentinels = [.. AllName(A, Listed(B), Listed(C), Listed(D, flags: "slave,s_down")).Select(o => Peer(o))]
        }),
        ["place-unreadable"] = Healthy with { Places = [new PlaceReading.Failed("route53", "Throttled: rate exceeded")] },
        ["place-empty"] = Healthy with { Places = [new PlaceReading.Empty("zone-file")] },
        ["published-another"] = Published(B.Host, new FencingToken(2, 7, 0)),
        ["published-old"] = Published(A.Host, new FencingToken(2, 6, 4)),
        ["slice-names-no-pod: a Service's"] = Sliced(A.Host),
        ["slice-names-no-pod: a former pod's"] = Sliced("10.244.0.77"),
        ["published-another: in the slice"] = Sliced("10.244.0.2"),
        ["epoch-went-back"] = Published(A.Host, new FencingToken(2, 9, 0)),
        ["record-unreadable"] = Healthy with { Record = new ElectionObservation.Unavailable("503") },
        ["record-names-another"] = Healthy with { Record = Serving(B, new FencingToken(2, 7, 0)) },
        ["record-old"] = Healthy with { Record = Serving(B, new FencingToken(2, 6, 0)) },
        ["backup-unreadable"] = Healthy with { Backup = new BackupReading(0, null, null, null, null, "permission denied") },
        ["no-backup"] = On(s => s.WithOwn(n => n with { Keys = 5 })) with { Backup = NoBackup },
        ["no-backup: the master is not seen"] = On(s => s with { Own = Gone(A) }) with { Backup = NoBackup },
        ["backup-old"] =
            Healthy with { Backup = new BackupReading(3, "b", TimeSpan.FromHours(30), TimeSpan.FromDays(2), TimeSpan.FromMinutes(6)) },
        ["backup-old: no uploader"] =
            Healthy with { Backup = new BackupReading(3, "b", TimeSpan.FromHours(30), TimeSpan.FromDays(2), null) },
    };

    public static readonly Dictionary<string, StatusSnapshot> Notes = new(StringComparer.Ordinal)
    {
        ["never-promoted"] = On(s => s.WithOther(C, n => n with { Priority = 0 })),
        ["stepping-down"] = On(s => s.WithOwn(n => n with { MinReplicas = 99 })) with { SteppingDown = true },
        ["address-silent: a Sentinel's second one"] = On(s => s with
        { Sentinels = [.. s.Sentinels, new SentinelObservation.Unreachable(new RedisEndpoint("fd00::13", 26379), "no route")] }),
        ["address-silent: a Redis' second one"] = On(s => s with { Others = [.. s.Others, Gone(new RedisEndpoint("fd00::3", 6379))] }),
        ["published-unknown"] = Published("203.0.113.9", new FencingToken(2, 7, 0)),
        ["published-unknown: a node has recorded nothing"] = Sliced("10.244.0.77", recorded: 2),
        ["record-without-master"] = Healthy with { Record = ElectionOf(2) },
        ["no-backup-yet"] = Healthy with { Backup = NoBackup },
        ["drill-old"] = Healthy with { Backup = new BackupReading(3, "b", TimeSpan.FromHours(3), null, TimeSpan.FromSeconds(2)) },
        ["backup-not-looked-at"] =
            Healthy with { Backup = BackupReading.Unread("s3://bucket/tenants is not a directory, and this command reads no other store") },
        ["rescues"] = Healthy with
        {
            Rescues = [new Rescue("20261121T010203004Z-5e5e5e5e", "it followed 10.0.0.2:6379", new FencingToken(2, 6, 0),
                new NodeIdentity("redis-0", "u"), true, [new RescuedFile("dump.rdb", 123, 1)])]
        },
    };

    public static IEnumerable<StatusSnapshot> All => Disagreements.Values.Concat(Notes.Values).Append(Healthy);

    public static RedisEndpoint D => new("10.0.0.4", 6379);

    private static BackupReading NoBackup => new(0, null, null, null, null);

    public static StatusSnapshot Snapshot(HandOverSnapshot group) => new()
    {
        At = new DateTimeOffset(2026, 11, 30, 10, 40, 2, TimeSpan.Zero),
        Cluster = ClusterId.TryParse("demo/redis", out var id) ? id : throw new InvalidOperationException(),
        MasterName = "demo.redis",
        Group = group,
    };

    public static StatusSnapshot On(Func<HandOverSnapshot, HandOverSnapshot> change) => Snapshot(change(Peered(Whole)));

    /// <summary>The own Redis is not started yet, and the two others are down.</summary>
    public static StatusSnapshot Waiting() =>
        On(s => s with { Own = new NodeObservation.Unreachable(new RedisEndpoint("127.0.0.1", 6379), "Connection refused") }) with
        {
            OwnAnnounced = A,
            Waiting = new BootstrapWait("election-wait", "the last serving master is absent", ["redis-2"], TimeSpan.FromSeconds(75)),
        };

    /// <summary>Pods 10.244.0.1 to 3 behind the announced addresses, as the first so many have recorded it.</summary>
    public static StatusSnapshot Sliced(string address, int recorded = 3) => Healthy with
    {
        Places = [new PlaceReading.Known("endpoint-slice", new PublishedMaster(new FencingToken(2, 7, 0), address))],
        Addresses = [.. ((RedisEndpoint[])[A, B, C]).Take(recorded)
            .Select((at, i) => new NodeAddresses($"redis-{i}", "u", at, new RedisEndpoint($"10.244.0.{i + 1}", 6379), null))],
    };

    public static StatusSnapshot Published(string address, FencingToken token) =>
        Healthy with { Places = [new PlaceReading.Known("zone-file", new PublishedMaster(token, address))] };

    public static ElectionObservation.Known Serving(RedisEndpoint at, FencingToken token) => new(new ElectionView
    {
        Record = new ElectionRecord
        {
            Term = 2,
            HighestEpoch = 7,
            LastServing = new ServingMaster(
                "redis-" + at.Host[^1], "u", at, token, ReplicationId.TryParse(OldStream, out var id) ? id : default, 1)
        },
        Version = "v",
    });

    public static HandOverSnapshot Peered(HandOverSnapshot s) => s with { Sentinels = [.. s.Sentinels.Select(o => Peer(o))] };

    /// <summary>The other Sentinels that each of three lists.</summary>
    public static SentinelObservation Peer(SentinelObservation observation, int others = 2) => observation is SentinelObservation.Known k
        ? k with
        {
            View = k.View with
            {
                Others = [.. Enumerable.Range(0, others).Select(
                    n => new SentinelPeer { Address = SentinelAt(90 + n), MyId = new string((char)('p' + n), 40), Flags = "sentinel" })]
            }
        }
        : observation;

    public static string Text(StatusReport report, int width = StatusTable.DefaultWidth, bool color = false) =>
        string.Join('\n', StatusTable.Lines(report, width, new Paint(color))) + "\n";
}
