using Sidecars.Backup.Archive;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Backup;

/// <summary>The sidecar dies at any moment, or two of them live: what is listed restores, and no byte is missing or twice.</summary>
public class CrashTests
{
    private static int Rounds => RunCount.Soak ? 100 : 3;

    [Fact]
    public async Task Killed_at_random_moments_under_writes_and_rewrites_it_leaves_no_gap_and_no_overlap()
    {
        await using var rig = await BackupRig.StartAsync();
        var random = new Random(7);
        using var stop = new CancellationTokenSource();
        var load = WriteAsync(rig, stop.Token);
        for (var i = 0; i < Rounds; i++)
        {
            await using var sidecar = await rig.StartSidecarAsync();
            await sidecar.WaitForLineAsync(line => line.Contains("lease_taken", StringComparison.Ordinal), "it holds the lease");
            // the moment is what is random, not what is waited for
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(0, 700)), TimeProvider.System);
            await sidecar.KillAsync();
        }

        await using var last = await rig.StartSidecarAsync();
        await last.WaitForLineAsync(
            line => line.Contains("\"resumed\"", StringComparison.Ordinal) || line.Contains("generation_begun", StringComparison.Ordinal),
            "it ships again");
        await stop.CancelAsync();
        await load;
        await rig.WaitUntilCoveredAsync();
        await Eventually.UntilAsync("a backup of the last generation", async () => (await rig.Store.ReadCatalogueAsync(default)) is var c
            && c.Backups.Any(b => b.Manifest.Generation == c.Uploader!.Generation));
        await last.TerminateAsync();

        var catalogue = await rig.Store.ReadCatalogueAsync(default);
        Assert.Empty(catalogue.Oddities);
        foreach (var backup in catalogue.Backups) await rig.RestoredDigestAsync(backup.Id); // loads with aof-load-truncated no
        foreach (var generation in catalogue.Backups.Select(b => b.Manifest).GroupBy(m => m.Generation))
        {
            var segments = await rig.Store.ListSegmentsAsync(generation.Key, 0, [], default);
            var chain = SegmentChain.Link(segments, generation.First().Start, generation.First().StartDigest);
            Assert.Null(chain.Break);
            Assert.All(chain.Segments.Zip(chain.Segments.Skip(1)), pair => Assert.True(
                pair.First.To == pair.Second.From || (pair.Second.Sequence > pair.First.Sequence && pair.Second.Start == 0)));
        }

        Assert.Equal(await BackupRig.DigestAsync(rig.Redis), await rig.RestoredDigestAsync("latest"));
    }

    [Fact]
    public async Task Another_node_takes_over_in_a_generation_of_its_own_and_the_old_one_cannot_harm_it()
    {
        await using var rig = await BackupRig.StartAsync("repl-ping-replica-period 1");
        await using var other = await RedisProcess.StartAsync([.. BackupRig.Aof, $"replicaof 127.0.0.1 {rig.Redis.Port}"]);
        await using var client = await BackupRig.ConnectAsync(rig.Redis);
        await client.CallAsync(default, "SET", "before", "1");
        await Eventually.UntilAsync(
            "the replica to have it", async () => await BackupRig.DigestAsync(other) == await BackupRig.DigestAsync(rig.Redis));
        await using var first = await rig.StartSidecarAsync();
        await rig.WaitForBackupsAsync(1);
        first.Pause(); // stopped, and believes that it holds the lease
        await using var second = await BackupRig.StartSidecarAsync(other, rig.StorePath, "redis-1");
        await rig.WaitForBackupsAsync(2);
        await client.CallAsync(default, "SET", "after", "2");
        first.Resume();
        await first.WaitForLineAsync(line => line.Contains("lease was taken by redis-1", StringComparison.Ordinal), "it notices");
        await rig.WaitUntilCoveredAsync();
        var catalogue = await rig.Store.ReadCatalogueAsync(default);
        Assert.Equal("redis-1", catalogue.Uploader!.Holder);
        Assert.Equal(2, catalogue.Backups.Select(b => b.Manifest.Generation).Distinct().Count());
        Assert.Equal(await BackupRig.DigestAsync(rig.Redis), await rig.RestoredDigestAsync("latest"));
    }

    [Fact]
    public async Task A_dataset_that_was_replaced_begins_a_new_generation()
    {
        await using var rig = await BackupRig.StartAsync();
        await using var client = await BackupRig.ConnectAsync(rig.Redis);
        await client.CallAsync(default, "SET", "a", "1");
        await using var sidecar = await rig.StartSidecarAsync();
        await rig.WaitForBackupsAsync(1);
        // What is written between the two is in no AOF file: only the new base has it.
        await client.CallAsync(default, "CONFIG", "SET", "appendonly", "no");
        await client.CallAsync(default, "SET", "b", "2");
        await client.CallAsync(default, "CONFIG", "SET", "appendonly", "yes");
        await rig.WaitForBackupsAsync(2);
        await client.CallAsync(default, "SET", "c", "3");
        await rig.WaitUntilCoveredAsync();
        Assert.Equal(await BackupRig.DigestAsync(rig.Redis), await rig.RestoredDigestAsync("latest"));
        Assert.Contains(sidecar.Output, line => line.Contains("dataset_replaced", StringComparison.Ordinal));
    }

    private static async Task WriteAsync(BackupRig rig, CancellationToken cancellation)
    {
        await using var client = await BackupRig.ConnectAsync(rig.Redis);
        for (var i = 0; !cancellation.IsCancellationRequested; i++)
        {
            await client.CallAsync(default, "MULTI");
            await client.CallAsync(default, "RPUSH", $"list{i % 10}", $"{i}");
            await client.CallAsync(default, "INCR", "count");
            await client.CallAsync(default, "EXEC");
            if (i % 1500 == 1499) await client.CallAsync(default, "BGREWRITEAOF");
        }
    }
}
