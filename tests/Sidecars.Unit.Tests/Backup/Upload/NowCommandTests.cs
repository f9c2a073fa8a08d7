using Sidecars.Backup.Archive;
using Sidecars.Backup.Store;
using Sidecars.Backup.Upload;
using static Sidecars.Unit.Tests.Failover.Loops.QuietDayTests;

namespace Sidecars.Unit.Tests.Backup.Upload;

/// <summary>A backup on demand, asked of a node that uploads.</summary>
public sealed class NowCommandTests
{
    private static readonly TimeSpan Wait = TimeSpan.FromMinutes(10);

    /// <summary>As after a kill of the sidecar that uploads, where no other one runs.</summary>
    [Fact]
    public async Task A_node_that_is_silent_is_asked_once_and_its_lease_taken_when_no_sidecar_has_taken_it()
    {
        await using var rig = new UploaderRig();
        await rig.Store.WriteLeaseAsync(new UploaderLease("redis-1", 1, 1, 0, DateTimeOffset.UnixEpoch), null, default);
        var words = new List<string>();
        var running = Start(rig, words.Add);
        await OnThreadAsync(() => rig.Time.Run(TimeSpan.FromMinutes(4), () => rig.Time.Sleepers >= 1 || running.IsCompleted));
        var id = await running;
        var catalogue = await rig.Store.ReadCatalogueAsync(default);
        Assert.Equal(id, Assert.Single(catalogue.Backups).Id);
        Assert.Equal("waiting for the backup of redis-1, which uploads", words[0]);
        Assert.Contains("redis-1 does not renew its lease: the backup is taken here after 3m30s", words);
        Assert.Equal("redis-1 has not renewed its lease for 3m30s: taking the backup here", words[^1]);
        Assert.Equal("", catalogue.Uploader!.Holder);
    }

    [Fact]
    public async Task A_node_that_renews_and_takes_no_base_is_asked_once_and_waited_for_as_long_as_was_said()
    {
        await using var rig = new UploaderRig();
        await rig.Store.WriteLeaseAsync(new UploaderLease("redis-1", 1, 1, 0, DateTimeOffset.UnixEpoch), null, default);
        var running = Start(rig);
        for (var renewals = 0; renewals < 20; renewals++)
        {
            await OnThreadAsync(() => rig.Time.Run(TimeSpan.FromSeconds(30), () => rig.Time.Sleepers == 1 || running.IsCompleted));
            await RenewAsync(rig);
        }

        Assert.Contains("no backup was completed within 10m", (await Assert.ThrowsAsync<IOException>(() => running)).Message,
            StringComparison.Ordinal);
        Assert.Equal(rig.Time.Now, Wait);
        var lease = (await rig.Store.ReadLeaseAsync(default))!.Value.Lease;
        Assert.Equal((20L, true), (lease.Beat, lease.BaseWanted is not null));
        // The lease, and a look at what is listed, each second.
        Assert.InRange(rig.Objects.Requests, 1_800, 2_500);
    }

    [Fact]
    public async Task A_store_that_goes_away_ends_it_with_the_reason()
    {
        await using var rig = new UploaderRig();
        await rig.Store.WriteLeaseAsync(new UploaderLease("redis-1", 1, 1, 0, DateTimeOffset.UnixEpoch), null, default);
        var running = Start(rig);
        await OnThreadAsync(() =>
        {
            rig.Time.Run(TimeSpan.FromMinutes(1), () => rig.Time.Sleepers == 1);
            rig.Objects.Weather = key => new StoreException(StoreFailure.Unavailable, key, "away");
            rig.Time.Run(TimeSpan.FromSeconds(1), () => rig.Time.Sleepers == 1 || running.IsCompleted);
        });
        Assert.Equal(StoreFailure.Unavailable, (await Assert.ThrowsAsync<StoreException>(() => running)).Failure);
    }

    private static Task<string> Start(UploaderRig rig, Action<string>? progress = null) =>
        Task.Run(() => new NowCommand(rig.Store, rig.Loop, rig.Options, progress ?? (_ => { }), rig.Time).RunAsync(Wait, default));

    private static async Task RenewAsync(UploaderRig rig)
    {
        var (lease, etag) = (await rig.Store.ReadLeaseAsync(default))!.Value;
        Assert.NotNull(await rig.Store.WriteLeaseAsync(lease with { Beat = lease.Beat + 1 }, etag, default));
    }
}
