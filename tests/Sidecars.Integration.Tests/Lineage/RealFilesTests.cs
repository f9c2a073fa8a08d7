using System.Globalization;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.TestKit.Processes;
using static Sidecars.Integration.Tests.Lineage.ServerFiles;

namespace Sidecars.Integration.Tests.Lineage;

/// <summary>What a real server leaves behind, and what is read from it without loading.</summary>
public class RealFilesTests
{
    [Fact]
    public async Task RDB_master_after_SIGTERM_tells_its_exact_position()
    {
        await using var master = await RedisProcess.StartAsync(Rdb);
        // without one the master has no backlog, and its dump no position
        await using var replica = await RedisProcess.StartAsync(ReplicaOf(master));
        await WaitForLinkAsync(replica);
        await SetAsync(master, 0, 5);
        var before = await PositionAsync(master);
        await replica.Process.KillAsync();
        await master.Process.TerminateAsync();
        var evidence = Read(master, Durability.Rdb);
        Assert.Equal(DataState.Present, evidence.State);
        Assert.Equal((PositionBound.Exact, PositionSource.RdbHeader, before.Id),
            (evidence.Position!.Bound, evidence.Position.Source, evidence.Position.At.Id));
        Assert.True(evidence.Position.At.Offset >= before.Offset);
        await master.RestartAsync();
        // the server agrees: old id kept as the second
        Assert.Equal(evidence.Position.At.Id.ToString(), await InfoAsync(master, "master_replid2"));
        Assert.Equal(evidence.Position.At.Offset, (await PositionAsync(master)).Offset);
    }

    [Fact]
    public async Task RDB_replica_after_SIGTERM_tells_the_position_of_its_master()
    {
        await using var master = await RedisProcess.StartAsync();
        await using var replica = await RedisProcess.StartAsync(ReplicaOf(master, Rdb));
        await WaitForLinkAsync(replica);
        await SetAsync(master, 0, 5);
        await WaitForKeysAsync(replica, 5);
        var before = await PositionAsync(replica);
        await replica.Process.TerminateAsync();
        var position = Read(replica, Durability.Rdb).Position!;
        Assert.Equal((PositionBound.Exact, (await PositionAsync(master)).Id), (position.Bound, position.At.Id));
        Assert.True(position.At.Offset >= before.Offset);
    }

    [Fact]
    public async Task RDB_master_after_kill_9_tells_the_old_position_of_its_stale_file_whatever_the_marker_says()
    {
        await using var master = await RedisProcess.StartAsync(Rdb);
        await using var replica = await RedisProcess.StartAsync(ReplicaOf(master));
        await WaitForLinkAsync(replica);
        await SetAsync(master, 0, 5);
        // refused until the child of the full sync is reaped
        await master.Process.WaitUntilAsync(
            "SAVE is taken", async () => (await CallAsync(master, "SAVE")).StartsWith("+OK", StringComparison.Ordinal));
        var saved = await PositionAsync(master);
        await SetAsync(master, 5, 5);
        var inMemory = await PositionAsync(master);
        await master.Process.KillAsync();
        WriteMarker(master, inMemory, null);
        var position = Read(master, Durability.Rdb).Position!;
        Assert.Equal(PositionBound.Exact, position.Bound);
        Assert.InRange(position.At.Offset, 0, saved.Offset);
        Assert.True(inMemory.Offset > saved.Offset);
    }

    [Fact]
    public async Task RDB_of_a_master_that_never_had_a_replica_tells_no_position()
    {
        await using var master = await RedisProcess.StartAsync(Rdb);
        await SetAsync(master, 0, 1);
        await master.Process.TerminateAsync();
        var evidence = Read(master, Durability.Rdb);
        Assert.Equal(DataState.Present, evidence.State);
        Assert.Null(evidence.Position);
    }

    [Fact]
    public async Task AOF_master_has_no_position_of_its_own_and_its_base_never_a_replication_id()
    {
        await using var master = await RedisProcess.StartAsync(Aof);
        await using var replica = await RedisProcess.StartAsync(ReplicaOf(master));
        await WaitForLinkAsync(replica);
        await SetAsync(master, 0, 5);
        await CallAsync(master, "BGREWRITEAOF");
        await WaitForRewriteAsync(master);
        await SetAsync(master, 5, 5);
        await replica.Process.KillAsync();
        await master.Process.TerminateAsync();
        DeleteDump(master); // of the full sync: the server of this test saves nothing itself
        var evidence = Read(master, Durability.Aof);
        Assert.Equal(DataState.Present, evidence.State);
        Assert.Null(evidence.Position);
        Assert.True(evidence.Facts.AofBase is { IsKnown: true, Value: { IsAofBase: true, Position: null, HasNoKeys: false } });
        Assert.Equal(AofEnd.Complete, evidence.Facts.AofTail.Value!.End);
        Assert.NotNull(evidence.LastTimestamp);
    }

