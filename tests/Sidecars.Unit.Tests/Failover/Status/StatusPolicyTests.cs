using Sidecars.Core.Election;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;
using Sidecars.Failover.HandOver;
using Sidecars.Failover.Publish;
using Sidecars.Failover.Status;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;
using static Sidecars.Unit.Tests.Failover.HandOver.HandOverFacts;

namespace Sidecars.Unit.Tests.Failover.Status;

public sealed class StatusPolicyTests
{
    private static readonly StatusSnapshot Healthy = Snapshot(Peered(Whole));

    private static readonly Dictionary<string, StatusSnapshot> Disagreements = new(StringComparer.Ordinal)
    {
        ["master-down"] = On(s => s.WithSentinel(2, Peer(Names(2, A, 7, "master,s_down", Listed(B), Listed(C))))),
        ["failover-in-progress"] = On(s => s.WithSentinel(2, Peer(Names(2, A, 7, "master,failover_in_progress", Listed(B), Listed(C))))),
        ["epoch-spreading"] = On(s => s.WithSentinel(2, Peer(Names(2, B, 8, "master", Listed(A), Listed(C))))),
        ["sentinels-split"] = On(s => s.WithSentinel(2, Peer(Names(2, B, 7, "master", Listed(A), Listed(C))))),
        ["no-majority"] = On(s => s.WithSentinel(1, Dead(1)).WithSentinel(2, Dead(2))),
        ["sentinel-unreachable"] = On(s => s.WithSentinel(3, Dead(3))),
        ["sentinel-unknown"] = On(s => s.WithSentinel(3, AsksPassword(3))),
        ["sentinel-tilt"] = On(s => s.WithSentinel(3, Peer(Says(3, A, 7, "master", true, B, C)))),
        ["sentinel-without-master"] = On(s => s.WithSentinel(3, Says(3, null))),
        ["ghost-sentinels"] = On(s => s.WithSentinel(3, Peer(Names(3, A, Listed(B), Listed(C)), others: 3))),
        ["sentinels-not-met"] = On(s => s.WithSentinel(3, Peer(Names(3, A, Listed(B), Listed(C)), others: 1))),
        ["replicas-not-seen"] = On(s => s.WithSentinel(3, Peer(Names(3, A, Listed(B), Listed(C, flags: "slave,s_down"))))),
        ["sentinels-missing"] = On(s => s with { Sentinels = s.Sentinels[..2] }),
        ["redis-unreachable"] = On(s => s.WithOther(Gone(C))),
        ["redis-unknown"] = On(s => s.WithOther(Garbled(C))),
        ["redis-missing"] = On(s => s with { Others = s.Others[..1] }),
        ["several-masters"] = On(s => s.WithOther(C, n => n with { Role = NodeRole.Master, MasterAddress = null })),
        ["named-is-replica"] = On(s => s.WithOwn(n => n with { Role = NodeRole.Replica, MasterAddress = B })),
        ["another-process"] = On(s => s.WithOwn(n => n with { RunId = new string('7', 40) })),
        ["follows-another"] = On(s => s.WithOther(C, n => n with { MasterAddress = B })),
        ["stray-replica"] = On(s => s.WithOther(C, n => n with { MasterAddress = B }) with { Sentinels = [.. AllName(A, Listed(B)).Select(o => Peer(o))] }),
        ["syncing"] = On(s => s.WithOther(C, n => n with { SyncInProgress = true, MasterLinkUp = false })),
        ["link-down"] = On(s => s.WithOther(C, n => n with { MasterLinkUp = false })),
        ["loading"] = On(s => s.WithOther(C, n => n with { Loading = true })),
        ["fence-off"] = On(s => s.WithOwn(n => n with { MaxLag = 0 })),
        ["hand-over-fence"] = On(s => s.WithOwn(n => n with { MinReplicas = 99 })),
        ["fenced"] = On(s => s.WithOwn(n => n with { MinReplicas = 1_000_000 })),
        ["fenced-by-hand"] = On(s => s.WithOwn(n => n with { MinReplicas = 9999 })),
        ["writes-refused"] = On(s => s.WithOwn(n => n with { Attached = 0 })),
        ["requirement-low"] = On(s => s.WithOwn(n => n with { MinReplicas = 0 })),
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
        ["led-away"] = On(s => s with { Sentinels = [.. AllName(new RedisEndpoint("10.9.9.9", 6379), Listed(A), Listed(B), Listed(C)).Select(o => Peer(o))] })
            with { Record = ElectionOf(2, Evidence(A), Evidence(B), Evidence(C)) },
        ["foreign-replica"] = On(s => s with { Sentinels = [.. AllName(A, Listed(B), Listed(C), Listed(new RedisEndpoint("10.9.9.9", 6379))).Select(o => Peer(o))] })
            with { Record = ElectionOf(2, Evidence(A), Evidence(B), Evidence(C)) },
        ["backup-unreadable"] = Healthy with { Backup = new BackupReading(0, null, null, null, null, "permission denied") },
        ["no-backup"] = Healthy with { Backup = new BackupReading(0, null, null, null, null) },
        ["backup-old"] = Healthy with { Backup = new BackupReading(3, "b", TimeSpan.FromHours(30), TimeSpan.FromDays(2), TimeSpan.FromMinutes(6)) },
    };

