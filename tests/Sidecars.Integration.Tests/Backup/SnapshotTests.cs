using Sidecars.Backup.Archive;
using Sidecars.Backup.Restore;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Backup;

/// <summary>A group with DURABILITY=rdb: snapshots are shipped, and each is a state by itself.</summary>
public class SnapshotTests
{
    private static readonly (string, string) Rdb = ("DURABILITY", "rdb");

    [Fact]
    public async Task Snapshots_are_shipped_verified_and_restored_as_the_file_that_such_a_server_loads()
    {
        await using var rig = await BackupRig.StartAsync("appendonly no");
        await using var client = await BackupRig.ConnectAsync(rig.Redis);
        await BackupRig.CallAsync(client, "SET", "a", "1");
        await using var sidecar = await rig.StartSidecarAsync(Rdb);
        await rig.WaitForBackupsAsync(1);
        _ = await BackupRig.EndOfSecondAsync(client); // of the snapshot, which a time must be after
        var (first, at) = (await BackupRig.DigestAsync(rig.Redis), await BackupRig.EndOfSecondAsync(client));
        await BackupRig.CallAsync(client, "SET", "b", "2");
        (await rig.RunAsync([Rdb], "now")).Succeeded(); // by the sidecar
        var backups = (await rig.Store.ReadCatalogueAsync(default)).Backups;
        Assert.Equal((2, true), (backups.Length, backups.All(b => b.Manifest is { IsSnapshot: true, Base.Name: "dump.rdb" })));
        Assert.Equal([new DatabaseCount(0, 2, 2)], backups[^1].Manifest.Databases.AsEnumerable());

        Assert.Equal(first, await RestoredAsync(rig, backups[0].Id, "rdb", "dump.rdb"));
        Assert.Equal(await BackupRig.DigestAsync(rig.Redis), await RestoredAsync(rig, "latest", "rdb", "dump.rdb"));
        Assert.Equal(first, await RestoredAsync(rig, backups[0].Id, "aof", "appendonlydir")); // for a group that has an AOF now
        (await rig.RunAsync([Rdb], "verify")).Succeeded();

        using var target = new TempFolder("target");
        var time = await rig.RunAsync([Rdb], "restore", "--to", RestorePlan.Show(at), "--target", target.Path);
        Assert.Equal(1, time.ExitCode);
        foreach (var part in (string[])["no append-only file to replay", "DURABILITY=rdb", backups[0].Id, backups[1].Id])
            Assert.Contains(part, time.Output, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(target.Path));
        Assert.Equal(0, await sidecar.TerminateAsync());
    }

    [Fact]
    public async Task A_restart_takes_no_snapshot_before_one_is_due()
    {
        await using var rig = await BackupRig.StartAsync("appendonly no");
        await using (var sidecar = await rig.StartSidecarAsync(Rdb))
        {
            await rig.WaitForBackupsAsync(1);
            await sidecar.KillAsync();
        }

        await using var again = await rig.StartSidecarAsync(Rdb);
        await again.WaitForLineAsync(line => line.Contains("\"resumed\"", StringComparison.Ordinal), "it goes on");
        (await rig.RunAsync([Rdb], "now")).Succeeded(); // asked for: exactly one more
        Assert.Equal(2, (await rig.Store.ReadCatalogueAsync(default)).Backups.Length);
    }

    [Fact]
    public async Task A_server_that_refuses_a_rewrite_is_heard_in_the_log_and_the_tail_goes_on()
    {
        await using var rig = await BackupRig.StartAsync("rename-command BGREWRITEAOF BGREWRITEAOF-OF-OTHERS");
        await using var sidecar = await rig.StartSidecarAsync();
        await rig.WaitForBackupsAsync(1); // the first one takes the files as they are
        var refused = await rig.RunAsync("now", "--wait", "5");
        Assert.Equal(1, refused.ExitCode);
        await sidecar.WaitForLineAsync(
            line => line.Contains("the next backup waits: BGREWRITEAOF is refused: ERR unknown command", StringComparison.Ordinal),
            "the refusal");
        await rig.WaitUntilCoveredAsync();
        Assert.Single(sidecar.Output, line => line.Contains("backup_waits", StringComparison.Ordinal)); // said once, not at every flush
    }

    [Fact]
    public async Task A_server_that_refuses_a_snapshot_for_ever_is_given_up_with_what_it_said()
    {
        await using var rig = await BackupRig.StartAsync("appendonly no", "rename-command BGSAVE BGSAVE-OF-OTHERS");
        var refused = await rig.RunAsync([Rdb], "now", "--wait", "1");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("no backup within 1s: BGSAVE is refused: ERR unknown command", refused.Output, StringComparison.Ordinal);
        Assert.Equal("", (await rig.Store.ReadLeaseAsync(default))!.Value.Lease.Holder); // and another may try at once
    }

    [Fact]
    public async Task An_append_only_file_is_not_restored_for_a_server_that_would_not_load_it()
    {
        await using var rig = await BackupRig.StartAsync();
        (await rig.RunAsync("now")).Succeeded();
        using var target = new TempFolder("target");
        var result = await rig.RunAsync([Rdb], "restore", "--target", target.Path);
        Assert.Equal((1, true), (result.ExitCode, result.Output.Contains("restore with DURABILITY=aof", StringComparison.Ordinal)));
        Assert.Empty(Directory.EnumerateFileSystemEntries(target.Path));
    }

    [Fact]
    public async Task A_cache_has_no_backups()
    {
        await using var rig = await BackupRig.StartAsync("appendonly no");
        foreach (var command in (string[])["run", "now"])
        {
            var result = await rig.RunAsync([("DURABILITY", "none")], command);
            Assert.Equal((1, true), (result.ExitCode, result.Output.Contains("nothing to back up", StringComparison.Ordinal)));
        }
    }

    private static async Task<string> RestoredAsync(BackupRig rig, string to, string durability, string expected)
    {
        using var target = new TempFolder("restored");
        (await rig.RunAsync([("DURABILITY", durability)], "restore", "--to", to, "--target", target.Path)).Succeeded();
        Assert.Equal([expected], Directory.EnumerateFileSystemEntries(target.Path).Select(Path.GetFileName).Where(n => n != ".sidecar"));
        await using var server = await RedisProcess.StartAsync(
            target, FreePort.Next(), durability == "aof" ? "appendonly yes" : "appendonly no", "enable-debug-command yes");
        return await BackupRig.DigestAsync(server);
    }
}
