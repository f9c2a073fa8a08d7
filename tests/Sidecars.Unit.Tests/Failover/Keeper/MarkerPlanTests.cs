using System.Text;
using Sidecars.Bootstrap.Election;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Topology;
using Sidecars.Failover.Keeper;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;
using static Sidecars.Unit.Tests.Bootstrap.Election.LineageElectionTests;

namespace Sidecars.Unit.Tests.Failover.Keeper;

public sealed class MarkerPlanTests
{
    private static readonly NodeIdentity Me = new("redis-1", "uid-1"), Other = new("redis-2", "uid-2");

    private static readonly ServerFacts Master = new()
    {
        RunId = new string('a', 40),
        Role = MarkerRole.Master,
        Position = new ReplicationPosition(Id(1), 500),
        AofBuffered = 0,
        AofSize = 4000,
        Aof = new AofLook("appendonly.aof.1.incr.aof", 900, 900, 3100),
    };

    private static readonly ServerFacts Replica = Master with { Role = MarkerRole.Replica, MasterAddress = B, IsLinkUp = true };

    private static readonly NodeIdentity Third = new("redis-3", "uid-3");

    private static readonly GroupKnowledge NamesMaster = new(4, 4, 2, Me), NamesOther = new(4, 4, 2, Other);

    [Fact]
    public void A_master_records_its_replication_id_once_and_that_it_serves()
    {
        var first = Next(null, Master, NamesMaster, earlier: 400);
        Assert.Equal(Token(2, 4), first.Token);
        Assert.Equal(new LineageEntry(Id(1), 500, new LineagePosition(2, 4, 1), Me), Assert.Single(first.History));
        Assert.Equal((new LastServing(Me, Token(2, 4)), 400L, 4L), (first.LastServing, first.EarlierOffset, first.HighestEpoch));
        Assert.Equal(new AofMark("appendonly.aof.1.incr.aof", 900, Exact: true, Total: 4000), first.Aof);
        Assert.Single(Next(first, Master, NamesMaster).History);

        // Restarted in place from its AOF: another id in the same term and epoch is another generation.
        var again = Next(first, Master with { Position = new ReplicationPosition(Id(2), 14) }, GroupKnowledge.None);
        Assert.Equal(new LineagePosition(2, 4, 2), again.History[1].Position);
        Assert.Equal(Token(2, 4), again.Token); // nobody answers, nothing goes back
    }

    [Fact]
    public void A_promoted_node_betters_its_entry_when_the_Sentinels_epoch_is_seen()
    {
        var replica = Next(null, Replica, NamesOther);
        var promoted = Next(replica, Master with { Position = new ReplicationPosition(Id(2), 501) }, new GroupKnowledge(null, 4, 2, Me));
        Assert.Equal(new LineagePosition(2, 4, 2), promoted.History[1].Position);
        promoted = Next(promoted, Master with { Position = new ReplicationPosition(Id(2), 510) }, new GroupKnowledge(5, 5, 2, Me));
        Assert.Equal(new LineagePosition(2, 5, 2), promoted.History[1].Position);
        Assert.Equal(new LastServing(Me, Token(2, 5)), promoted.LastServing);
    }

    [Fact]
    public void A_token_accepted_for_another_never_moves_the_own_replication_id_into_its_epoch()
    {
        // Something beside the living server accepted another master's epoch 5 (a start that went no further, a replacement not seen yet).
        var served = Next(null, Master, NamesMaster);
        var accepted = served with { Token = Token(2, 5), HighestEpoch = 5 };
        foreach (var group in (GroupKnowledge[])[GroupKnowledge.None, new GroupKnowledge(null, 5, 2, Other),
            new GroupKnowledge(4, 5, 2, Me)])
            Assert.Equal(new LineagePosition(2, 4, 1), Assert.Single(Next(accepted, Master, group).History).Position);
        // Nor is a node said to have served in the epoch of the one that it replaced: two masters of one epoch stop every election.
        var promoted = Next(Next(null, Replica, NamesOther with { Author = Other }),
            Master with { Position = new ReplicationPosition(Id(2), 501) }, GroupKnowledge.None);
        Assert.Equal(NodeIdentity.Unknown, promoted.History[1].Master);
        Assert.Empty(LineageMerge.Of(promoted.History, Next(null, Replica, NamesOther with { Author = Other }).History).Conflicts);
        Assert.Equal(Me, Next(
            promoted, Master with { Position = new ReplicationPosition(Id(2), 510) }, new GroupKnowledge(5, 5, 2, Me)).History[1].Master);
    }

    [Fact]
    public void A_replica_takes_who_serves_under_an_id_from_the_record_and_not_from_whom_it_follows()
    {
        // A hand-over: Other is demoted, follows redis-3, and passes its id on; the Sentinels name Other for another second.
        var before = Next(null, Replica, NamesOther with { Author = Other });
        var through = Next(before, Replica with { Position = new ReplicationPosition(Id(2), 501) }, NamesOther);
        Assert.Equal(NodeIdentity.Unknown, through.History[1].Master);
        var told = Next(
            through, Replica with { Position = new ReplicationPosition(Id(2), 600) }, new GroupKnowledge(5, 5, 2, Third, Third));
        Assert.Equal((Other, Third), (told.History[0].Master, told.History[1].Master));
        Assert.Equal(new LineagePosition(2, 5, 2), told.History[1].Position);
    }