    [Fact]
    public async Task AOF_with_a_marker_of_equal_length_is_exact_and_a_later_write_makes_it_a_lower_bound()
    {
        await using var master = await RedisProcess.StartAsync(Aof);
        await using var replica = await RedisProcess.StartAsync(ReplicaOf(master));
        await WaitForLinkAsync(replica);
        await SetAsync(master, 0, 5);
        await WaitForAofWrittenAsync(master);
        var noted = await PositionAsync(master);
        WriteMarker(master, noted, Mark(master));
        await replica.Process.KillAsync();
        Assert.Equal(PositionBound.Exact, Read(master, Durability.Aof).Position!.Bound);
        await SetAsync(master, 5, 1);
        await WaitForAofWrittenAsync(master);
        await master.Process.KillAsync();
        var evidence = Read(master, Durability.Aof);
        Assert.Equal((DiskVersusMarker.DiskNewer, PositionBound.AtLeast), (evidence.VersusMarker, evidence.Position!.Bound));
        Assert.Equal(noted, evidence.Position.At);
    }

    [Fact]
    public async Task AOF_replica_with_no_save_points_keeps_the_misleading_dump_of_its_full_sync_as_a_lower_bound_only()
    {
        await using var master = await RedisProcess.StartAsync([.. Aof, "repl-diskless-sync no"]);
        await using var replica = await RedisProcess.StartAsync(ReplicaOf(master, Aof));
        await WaitForLinkAsync(replica);
        await WaitForRewriteAsync(replica);
        await SetAsync(master, 0, 20);
        await WaitForKeysAsync(replica, 20);
        var before = await PositionAsync(replica);
        await replica.Process.TerminateAsync();
        var evidence = Read(replica, Durability.Aof);
        Assert.Equal(DataState.Present, evidence.State);
        Assert.Equal((PositionBound.AtLeast, PositionSource.RdbHeader, before.Id),
            (evidence.Position!.Bound, evidence.Position.Source, evidence.Position.At.Id));
        Assert.True(evidence.Position.At.Offset < before.Offset);
    }

    [Fact]
    public async Task AOF_with_save_points_after_SIGTERM_has_the_position_in_its_dump()
    {
        await using var master = await RedisProcess.StartAsync([.. Aof, .. Rdb]);
        await using var replica = await RedisProcess.StartAsync(ReplicaOf(master));
        await WaitForLinkAsync(replica);
        await SetAsync(master, 0, 5);
        var noted = await PositionAsync(master);
        WriteMarker(master, noted, Mark(master));
        await SetAsync(master, 5, 5);
        var last = await PositionAsync(master);
        await replica.Process.KillAsync();
        await master.Process.TerminateAsync();
        var evidence = Read(master, Durability.Aof);
        Assert.Equal(DataState.Present, evidence.State); // an own save at shutdown, though newer than the AOF
        Assert.Equal((last.Id, PositionBound.AtLeast, PositionSource.RdbHeader),
            (evidence.Position!.At.Id, evidence.Position.Bound, evidence.Position.Source));
        Assert.True(evidence.Position.At.Offset >= last.Offset);
    }

    [Fact]
    public async Task A_replica_killed_before_the_AOF_of_its_full_sync_was_rewritten_is_suspect_and_would_have_loaded_its_old_keys()
    {
        await using var master = await RedisProcess.StartAsync();
        await CallAsync(master, "EVAL \"for i=1,20000 do redis.call('SET','m'..i,'" + new string('x', 50) + "') end\" 0");
        await using var replica = await RedisProcess.StartAsync([.. Aof, "rdb-key-save-delay 1000"]); // a rewrite of 20,000 keys takes 20 s
        await SetAsync(replica, 0, 3);
        Assert.Equal(DataState.Present, Read(replica, Durability.Aof).State);
        await CallAsync(replica, $"REPLICAOF 127.0.0.1 {master.Port}");
        await WaitForLinkAsync(replica);
        await WaitForKeysAsync(replica, 20000);
        await replica.Process.WaitUntilAsync("the rewrite runs", async () => await InfoAsync(replica, "aof_rewrite_in_progress") == "1");
        await replica.Process.KillAsync();

        var evidence = Read(replica, Durability.Aof);
        Assert.Equal((DataState.Suspect, SuspectReason.StaleAof), (evidence.State, evidence.Reason));
        Assert.NotNull(evidence.Facts.Directory.Value!.Unfinished.AofStart);
        await master.Process.KillAsync();
        await replica.RestartAsync();
        Assert.StartsWith(":3\r\n", await CallAsync(replica, "DBSIZE"), StringComparison.Ordinal); // the trap is real
    }

