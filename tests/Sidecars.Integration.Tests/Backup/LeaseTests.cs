using Sidecars.Backup.Archive;
using Sidecars.Backup.Lease;
using Sidecars.Backup.Store;
using Sidecars.Backup.Store.Directories;
using Sidecars.Backup.Tail;
using Sidecars.Backup.Upload;
using Sidecars.Core.Hosting;
using Sidecars.Core.Lineage;
using Sidecars.Core.Redis;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Backup;

/// <summary>Who uploads, when that is disputed or has become useless.</summary>
public class LeaseTests
{
    [Fact]
    public async Task A_replica_that_loses_its_link_gives_the_lease_back_and_claims_nothing_meanwhile()
    {
        await using var rig = await BackupRig.StartAsync("repl-ping-replica-period 1");
        await using var replica = await RedisProcess.StartAsync([.. BackupRig.Aof, $"replicaof 127.0.0.1 {rig.Redis.Port}"]);
        await using var client = await BackupRig.ConnectAsync(rig.Redis);
        await BackupRig.CallAsync(client, "SET", "before", "1");
        await Eventually.UntilAsync(
            "the replica to have it", async () => await BackupRig.DigestAsync(replica) == await BackupRig.DigestAsync(rig.Redis));
        await using var first = await BackupRig.StartSidecarAsync(replica, rig.StorePath, "redis-1", ("BACKUP_OUT_OF_SYNC", "2000"));
        await rig.WaitForBackupsAsync(1);

        var dead = FreePort.Next();
        await using (var cut = await BackupRig.ConnectAsync(replica)) await BackupRig.CallAsync(cut, "REPLICAOF", "127.0.0.1", $"{dead}");
        var cutAt = TimeProvider.System.GetUtcNow();
        await BackupRig.CallAsync(client, "SET", "after", "2"); // the replica will never have this
        await first.WaitForLineAsync(line => line.Contains("lease_given_back", StringComparison.Ordinal), "it gives up");
        var lease = (await rig.Store.ReadLeaseAsync(default))!.Value.Lease;
        Assert.Equal(("", true), (lease.Holder, lease.CoveredUntil <= cutAt));

        await using var second = await rig.StartSidecarAsync();
        await rig.WaitForBackupsAsync(2);
        await rig.WaitUntilCoveredAsync();
        Assert.Equal("redis-0", (await rig.Store.ReadLeaseAsync(default))!.Value.Lease.Holder);
        Assert.Equal(await BackupRig.DigestAsync(rig.Redis), await rig.RestoredDigestAsync("latest"));
        Assert.True(first.Running);
    }

    [Fact]
    public async Task An_uploader_whose_server_is_down_gives_the_lease_back_and_goes_on_when_it_is_up()
    {
        await using var rig = await BackupRig.StartAsync();
        await using var sidecar = await rig.StartSidecarAsync(("BACKUP_OUT_OF_SYNC", "500"));
        await rig.WaitForBackupsAsync(1);
        await using (var client = await BackupRig.ConnectAsync(rig.Redis)) await BackupRig.CallAsync(client, "SET", "a", "1");
        await rig.WaitUntilCoveredAsync();
        await rig.Redis.Process.KillAsync();
        await sidecar.WaitForLineAsync(line => line.Contains("lease_given_back", StringComparison.Ordinal), "it gives up");
        await rig.Redis.RestartAsync();
        await sidecar.WaitForLineAsync(line => line.Contains("\"resumed\"", StringComparison.Ordinal), "the same stream goes on");
        await using (var client = await BackupRig.ConnectAsync(rig.Redis)) await BackupRig.CallAsync(client, "SET", "b", "2");
        await rig.WaitUntilCoveredAsync();
        Assert.Equal(await BackupRig.DigestAsync(rig.Redis), await rig.RestoredDigestAsync("latest"));
        Assert.Equal(1, (await rig.Store.ReadLeaseAsync(default))!.Value.Lease.Generation);
    }