    [Fact]
    public void An_epoch_of_another_master_is_not_taken_over()
    {
        var zombie = Next(Next(null, Master, NamesMaster), Master, new GroupKnowledge(null, 9, 2, Me));
        Assert.Equal((Token(2, 4), 9L), (zombie.Token, zombie.HighestEpoch));
    }

    [Fact]
    public void A_replica_without_a_link_or_one_that_loads_claims_what_it_claimed_before()
    {
        var before = Next(null, Replica, NamesOther);
        foreach (var facts in (ServerFacts[])[
            Replica with { IsLinkUp = false, Position = new ReplicationPosition(Id(9), 0) },
            Replica with { IsLoading = true, Position = new ReplicationPosition(Id(9), 0) },
            Master with { IsLoading = true, Position = new ReplicationPosition(Id(9), 0) }])
        {
            var after = Next(before, facts, NamesOther);
            Assert.Equal((before.Position, before.Aof, before.History), (after.Position, after.Aof, after.History));
        }
    }

    [Fact]
    public void Data_are_still_of_the_id_before_the_start_until_a_write_may_have_been_accepted()
    {
        var before = Next(null, Master, NamesMaster);
        Assert.Null(before.StillOf); // nothing was known of them
        var alone = Master with
        { RunId = new string('b', 40), Position = new ReplicationPosition(Id(2), 0), GoodReplicas = 0, HasBacklog = false };
        var started = Next(before, alone, NamesMaster);
        Assert.Equal((Id(2), Id(1)), (started.Position!.Value.Id, started.StillOf!.Value));
        // A replica asks for a copy: another id, and still no write.
        var asked = alone with { Position = new ReplicationPosition(Id(3), 14), HasBacklog = true };
        var copying = Next(started, asked, NamesMaster);
        Assert.Equal((Id(3), Id(1)), (copying.Position!.Value.Id, copying.StillOf!.Value));
        // It counts, the AOF has grown, its size is not certain, writes are accepted alone, it was rewritten: no more, and not again.
        foreach (var later in (ServerFacts[])[
            asked with { GoodReplicas = 1 },
            asked with { GoodReplicas = null },
            asked with { AofSize = 4001 },
            asked with { AofSize = 4001, Aof = new AofLook("appendonly.aof.1.incr.aof", 901, 901, 3100) },
            asked with { Aof = new AofLook("appendonly.aof.2.incr.aof", 0, 0, 90), AofSize = 90 },
            asked with { AofBuffered = null, AofSize = null, Aof = null }])
        {
            var after = Next(copying, later, NamesMaster);
            Assert.Null(after.StillOf);
            Assert.Null(Next(after, asked, NamesMaster).StillOf);
        }

        // Seen for the first time when somebody had asked already: a write may have been accepted.
        Assert.Null(Next(before, asked, NamesMaster).StillOf);
        Assert.Null(Next(before, alone with { GoodReplicas = null }, NamesMaster).StillOf);
        Assert.Null(Next(before with { FullSyncInProgress = true }, alone, NamesMaster).StillOf);
    }

    [Fact]
    public void A_second_start_without_a_write_keeps_the_id_and_one_after_a_write_takes_the_newest()
    {
        var alone = Master with
        { RunId = new string('b', 40), Position = new ReplicationPosition(Id(2), 0), GoodReplicas = 0, HasBacklog = false };
        var started = Next(Next(null, Master, NamesMaster), alone, NamesMaster);
        var again = alone with { RunId = new string('c', 40), Position = new ReplicationPosition(Id(3), 0) };
        Assert.Equal(Id(1), Next(started, again with { IsLoading = true }, NamesMaster).StillOf);
        Assert.Equal(Id(1), Next(Next(started, again with { IsLoading = true }, NamesMaster), again, NamesMaster).StillOf);
        // It took writes after its last marker.
        var grown = again with { AofSize = 4100, Aof = new AofLook("appendonly.aof.1.incr.aof", 1000, 1000, 3100) };
        Assert.Equal(Id(2), Next(started, grown, NamesMaster).StillOf);
        // A replica's data are its master's.
        Assert.Null(Next(started, Replica with { Position = new ReplicationPosition(Id(4), 9) }, NamesOther).StillOf);
    }

    [Theory]
    [InlineData("repl_backlog_active:0\r\nmin_slaves_good_slaves:0\r\n", 0, false)]
    [InlineData("repl_backlog_active:1\r\nmin_slaves_good_slaves:2\r\n", 2, true)]
    [InlineData("", null, true)]
    public void Backlog_and_good_replicas_are_read_from_INFO(string lines, int? good, bool hasBacklog)
    {
        var info = $"run_id:{new string('a', 40)}\r\nrole:master\r\nmaster_replid:{Id(1)}\r\nmaster_repl_offset:7\r\n{lines}";
        var look = NodeLook.Of(RespValue.Scalar(RespKind.BulkString, Encoding.ASCII.GetBytes(info)), null).Look!;
        var facts = ServerFacts.Of(look, null)!;
        Assert.Equal((good, hasBacklog), (facts.GoodReplicas, facts.HasBacklog));
    }

