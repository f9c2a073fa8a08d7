using Sidecars.Backup.Archive;
using Sidecars.Core.Redis;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Backup;

/// <summary>What is deleted out of a store is missed by every command that people look at, and healed by the uploader.</summary>
public sealed class HoleTests
{
    [Fact]
    public async Task A_deleted_segment_is_named_by_list_and_verify_shown_as_a_metric_and_healed_by_run()
    {
        await using var rig = await BackupRig.StartAsync();
        await using var client = await BackupRig.ConnectAsync(rig.Redis);
        await using (var sidecar = await rig.StartSidecarAsync())
        {
            await rig.WaitForBackupsAsync(1);
            await ShipAsync(rig, client, 3);
            await rig.WaitUntilCoveredAsync();
            Assert.Equal(0, await sidecar.TerminateAsync());
        }

        (await rig.RunAsync("list")).Succeeded();
        (await rig.RunAsync("verify")).Succeeded();
        File.Delete(Segments(rig)[1]);
        foreach (var command in (string[])["list", "verify"])
        {
            var result = await rig.RunAsync(command);
            Assert.Equal(1, result.ExitCode);
            Assert.Contains("a segment is missing: generation 0000000001, tail/", result.Output, StringComparison.Ordinal);
        }

        Assert.Contains("can't be restored", (await rig.RunAsync("list")).Output, StringComparison.Ordinal);
        Assert.Contains("a segment is missing", (await rig.RunAsync("prune")).Succeeded().Output, StringComparison.Ordinal);

        var port = FreePort.Next();
        await using var again = await rig.StartSidecarAsync(("METRICS_PORT", $"{port}"));
        await again.WaitForLineAsync(line => line.Contains("\"backup_damaged\"", StringComparison.Ordinal), "the hole to be noticed");
        await rig.WaitForBackupsAsync(2);
        await rig.WaitUntilCoveredAsync();
        Assert.Equal(await BackupRig.DigestAsync(rig.Redis), await rig.RestoredDigestAsync("latest"));
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        await Eventually.UntilAsync("the hole of the old generation",
            async () => (await http.GetStringAsync("/metrics")).Contains("\nsidecars_backup_holes 1", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_segment_with_other_bytes_is_found_by_a_drill()
    {
        await using var rig = await BackupRig.StartAsync();
        await using var client = await BackupRig.ConnectAsync(rig.Redis);
        await using (var sidecar = await rig.StartSidecarAsync())
        {
            await rig.WaitForBackupsAsync(1);
            await ShipAsync(rig, client, 2);
            Assert.Equal(0, await sidecar.TerminateAsync());
        }

        var path = Segments(rig)[1];
        var bytes = await File.ReadAllBytesAsync(path);
        bytes[^5] ^= 1;
        await File.WriteAllBytesAsync(path, bytes);
        (await rig.RunAsync("list")).Succeeded(); // by names and lengths nothing is wrong
        var drill = await rig.RunAsync("verify");
        Assert.Equal(1, drill.ExitCode);
        Assert.Contains(Path.GetFileName(path), drill.Output, StringComparison.Ordinal);
        Assert.Contains("its content is not what its name says", drill.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_backup_that_says_what_server_it_is_of_is_refused_by_one_that_can_t_load_it_before_anything_is_written()
    {
        await using var rig = await BackupRig.StartAsync();
        (await rig.RunAsync("now")).Succeeded();
        var backup = (await rig.Store.ReadCatalogueAsync(default)).Backups[0].Manifest;
        Assert.Equal(("Redis", new RdbFormat("REDIS", 10)), (backup.ServerProduct, backup.Format));
        // As a later server's.
        var path = rig.Folder.File("store", BackupRig.Layout.Base(backup.Generation, backup.Id), BackupLayout.ManifestName);
        await File.WriteAllBytesAsync(path, BackupManifestDocument.Write(
            backup with { ServerProduct = "Valkey", ServerVersion = "9.1.2", Format = new RdbFormat("VALKEY", 80) }));
        using var target = new TempFolder("target");
        foreach (var arguments in (string[][])[["restore", "--target", target.Path], ["restore", "--dry-run", "--target", target.Path]])
        {
            var result = await rig.RunAsync(arguments);
            Assert.Equal(1, result.ExitCode);
            foreach (var named in (string[])["Valkey 9.1.2, in format RDB VALKEY 80", "Redis 7.0.15, which reads up to RDB REDIS 10"])
                Assert.Contains(named, result.Output, StringComparison.Ordinal);
            Assert.Empty(Directory.EnumerateFileSystemEntries(target.Path));
        }

        // A server that can't be asked is no reason to refuse, nor is a scratch directory that can't be written to.
        var unknown = (await rig.RunAsync(
            [("REDIS_SERVER_BIN", "/no/such/server")], "restore", "--dry-run", "--target", target.Path)).Succeeded();
        Assert.Contains("is not known", unknown.Output, StringComparison.Ordinal);
        Assert.Equal(1, (await rig.RunAsync([("BACKUP_SCRATCH_DIR", "/proc/none")], "restore", "--target", target.Path)).ExitCode);
        Assert.Empty(Directory.EnumerateFileSystemEntries(target.Path));
        await File.WriteAllBytesAsync(path, BackupManifestDocument.Write(backup));
        (await rig.RunAsync("restore", "--target", target.Path)).Succeeded();
    }

    // So many segments, one after the other.
    private static async Task ShipAsync(BackupRig rig, RedisClient client, int count)
    {
        for (var i = 1; i <= count; i++)
        {
            await BackupRig.CallAsync(client, "SET", $"key{i}", new string('x', 500));
            var expected = i;
            await Eventually.UntilAsync(
                "one more segment", async () => (await rig.Store.ListSegmentsAsync(1, 0, [], default)).Count == expected);
        }
    }

    private static string[] Segments(BackupRig rig) =>
        [.. Directory.EnumerateFiles(rig.StorePath, "*.aof", SearchOption.AllDirectories)
            .Where(p => p.Contains("/tail/", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
}
