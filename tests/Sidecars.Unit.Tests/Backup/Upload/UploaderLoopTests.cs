using Sidecars.Backup.Archive;
using Sidecars.Backup.Lease;
using Sidecars.Backup.Store;
using Sidecars.Backup.Upload;
using Sidecars.TestKit.FakeRedis;
using Sidecars.Unit.Tests.Failover.Loops;
using Xunit.Abstractions;
using static Sidecars.Unit.Tests.Failover.Loops.ApiAwayTests;
using static Sidecars.Unit.Tests.Failover.Loops.QuietDayTests;

namespace Sidecars.Unit.Tests.Backup.Upload;

/// <summary>The uploader's loop, its turn with the lease, and its watch of the server. An hour; a day with SIDECARS_SOAK=1.</summary>
[Collection(QuietDays.Name)]
public sealed class UploaderLoopTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    [QuietDayOf(typeof(UploaderLoop), typeof(UploadTurn), typeof(NodeWatch))]
    public async Task While_nothing_is_written_only_the_lease_is_renewed_and_the_next_command_is_in_the_store_within_a_flush()
    {
        await using var rig = new UploaderRig();
        await OnThreadAsync(() =>
        {
            rig.StartUploading();
            rig.Run(TimeSpan.FromMinutes(1));
            Assert.Equal((1, 1, 1L), (rig.Loop.Counters.Bases, rig.Loop.Counters.Segments, rig.Stored));
            var before = rig.Objects.Requests;
            QuietDay.Pass(rig.Time, () => rig.IsIdle, output, Hours);
            // A renewal every 30 s is one request; what a drill found is looked for once an hour, by a handful.
            Assert.InRange(rig.Objects.Requests - before, 115 * Hours, 130 * Hours);
            Assert.Equal((1, 0L), (rig.Loop.Counters.Segments, rig.Loop.Counters.Failures));
            Assert.Equal(0, rig.Redis.OpenConnections);
            rig.Append();
            rig.Run(Second + (Second / 4));
            Assert.Equal((2, 2L), (rig.Loop.Counters.Segments, rig.Stored));
        });
    }

    [Theory]
    [InlineData(StoreFailure.Unavailable)]
    [InlineData(StoreFailure.Denied)]
    public async Task A_store_that_is_away_is_asked_ever_more_rarely_and_has_everything_within_seconds_of_its_return(StoreFailure failure)
    {
        await using var rig = new UploaderRig();
        await OnThreadAsync(() =>
        {
            rig.StartUploading();
            rig.Run(TimeSpan.FromMinutes(1));
            var (before, lines) = (rig.Objects.Requests, rig.Lines.Length);
            rig.Objects.Weather = key => new StoreException(failure, key, "away");
            rig.Append();
            rig.Run(TimeSpan.FromHours(Hours));
            Assert.InRange(rig.Objects.Requests - before, 240, 500 * Hours);
            // Every twentieth failure is told.
            Assert.InRange(rig.Lines.Length - lines, 10, 30 * Hours);
            Assert.Equal((1, UploaderRig.Command.Length), (rig.Loop.Counters.Segments, (int)rig.Loop.Counters.PendingBytes));
            Assert.True(rig.Time.GetElapsedTime(rig.Loop.Counters.SteppedAt) <= rig.Options.Look);
            rig.Objects.Weather = _ => null;
            rig.Run(16 * Second);
            Assert.Equal((2, 2L, 0L), (rig.Loop.Counters.Segments, rig.Stored, rig.Loop.Counters.PendingBytes));
        });
    }

    [Fact]
    public async Task A_segment_that_hangs_for_minutes_holds_up_nothing_else_and_what_came_meanwhile_follows_it()
    {
        await using var rig = new UploaderRig();
        await OnThreadAsync(() =>
        {
            rig.StartUploading();
            rig.Run(TimeSpan.FromMinutes(1));
            rig.Objects.Hangs = key => key.Contains("/tail/", StringComparison.Ordinal);
            rig.Append();
            rig.Run(5 * Second);
            rig.Append();
            rig.Run(TimeSpan.FromMinutes(5));
            Assert.Equal((1, 2 * UploaderRig.Command.Length), (rig.Objects.Hanging, (int)rig.Loop.Counters.PendingBytes));
            rig.Objects.Answer();
            rig.Time.Settle(() => rig.Loop.Counters.Segments == 2);
            rig.Run(3 * Second);
            Assert.Equal((3, 3L), (rig.Loop.Counters.Segments, rig.Stored));
        });
    }

    [Fact]
    public async Task A_replica_that_loses_its_master_gives_the_lease_back_and_takes_it_again_when_it_is_linked()
    {
        await using var rig = new UploaderRig();
        await OnThreadAsync(() =>
        {
            rig.StartUploading();
            rig.Run(TimeSpan.FromMinutes(1));
            rig.IsLinkUp = false;
            rig.Run(29 * Second);
            Assert.True(rig.Loop.Counters.LeaseHeld);
            rig.Time.Run(3 * Second, () => rig.Time.Sleepers is 1 or 2);
            rig.Time.Settle(() => !rig.Loop.Counters.LeaseHeld && rig.Time.Sleepers == 1);
            var before = rig.Objects.Requests;
            rig.Run(TimeSpan.FromMinutes(10));
            // One look at the lease a second.
            Assert.InRange(rig.Objects.Requests - before, 550, 610);
            rig.IsLinkUp = true;
            rig.Time.Run(2 * Second, () => rig.Time.Sleepers is 1 or 2);
            rig.Time.Settle(() => rig.Loop.Counters.LeaseHeld);
        });
    }

    [Fact]
    public async Task Another_node_s_lease_is_left_alone_while_it_is_renewed_and_taken_90_s_after_the_last_renewal()
    {
        await using var rig = new UploaderRig();
        var (other, etag) = (new UploaderLease("redis-1", 1, 1, 0, DateTimeOffset.UnixEpoch) { Writer = "redis-1" }, (string?)null);
        etag = await rig.Store.WriteLeaseAsync(other, etag, default);
        _ = rig.Start();
        var before = rig.Objects.Requests;
        for (var renewals = 0; renewals < 120; renewals++)
        {
            await OnThreadAsync(() => rig.Run(30 * Second));
            other = other with { Beat = other.Beat + 1 };
            etag = await rig.Store.WriteLeaseAsync(other, etag, default);
        }

        await OnThreadAsync(() =>
        {
            // Every 9 s, and our own renewals.
            Assert.InRange(rig.Objects.Requests - before, 120 + 380, 120 + 410);
            rig.Run(85 * Second);
            Assert.False(rig.Loop.Counters.LeaseHeld);
            rig.Time.Run(20 * Second, () => rig.Time.Sleepers is 1 or 2);
            rig.Time.Settle(() => rig.Loop.Counters.LeaseHeld);
        });
    }

    [Fact]
    public async Task What_a_store_may_not_throw_ends_the_loop_and_with_it_the_process()
    {
        await using var rig = new UploaderRig();
        rig.Objects.Weather = _ => new InvalidOperationException("no such bucket type");
        Assert.Equal("no such bucket type", (await Assert.ThrowsAsync<InvalidOperationException>(rig.Start)).Message);
    }

    [Fact]
    public async Task A_server_without_AOF_is_asked_to_save_once_a_day_and_one_that_refuses_at_each_flush()
    {
        await using var rig = new UploaderRig(snapshots: true);
        rig.OnSave = FakeReply.Error("ERR Background append only file rewriting in progress");
        await OnThreadAsync(() =>
        {
            rig.StartUploading();
            rig.Run(TimeSpan.FromMinutes(10));
            Assert.InRange(rig.Saves, 500, 602);
            Assert.Equal(0, rig.Loop.Counters.Bases);
            rig.OnSave = FakeReply.Simple("Background saving started");
            rig.Run(3 * Second);
            rig.Time.Settle(() => rig.Objects.Keys.Any(k => k.Contains("/base/", StringComparison.Ordinal)));
            // The upload runs beside the steps, by the machine's own time.
            rig.Time.Settle(() =>
            {
                rig.Run(Second);
                return rig.Loop.Counters.Bases > 0;
            });
            Assert.Equal(1, rig.Loop.Counters.Bases);
            var before = rig.Saves;
            rig.Run(TimeSpan.FromHours(Hours));
            Assert.InRange(rig.Saves - before, 0, 1);
        });
    }
}