    [Fact]
    public async Task A_lonely_master_changes_its_replication_id_unless_its_backlog_is_kept()
    {
        await using var forgetful = await RedisProcess.StartAsync("repl-backlog-ttl 1");
        await using var ours = await RedisProcess.StartAsync("repl-backlog-ttl 0"); // as RedisServerPlan ships it
        foreach (var master in (RedisProcess[])[ours, forgetful])
        {
            await using var replica = await RedisProcess.StartAsync(ReplicaOf(master));
            await WaitForLinkAsync(replica);
        }

        var (kept, before) = (await PositionAsync(ours), await PositionAsync(forgetful));
        await forgetful.Process.WaitUntilAsync("another replication id", async () => (await PositionAsync(forgetful)).Id != before.Id);
        Assert.Equal(kept.Id, (await PositionAsync(ours)).Id); // alone for longer
    }

    [Fact]
    public async Task Flushed_data_are_empty_not_absent()
    {
        await using var server = await RedisProcess.StartAsync([.. Aof, .. Rdb]);
        Assert.Equal(DataState.Empty, Read(server, Durability.Aof).State); // files of a server that has begun
        await SetAsync(server, 0, 3);
        await CallAsync(server, "FLUSHALL");
        await CallAsync(server, "BGREWRITEAOF");
        await WaitForRewriteAsync(server);
        await server.Process.TerminateAsync();
        Assert.Equal(DataState.Empty, Read(server, Durability.Rdb).State);
        Assert.Equal(DataState.Empty, Read(server, Durability.Aof).State);
    }

    [Fact]
    public async Task A_base_of_commands_and_a_torn_end_are_read_as_the_server_reads_them()
    {
        await using var server = await RedisProcess.StartAsync([.. Aof, "aof-use-rdb-preamble no"]);
        await SetAsync(server, 0, 3);
        await CallAsync(server, "BGREWRITEAOF");
        await WaitForRewriteAsync(server);
        await SetAsync(server, 3, 3);
        await WaitForAofWrittenAsync(server);
        await server.Process.KillAsync();
        var newest = Mark(server);
        var path = Path.Combine(server.Folder, "appendonlydir", newest.File);
        using (var file = new FileStream(path, FileMode.Open)) file.SetLength(newest.Length - 4);
        var evidence = Read(server, Durability.Aof);
        Assert.Equal((DataState.Present, AofEnd.Torn), (evidence.State, evidence.Facts.AofTail.Value!.End));
        Assert.Equal(FactState.Absent, evidence.Facts.AofBase.State);
        await server.RestartAsync();
        Assert.StartsWith(":5\r\n", await CallAsync(server, "DBSIZE"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rescue_taken_before_a_destructive_follow_restores_the_overwritten_keys()
    {
        await using var master = await RedisProcess.StartAsync();
        await using var server = await RedisProcess.StartAsync(Aof);
        await SetAsync(server, 0, 7);
        await server.Process.TerminateAsync();
        var store = new RescueStore(server.Folder, new RescueLimits(3, 1_000_000));
        var kept = Assert.IsType<RescueOutcome.Kept>(store.Preserve(
            Read(server, Durability.Aof), "test", new FencingToken(1, 0, 0), new NodeIdentity("redis-0", "u"), DateTimeOffset.UnixEpoch));
        await server.RestartAsync();
        await CallAsync(server, $"REPLICAOF 127.0.0.1 {master.Port}");
        await WaitForLinkAsync(server);
        await WaitForKeysAsync(server, 0);
        await WaitForRewriteAsync(server); // until then SIGTERM is refused: "Writing initial AOF, can't exit"
        await server.Process.TerminateAsync();

        using var restored = new TempFolder("restored");
        var source = Path.Combine(server.Folder, ".sidecar", "rescue", kept.Rescue.Name, "appendonlydir");
        foreach (var file in Directory.GetFiles(source))
            File.Copy(file, Path.Combine(restored.Folder("appendonlydir"), Path.GetFileName(file)));
        await using var second = await RedisProcess.StartAsync(restored, FreePort.Next(), Aof);
        await WaitForKeysAsync(second, 7);
    }

    private static AofMark Mark(RedisProcess server)
    {
        var newest = Read(server, Durability.Aof).Facts.AofFiles[^1];
        return new AofMark(newest.Entry.Name, newest.Stat.Value!.Length);
    }

    private static void WriteMarker(RedisProcess server, ReplicationPosition position, AofMark? aof)
    {
        Assert.True(ClusterId.TryParse("ns/redis", out var cluster));
        var node = new NodeIdentity("redis-0", server.Port.ToString(CultureInfo.InvariantCulture));
        var marker = new Marker(cluster!, node, "boot", new FencingToken(1, 0, 0), LineageHistory.Empty, MarkerRole.Master, 0)
        { Position = position, Aof = aof };
        Assert.True(new MarkerStore(server.Folder).TryWrite(marker, out var fault), fault.Detail);
    }

    private static void DeleteDump(RedisProcess server) => File.Delete(Path.Combine(server.Folder, "dump.rdb"));
}
