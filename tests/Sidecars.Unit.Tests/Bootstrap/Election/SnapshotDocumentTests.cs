using System.Text.Json;
using Sidecars.Bootstrap.Election;
using Sidecars.Core.Election;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;

namespace Sidecars.Unit.Tests.Bootstrap.Election;

public sealed class SnapshotDocumentTests
{
    [Fact]
    public void A_logged_snapshot_decides_the_same_when_it_is_read_back()
    {
        BootstrapSnapshot[] all =
        [
            StartingA([Says(1, B, 4, replicas: C), Says(2, B, 4), Dead(3)], [Master(B), Replica(C, B, true)]),
            StartingA([AsksPassword(1), Mute(2), Dead(3)], [Down(B), Foreign(C)], ElectionOf(3, Evidence(A), Evidence(B), Evidence(C))),
            StartingA([Dead(1), Dead(2), Dead(3)], [Down(B), Down(C)], Candidate(3, Evidence(A), Evidence(A), Evidence(B))),
            StartingA([Says(1, A, replicas: B), Says(2, A), Says(3, A)], [Replica(B, A), Hangs(C)],
                new ElectionObservation.Unavailable("timed out")),
        ];
        foreach (var snapshot in all)
        {
            var json = SnapshotDocument.Write(snapshot);
            var read = SnapshotDocument.TryReadBootstrap(json, out var why);
            Assert.True(read is not null, why);
            Assert.Equal(json, SnapshotDocument.Write(read));
            Assert.Equal(MasterSelectionPolicy.Decide(snapshot).ToString(), MasterSelectionPolicy.Decide(read).ToString());
        }
    }

    [Fact]
    public void Nothing_of_a_full_snapshot_is_lost()
    {
        var full = Full;
        var read = SnapshotDocument.TryReadBootstrap(SnapshotDocument.Write(full), out var why);
        Assert.True(read is not null, why);
        Assert.Equal(Everything(full), Everything(read));
    }

    [Fact]
    public void Nothing_of_a_full_record_or_of_full_evidence_is_lost()
    {
        Assert.True(ElectionDocuments.TryRead(ElectionDocuments.Write(FullRecord), out ElectionRecord record, out var why), why);
        Assert.Equal(Everything(FullRecord), Everything(record));
        Assert.True(ElectionDocuments.TryRead(ElectionDocuments.Write(FullEvidence), out CandidateEvidence? evidence));
        Assert.Equal(Everything(FullEvidence with { Live = false }), Everything(evidence!));
    }

    [Fact]
    public void A_snapshot_of_a_starting_Sentinel_is_one_line_of_JSON_of_which_nothing_is_lost()
    {
        var full = new MonitorSnapshot
        {
            RedisCount = 3,
            SentinelCount = 5,
            Sentinels = Full.Sentinels,
            Nodes = Full.Peers,
            Remembered = new RememberedMaster(A, 4),
            KeptEpoch = new EpochReading.Known(7, B),
        };
        var json = SnapshotDocument.Write(full);
        Assert.DoesNotContain('\n', json);
        var root = JsonDocument.Parse(json).RootElement;
        Assert.Equal((3, 5), (root.GetProperty("redis_count").GetInt32(), root.GetProperty("sentinel_count").GetInt32()));
        Assert.Equal((Full.Sentinels.Length, Full.Peers.Length),
            (root.GetProperty("sentinels").GetArrayLength(), root.GetProperty("nodes").GetArrayLength()));
        Assert.Equal("""{"address":"10.0.0.1:6379","epoch":4}""", root.GetProperty("remembered").GetRawText());
        Assert.Equal("""{"state":"known","epoch":7,"master":"10.0.0.2:6379"}""", root.GetProperty("kept_epoch").GetRawText());
        var read = SnapshotDocument.TryReadMonitor(json, out var why);
        Assert.True(read is not null, why);
        Assert.Equal(Everything(full), Everything(read));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("[1]")]
    [InlineData("""{"me":{"node":"a","uid":"b","address":"not an endpoint:0","data":"Present"}}""")]
    public void Anything_else_is_told_apart(string json)
    {
        Assert.Null(SnapshotDocument.TryReadBootstrap(json, out var why));
        Assert.NotEmpty(why);
    }