    private static readonly Dictionary<string, StatusSnapshot> Notes = new(StringComparer.Ordinal)
    {
        ["never-promoted"] = On(s => s.WithOther(C, n => n with { Priority = 0 })),
        ["stepping-down"] = On(s => s.WithOwn(n => n with { MinReplicas = 99 })) with { SteppingDown = true },
        ["published-unknown"] = Published("203.0.113.9", new FencingToken(2, 7, 0)),
        ["published-unknown: a node has recorded nothing"] = Sliced("10.244.0.77", recorded: 2),
        ["record-without-master"] = Healthy with { Record = ElectionOf(2) },
        ["drill-old"] = Healthy with { Backup = new BackupReading(3, "b", TimeSpan.FromHours(3), null, TimeSpan.FromSeconds(2)) },
        ["backup-not-looked-at"] = Healthy with { Backup = new BackupReading(0, null, null, null, null) { NotLookedAt = "s3://bucket is no directory" } },
        ["rescues"] = Healthy with { Rescues = [new Rescue("20261121T010203004Z-5e5e5e5e", "it followed 10.0.0.2:6379", new FencingToken(2, 6, 0), new NodeIdentity("redis-0", "u"), true, [new RescuedFile("dump.rdb", 123, 1)])] },
    };

    public static TheoryData<string> DisagreementNames => [.. Disagreements.Keys.Order(StringComparer.Ordinal)];

    public static TheoryData<string> NoteNames => [.. Notes.Keys.Order(StringComparer.Ordinal)];

    [Fact]
    public void A_group_in_which_everything_agrees_is_healthy()
    {
        var report = StatusPolicy.Decide(Healthy);
        Assert.True(report.IsHealthy, StatusTable.Write(report));
        Assert.Empty(report.Findings);
        Assert.Equal("10.0.0.1:6379", report.Master);
    }

    [Theory]
    [MemberData(nameof(DisagreementNames))]
    public void Every_disagreement_is_named_with_what_to_do_and_costs_the_exit_code(string code)
    {
        var report = StatusPolicy.Decide(Disagreements[code]);
        var finding = report.Findings.FirstOrDefault(f => f.Code == code.Split(':')[0]);
        Assert.True(finding is not null, StatusTable.Write(report));
        Assert.Equal(FindingKind.Disagreement, finding.Kind);
        Assert.NotEmpty(finding.ToDo);
        Assert.False(report.IsHealthy);
    }

    [Theory]
    [InlineData("led-away")]
    [InlineData("foreign-replica")]
    public void Nobody_is_called_a_stranger_where_a_node_has_not_said_what_it_announces(string code)
    {
        var partial = Disagreements[code] with { Record = ElectionOf(2, Evidence(A), Evidence(B)) };
        Assert.DoesNotContain(StatusPolicy.Decide(partial).Findings, f => f.Code == code);
    }

    [Fact]
    public void A_replica_that_one_Sentinel_lists_is_no_stray()
    {
        var report = StatusPolicy.Decide(On(s => s.WithOther(C, n => n with { MasterAddress = B }).WithSentinel(1, Peer(Names(1, A, Listed(B))))));
        Assert.Contains(report.Findings, f => f.Code == "follows-another");
        Assert.DoesNotContain(report.Findings, f => f.Code == "stray-replica");
    }

    [Theory]
    [MemberData(nameof(NoteNames))]
    public void What_is_only_good_to_know_leaves_the_group_healthy(string code)
    {
        var report = StatusPolicy.Decide(Notes[code]);
        Assert.Equal([(code.Split(':')[0], FindingKind.Note)], report.Findings.Select(f => (f.Code, f.Kind)));
        Assert.True(report.IsHealthy);
    }

    [Fact]
    public void The_address_that_a_node_is_published_at_is_known_to_be_its_own() =>
        Assert.Empty(StatusPolicy.Decide(Published("203.0.113.9", new FencingToken(2, 7, 0)) with { PublishedAs = Healthy.PublishedAs.Add(A, "203.0.113.9") }).Findings);

    [Fact]
    public void A_pods_own_address_in_the_slice_is_the_masters_whatever_the_node_announces_and_is_asked_at()
    {
        Assert.Empty(StatusPolicy.Decide(Sliced("10.244.0.1")).Findings);
        // Only its own sidecar is of this version.
        Assert.Empty(StatusPolicy.Decide(Sliced("10.244.0.1", recorded: 1)).Findings);
    }

    [Fact]
    public void An_address_outside_that_a_node_has_recorded_is_known_to_be_its_own() =>
        Assert.Empty(StatusPolicy.Decide(Published("203.0.113.9", new FencingToken(2, 7, 0)) with { Addresses = [new NodeAddresses("redis-0", "u", A, null, "203.0.113.9")] }).Findings);

