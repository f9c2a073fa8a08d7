using Sidecars.Backup.Archive;
using Sidecars.Backup.Store;
using Sidecars.Backup.Upload;
using static Sidecars.Unit.Tests.Failover.Loops.QuietDayTests;

namespace Sidecars.Unit.Tests.Backup.Upload;

/// <summary>A backup on demand, asked of a node that uploads.</summary>
public sealed class NowCommandTests
{
    private static readonly TimeSpan Wait = TimeSpan.FromMinutes(10);

    [Fact]
    public async Task A_node_that_does_not_answer_is_asked_once_and_waited_for_as_long_as_was_said()
    {
        await using var rig = new UploaderRig();
        await rig.Store.WriteLeaseAsync(new UploaderLease("redis-1", 1, 1, 0, DateTimeOffset.UnixEpoch), null, default);
        var running = Start(rig);
        await OnThreadAsync(() => rig.Time.Run(Wait, () => rig.Time.Sleepers == 1 || running.IsCompleted));
        Assert.Contains("no backup was completed within 10m", (await Assert.ThrowsAsync<IOException>(() => running)).Message,
            StringComparison.Ordinal);
        Assert.Equal(rig.Time.Now, Wait);
        var lease = (await rig.Store.ReadLeaseAsync(default))!.Value.Lease;
        Assert.Equal((1L, true), (lease.Beat, lease.BaseWanted is not null));
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

    private static Task<string> Start(UploaderRig rig) =>
        Task.Run(() => new NowCommand(rig.Store, rig.Loop, rig.Options, _ => { }, rig.Time).RunAsync(Wait, default));
}