    private static readonly LineageEntry[] History =
    [
        new(Id('a'), 0, new LineagePosition(1, 2, 1), new NodeIdentity("redis-2", "uid-2")),
        new(Id('b'), 900, new LineagePosition(3, 4, 2), NodeIdentity.Unknown),
    ];

    private static readonly CandidateEvidence FullEvidence = Evidence(A, DataState.Suspect) with
    {
        Why = "the AOF is \u00e4lter <than> the \"marker\"",
        DataBytes = 17,
        Filled = FilledBy.Adopt,
        RedisCount = 5,
        Token = new FencingToken(3, 4, 5),
        HighestEpoch = 6,
        Position = new DiskPosition(new ReplicationPosition(Id('b'), 1000), PositionBound.AtLeast, PositionSource.RdbHeader)
        { Lower = 990, Upper = 1010 },
        StillOf = LineageElectionTests.Id(1),
        EarlierOffset = 800,
        LastServing = new LastServing(new NodeIdentity("redis-2", "uid-2"), new FencingToken(3, 4, 1)),
        History = [.. History],
        LastTimestamp = 1_700_000_000,
    };

    private static readonly ElectionRecord FullRecord = new()
    {
        Term = 9,
        Candidate = "redis-2",
        CandidateUid = "uid-2",
        CandidateIncarnation = "run-2",
        CandidateAddress = B,
        EmptyStartAllowedInTerm = 8,
        Trusted = "redis-1",
        Word = new PersonsWord(PersonsWordKind.Unclean, "redis-3", 6),
        HighestEpoch = 7,
        LastServing = new ServingMaster("redis-3", "uid-3", C, new FencingToken(3, 4, 1), Id('b'), 1234),
        InSync = [new InSyncReplica("redis-1", "uid-1", 1200)],
        History = [.. History],
        Round = "nonce",
    };

    private static BootstrapSnapshot Full => StartingA(
        [
            new SentinelObservation.Known(SentinelAt(1), new SentinelView
            {
                MyId = new string('a', 40),
                Tilt = true,
                Master = new SentinelMaster
                {
                    Address = B, Monitored = A, FailoverState = "reconf_slaves", RunId = RunId(B), Flags = "master,s_down", ConfigEpoch = 4,
                    Quorum = 2, RoleReported = "master"
                },
                Replicas = [new SentinelReplica { Address = C, Flags = "slave", Priority = 100, Offset = 77, MasterLinkStatus = "ok" }],
                Others = [new SentinelPeer { Address = SentinelAt(2), MyId = new string('b', 40), Flags = "sentinel", VotedEpoch = 9 }],
            }),
            Mute(2),
            Dead(3),
        ],
        [
            new NodeObservation.Known(B, new NodeLook
            {
                RunId = RunId(B), Role = NodeRole.Replica, ReplicationId = Id('b').ToString(), PreviousReplicationId =
                    Id('a').ToString(), PreviousEnded = 900,
                Offset = 1000, Loading = true, MasterAddress = C, MasterLinkUp = true, SyncInProgress = true, Announced = new RedisEndpoint(
                    "fd00::2", 6379), Keys = 5,
            }),
            Foreign(C),
            Down(A),
        ],
        new ElectionObservation.Known(new ElectionView
        { Record = FullRecord, Version = "v7", CandidateAlive = true, Evidence = [FullEvidence, Evidence(B)], CarriesEvidence = false }))
        with
    {
        Me = FullEvidence,
        Durability = Durability.None,
        ElectionWaitedFor = TimeSpan.FromMilliseconds(1234),
        LastMasterWait = TimeSpan.FromSeconds(10),
        UncleanElectionAfter = TimeSpan.FromMinutes(5),
        RestoresBackups = true,
        TellingDenied = "publish-denied: 2 of 3 Sentinels refuse a hello",
        SplitFor = TimeSpan.FromSeconds(2),
    };

    private static ReplicationId Id(char digit) =>
        ReplicationId.TryParse(new string(digit, 40), out var id) ? id : throw new ArgumentOutOfRangeException(nameof(digit));

    // By reflection, so that a member which is added and not written fails here.
    private static string Everything<T>(T value) => JsonSerializer.Serialize(value);
}