    [Fact]
    public void The_table_reads_so()
    {
        var s = Published(B.Host, new FencingToken(2, 7, 1)) with { Backup = new BackupReading(3, "20261120T030000Z", TimeSpan.FromHours(30), TimeSpan.FromDays(2), TimeSpan.FromSeconds(2)), Record = Serving(A, new FencingToken(2, 7, 0)) };
        s = s with { Group = s.Group.WithOther(Gone(C)) };
        Assert.Equal(
            """
            demo/redis: master 10.0.0.1:6379; 3 of 3 Sentinels name 10.0.0.1:6379 in epoch 7

            REDIS          ROLE         OF             LINK  OFFSET  LAG  WRITES  PRIORITY  TOKEN  RUN
            10.0.0.1:6379  master                            1000         open    100              00000000
            10.0.0.2:6379  replica      10.0.0.1:6379  up    990     10           100              00000000
            10.0.0.3:6379  unreachable

            SENTINEL        STATE  NAMES          EPOCH  FLAGS   OTHERS  REPLICAS  ID
            10.0.1.1:26379  up     10.0.0.1:6379  7      master  2       2         bbbbbbbb
            10.0.1.2:26379  up     10.0.0.1:6379  7      master  2       2         cccccccc
            10.0.1.3:26379  up     10.0.0.1:6379  7      master  2       2         dddddddd

            SOURCE     SAYS
            record     term 2, epoch 7; redis-1 served last at 10.0.0.1:6379 with token 2.7.0
            zone-file  10.0.0.2 with token 2.7.1
            rescue     none on this node
            backup     3, the last 20261120T030000Z 30 h ago; tail until 2 s ago; drill 2 days ago

            ! redis-unreachable: Redis 10.0.0.3:6379: connection refused
                see its pod's log: redis-bootstrap says what it waits for
            ! published-another: zone-file names 10.0.0.2, which is 10.0.0.2:6379; Sentinels name 10.0.0.1:6379
                the sidecar of 10.0.0.1:6379 writes it within a second, the others after some; else see its log (publish)

            """.ReplaceLineEndings("\n"),
            StatusTable.Write(StatusPolicy.Decide(s)));
    }

    [Fact]
    public void The_JSON_has_what_the_table_has()
    {
        using var document = System.Text.Json.JsonDocument.Parse(StatusJson.Write(StatusPolicy.Decide(Disagreements["fenced"])));
        var root = document.RootElement;
        Assert.False(root.GetProperty("healthy").GetBoolean());
        Assert.Equal(("10.0.0.1:6379", 3, 3), (root.GetProperty("master").GetString(), root.GetProperty("redis").GetArrayLength(), root.GetProperty("sentinels").GetArrayLength()));
        Assert.Equal("fenced", root.GetProperty("redis")[0].GetProperty("writes").GetString());
        Assert.Equal("fenced", root.GetProperty("findings")[0].GetProperty("code").GetString());
        Assert.Equal("not configured", root.GetProperty("sources").GetProperty("backup").GetString());
        Assert.DoesNotContain('\n', StatusJson.Write(StatusPolicy.Decide(Healthy), oneLine: true).TrimEnd('\n'));
    }

    private static StatusSnapshot Snapshot(HandOverSnapshot group) => new() { Cluster = ClusterId.TryParse("demo/redis", out var id) ? id : throw new InvalidOperationException(), MasterName = "demo.redis", Group = group };

    private static StatusSnapshot On(Func<HandOverSnapshot, HandOverSnapshot> change) => Snapshot(change(Peered(Whole)));

    // Pods 10.244.0.1 to 3 behind the announced addresses, as the first so many have recorded it.
    private static StatusSnapshot Sliced(string address, int recorded = 3) => Healthy with
    {
        Places = [new PlaceReading.Known("endpoint-slice", new PublishedMaster(new FencingToken(2, 7, 0), address))],
        Addresses = [.. ((RedisEndpoint[])[A, B, C]).Take(recorded).Select((at, i) => new NodeAddresses($"redis-{i}", "u", at, new RedisEndpoint($"10.244.0.{i + 1}", 6379), null))],
    };

    private static StatusSnapshot Published(string address, FencingToken token) => Healthy with { Places = [new PlaceReading.Known("zone-file", new PublishedMaster(token, address))] };

    private static ElectionObservation.Known Serving(RedisEndpoint at, FencingToken token) => new(new ElectionView
    {
        Record = new ElectionRecord { Term = 2, HighestEpoch = 7, LastServing = new ServingMaster("redis-" + at.Host[^1], "u", at, token, ReplicationId.TryParse(OldStream, out var id) ? id : default, 1) },
        Version = "v",
    });

    private static HandOverSnapshot Peered(HandOverSnapshot s) => s with { Sentinels = [.. s.Sentinels.Select(o => Peer(o))] };

    // The other Sentinels that each of three knows.
    private static SentinelObservation Peer(SentinelObservation observation, int others = 2) => observation is SentinelObservation.Known k
        ? k with { View = k.View with { Others = [.. Enumerable.Range(0, others).Select(n => new SentinelPeer { Address = SentinelAt(90 + n), MyId = new string((char)('p' + n), 40), Flags = "sentinel" })] } }
        : observation;
}