    [Fact]
    public void A_full_sync_is_over_when_the_manifest_has_changed_and_not_before()
    {
        var before = Next(null, Replica, NamesOther);
        var syncing = Next(before, Replica with { IsSyncing = true, IsLinkUp = false }, NamesOther);
        Assert.True(syncing.FullSyncInProgress);
        var loaded = Next(
            syncing, Replica with { Position = new ReplicationPosition(Id(2), 700), IsRewriting = true, Aof = null }, NamesOther);
        Assert.True(loaded.FullSyncInProgress);
        Assert.Equal(before.Aof, loaded.Aof);
        Assert.True(Next(loaded, Replica with { Position = new ReplicationPosition(Id(2), 700) }, NamesOther).FullSyncInProgress);
        var renewed = Next(
            loaded, Replica with { Position = new ReplicationPosition(Id(2), 800), Aof = new AofLook("appendonly.aof.2.incr.aof", 10, 10) },
            NamesOther);
        Assert.False(renewed.FullSyncInProgress);
        Assert.Equal("appendonly.aof.2.incr.aof", renewed.Aof!.File);
        // With snapshots only there is no manifest to wait for.
        Assert.False(Next(syncing, Replica with { AofBuffered = null, AofSize = null, Aof = null }, NamesOther).FullSyncInProgress);
    }

    [Fact]
    public void What_is_buffered_or_written_meanwhile_makes_a_length_a_bound()
    {
        Assert.Equal(new AofMark("appendonly.aof.1.incr.aof", 930, Exact: false, Total: 4030),
            Next(null, Master with { AofBuffered = 30 }, NamesMaster).Aof);
        // What a start cut off a torn end is still counted by the server.
        Assert.Equal(new AofMark("appendonly.aof.1.incr.aof", 900, Exact: true, Total: null),
            Next(null, Master with { AofSize = 4017 }, NamesMaster).Aof);
        var growing = Master with { Aof = Master.Aof! with { After = 960 } };
        Assert.Equal(new AofMark("appendonly.aof.1.incr.aof", 960, Exact: false, Total: 4000), Next(null, growing, NamesMaster).Aof);
    }

    [Fact]
    public void A_replica_that_nobody_can_name_makes_the_set_in_sync_unknown()
    {
        var marker = Next(null, Master, NamesMaster);
        InfoReplica[] settled = [new(B, "online", 450, 0), new(C, "online", 440, 1)];
        var report = ServingReportPlan.Calculate(
            marker, A, isNamed: true, settled, at => at == B ? Other : new NodeIdentity("redis-3", "uid-3"), Durability.Aof)!;
        Assert.Equal(["redis-2", "redis-3"], report.InSync!.Value.Select(r => r.Node));
        Assert.Equal((500L, 450L), (report.Serving.Offset, report.InSync.Value[0].Offset));
        Assert.Null(ServingReportPlan.Calculate(marker, A, true, settled, at => at == B ? Other : null, Durability.Aof)!.InSync);
        Assert.Equal(0, ServingReportPlan.Calculate(marker, A, true, settled, _ => Other, Durability.Rdb)!.Serving.Offset);
        Assert.Null(ServingReportPlan.Calculate(marker, A, isNamed: false, settled, _ => Other, Durability.Aof));
        Assert.Null(ServingReportPlan.Calculate(Next(null, Replica, NamesOther), A, true, settled, _ => Other, Durability.Aof));

        Assert.True(ServingReportPlan.IsNews(null, report));
        Assert.False(ServingReportPlan.IsNews(report, report with { Serving = report.Serving with { Offset = 900 } }));
        Assert.True(ServingReportPlan.IsNews(report, report with { InSync = [report.InSync.Value[0]] }));
        Assert.True(ServingReportPlan.IsNews(report, report with { Serving = report.Serving with { Token = Token(2, 5) } }));
    }

    [Fact]
    public void A_trail_tells_what_was_had_five_seconds_ago_and_nothing_before()
    {
        var trail = new OffsetTrail<string>(timestampFrequency: 10);
        Assert.Null(trail.Note("at 0 s", 0));
        Assert.Null(trail.Note("at 4.9 s", 49));
        Assert.Equal("at 0 s", trail.Note("at 5 s", 50));
        Assert.Equal("at 5 s", trail.Note("at 11 s", 110));
        trail.Clear();
        Assert.Null(trail.Note("at 12 s", 120));
    }

    private static Marker Next(Marker? last, ServerFacts server, GroupKnowledge group, long? earlier = null)
    {
        Assert.True(ClusterId.TryParse("demo/redis", out var cluster));
        return MarkerPlan.Next(last, cluster, Me, "boot", server, group, earlier);
    }
}