    [Fact]
    public async Task Two_uploaders_of_one_name_at_once_write_one_history()
    {
        await using var rig = await BackupRig.StartAsync();
        await using var client = await BackupRig.ConnectAsync(rig.Redis);
        await using (var one = await rig.StartSidecarAsync())
        {
            await rig.WaitForBackupsAsync(1);
            await using var two = await rig.StartSidecarAsync(); // a pod that was thought dead: each takes the lease for its own
            await Eventually.UntilAsync("six sessions", async () =>
            {
                await WriteAsync(client, 1);
                return (await rig.Store.ReadLeaseAsync(default))!.Value.Lease.Session >= 6;
            });
        }

        await using var last = await rig.StartSidecarAsync();
        await WriteAsync(client, -1);
        await rig.WaitUntilCoveredAsync();
        await Eventually.UntilAsync("a backup of the last generation", async () => (await rig.Store.ReadCatalogueAsync(default)) is var c
            && c.Backups.Any(b => b.Manifest.Generation == c.Uploader!.Generation));
        Assert.Equal(0, await last.TerminateAsync());
        var catalogue = await rig.Store.ReadCatalogueAsync(default);
        Assert.Empty(catalogue.Oddities);
        Assert.Equal(await BackupRig.DigestAsync(rig.Redis), await rig.RestoredDigestAsync("latest"));
        foreach (var backup in catalogue.Backups) await rig.RestoredDigestAsync(backup.Id); // loads with aof-load-truncated no
    }

    [Theory]
    [InlineData(PutConditionKind.Absent, "If-None-Match: *")]
    [InlineData(PutConditionKind.Matches, "If-Match")]
    public async Task A_store_that_ignores_a_condition_is_refused_before_anything_is_kept_there(PutConditionKind ignored, string named)
    {
        await using var rig = await BackupRig.StartAsync();
        var store = new BackupStore(new ForgetfulStore(new DirectoryStore(rig.StorePath), ignored), BackupRig.Layout);
        var loop = Loop(rig, store);
        var error = await Assert.ThrowsAsync<StoreException>(() => loop.BackUpOnceAsync(TimeSpan.FromSeconds(20), null, default));
        Assert.Equal(StoreFailure.Unfit, error.Failure);
        Assert.Contains(named, error.Message, StringComparison.Ordinal);

        using var stop = new CancellationTokenSource();
        var second = Loop(rig, store);
        var running = second.RunAsync(stop.Token);
        await Eventually.UntilAsync("the loop to refuse it too", () => second.Counters.Failures >= 1); // it tries again after minutes
        await stop.CancelAsync();
        await running.ContinueWith(_ => { }, TaskScheduler.Default); // by its own end, or within a pause
        var entries = await rig.Store.Objects.ListAsync(BackupRig.Layout.Root, null, default).ToListAsync();
        Assert.Equal([BackupRig.Layout.Uploader], entries.Select(e => e.Key));

        // A fit one is proved, and used.
        Assert.NotNull(await Loop(rig, rig.Store).BackUpOnceAsync(TimeSpan.FromSeconds(20), null, default));
    }

    private static UploaderLoop Loop(BackupRig rig, BackupStore store) => new(
        store, new AofDirectory(rig.Redis.Folder, DataLayout.Default),
        new NodeFacts(new TcpTransport(rig.Redis.Endpoint), new RedisClientOptions()),
        new UploaderOptions { Node = "redis-0" }, new JsonLineLog(Stream.Null, "test", TimeProvider.System),
        TimeProvider.System, new Random(1));

    private static async Task WriteAsync(RedisClient client, int number)
    {
        await BackupRig.CallAsync(client, "MULTI");
        await BackupRig.CallAsync(client, "RPUSH", "list", $"{number}");
        await BackupRig.CallAsync(client, "INCR", "count");
        await BackupRig.CallAsync(client, "EXEC");
    }
}
