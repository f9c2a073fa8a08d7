using Sidecars.Backup.Archive;
using Sidecars.Backup.Retention;
using Sidecars.Backup.Store;
using static Sidecars.Unit.Tests.Failover.Loops.QuietDayTests;

namespace Sidecars.Unit.Tests.Backup.Upload;

/// <summary>What goes wrong in the store under a running uploader: it is noticed there, and what follows can be restored again.</summary>
public sealed class ChainWatchTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Walk = TimeSpan.FromMinutes(5);

    [Theory]
    [InlineData(1, false)] // in the middle
    [InlineData(2, false)] // the last one: the lease knows how far the tail had come
    [InlineData(1, true)] // truncated
    public async Task A_segment_that_goes_under_a_running_uploader_is_told_and_a_new_generation_begins(int missing, bool isCut)
    {
        await using var rig = new UploaderRig(with: options => options with { Walk = Walk });
        await OnThreadAsync(() =>
        {
            Ship(rig, 3);
            var key = Segments(rig)[missing];
            Assert.True(rig.Objects.DeleteAsync(key, default).IsCompletedSuccessfully);
            if (isCut)
                Assert.True(rig.Objects.PutAsync(key, ObjectContent.Of(new byte[3]), PutCondition.None, default).IsCompletedSuccessfully);
            rig.Run(Walk);
            rig.Time.Settle(() => rig.Loop.Counters.Generation == 2);
            rig.Run(TimeSpan.FromMinutes(1));
            Assert.Equal(1, rig.Loop.Counters.FailuresByReason["chain_broken"]);
            Assert.Contains(rig.Lines, line => line.Contains("\"backup_damaged\"", StringComparison.Ordinal)
                && line.Contains("a segment is missing: generation 0000000001, tail/0000000001/", StringComparison.Ordinal));
            Assert.Equal((1, 2), (rig.Loop.Counters.Holes, rig.Loop.Counters.Bases));
            // Once: the old generation keeps its hole, and the new one is whole.
            rig.Run(4 * Walk);
            Assert.Equal((2, 1L), (rig.Loop.Counters.Generation, rig.Loop.Counters.FailuresByReason["chain_broken"]));
        });
        var review = await ReviewAsync(rig);
        Assert.Null(review.Severed(2));
        Assert.NotNull(review.Severed(1));
        Assert.Single(Segments(rig), key => key.Contains("0000000002/tail", StringComparison.Ordinal)); // all that the disk still held
    }

    [Fact]
    public async Task The_end_of_a_generation_is_known_to_the_next_one()
    {
        await using var rig = new UploaderRig();
        await rig.Store.WriteLeaseAsync(new UploaderLease("", 4, 4, 0, DateTimeOffset.UnixEpoch) { Writer = "redis-1" }, null, default);
        var old = Samples.Backup(4, 0, (1, 0), (1, 100));
        var chain = Samples.Chain(4, ChainDigest.Start, (1, 0, 100), (1, 100, 250), (1, 250, 300));
        old = old with { Manifest = old.Manifest with { EndDigest = chain[0].Digest, CompletedAt = rig.Time.GetUtcNow() } };
        await Samples.PutAsync(rig.Store, old, chain);
        var lease = (await rig.Store.ReadLeaseAsync(default))!.Value;
        // As of its last renewal, which is earlier than its end.
        await rig.Store.WriteLeaseAsync(lease.Lease with { Tip = new ChainMark(4, chain[0].To, chain[0].Digest) }, lease.ETag, default);
        await OnThreadAsync(() => Ship(rig, 1));
        Assert.Equal(0, (await ReviewAsync(rig)).Faults);

        await rig.Objects.DeleteAsync(rig.Store.Layout.Segment(4, chain[2]), default);
        var hole = Assert.Single((await ReviewAsync(rig)).Holes);
        Assert.Equal((4L, chain[1].To, chain[2].To), (hole.Generation, hole.At, hole.Until));
    }

    [Fact]
    public async Task A_snapshot_that_is_gone_is_taken_again_within_the_hour()
    {
        await using var rig = new UploaderRig(snapshots: true, with: options => options with { Look = Second });
        await OnThreadAsync(() =>
        {
            rig.StartUploading();
            for (var left = 3_600; left > 0 && rig.Loop.Counters.Bases == 0; left--) rig.Run(Second);
            Assert.True(rig.Objects.DeleteAsync(
                rig.Objects.Keys.Single(k => k.EndsWith(".rdb", StringComparison.Ordinal)), default).IsCompletedSuccessfully);
            for (var left = 30_000; left > 0 && rig.Loop.Counters.Bases == 1; left--) rig.Run(Second);
            Assert.Equal(2, rig.Loop.Counters.Bases);
        });
    }

    [Fact]
    public async Task A_tail_that_outgrows_its_base_gets_a_new_one_and_not_another_at_once()
    {
        await using var rig = new UploaderRig(with: options => options with { BaseTailBytes = 100, BaseLeast = TimeSpan.FromMinutes(10) });
        await OnThreadAsync(() =>
        {
            Ship(rig, 10);
            rig.Run(TimeSpan.FromMinutes(5));
            Assert.Equal((0, 1), (rig.Rewrites, rig.Loop.Counters.Bases));
            Until(rig, bases: 2);
            Assert.Equal(1, rig.Rewrites);
            // Nothing more is written: nothing outgrows it.
            rig.Run(TimeSpan.FromMinutes(30));
            Assert.Equal(1, rig.Rewrites);
            for (var i = 0; i < 10; i++) rig.Append();
            rig.Run(2 * Second);
            Until(rig, bases: 3);
            Assert.Equal(2, rig.Rewrites);
        });
    }

    [Fact]
    public async Task A_lease_whose_answers_are_lost_is_never_said_to_be_another_node_s()
    {
        await using var rig = new UploaderRig();
        var puts = 0;
        rig.Objects.Loses = key => key == rig.Store.Layout.Uploader && ++puts % 2 == 1;
        await OnThreadAsync(() =>
        {
            _ = rig.Start();
            rig.Time.Run(TimeSpan.FromMinutes(5), () => rig.Time.Sleepers is 1 or 2);
            Assert.True(rig.Loop.Counters.LeaseHeld);
            // Given back, with the answer lost: still its own.
            for (var times = 0; times < 4; times++)
            {
                rig.IsLinkUp = false;
                rig.Time.Run(TimeSpan.FromMinutes(2), () => rig.Time.Sleepers is 1 or 2);
                rig.Time.Settle(() => !rig.Loop.Counters.LeaseHeld);
                rig.IsLinkUp = true;
                rig.Time.Run(TimeSpan.FromMinutes(2), () => rig.Time.Sleepers is 1 or 2);
                rig.Time.Settle(() => rig.Loop.Counters.LeaseHeld);
            }
        });
        Assert.DoesNotContain(rig.Lines, line => line.Contains("was taken by", StringComparison.Ordinal));
        Assert.Equal(["unavailable"], rig.Loop.Counters.FailuresByReason.Keys);
    }

    [Fact]
    public async Task A_lease_that_another_took_is_said_to_be_that_node_s()
    {
        await using var rig = new UploaderRig();
        await OnThreadAsync(() => Ship(rig, 1));
        var lease = (await rig.Store.ReadLeaseAsync(default))!.Value;
        await rig.Store.WriteLeaseAsync(lease.Lease with { Holder = "redis-2", Session = 2 }, lease.ETag, default);
        await OnThreadAsync(() =>
        {
            rig.Time.Run(TimeSpan.FromSeconds(35), () => rig.Time.Sleepers is 1 or 2);
            rig.Time.Settle(() => !rig.Loop.Counters.LeaseHeld);
        });
        Assert.Contains(rig.Lines, line => line.Contains("was taken by redis-2 (session 2, this is 1)", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_store_that_is_unfit_is_asked_every_few_minutes_and_the_process_is_well_meanwhile()
    {
        await using var rig = new UploaderRig();
        rig.Objects.Weather = key => new StoreException(StoreFailure.Unfit, key, "501");
        _ = rig.Start();
        await OnThreadAsync(() =>
        {
            rig.Run(TimeSpan.FromMinutes(30));
            var before = rig.Objects.Requests;
            rig.Run(TimeSpan.FromHours(10));
            // One request a try; pauses between half and all of 15 minutes.
            Assert.InRange(rig.Objects.Requests - before, 38, 82);
            Assert.True(rig.Time.GetElapsedTime(rig.Loop.Counters.SteppedAt) <= TimeSpan.FromMinutes(1));
            rig.Objects.Weather = _ => null;
            rig.Time.Run(TimeSpan.FromMinutes(16), () => rig.Time.Sleepers is 1 or 2);
            rig.Time.Settle(() => rig.Loop.Counters.LeaseHeld);
        });
    }

    // A lease, a base, and so many segments.
    private static void Ship(UploaderRig rig, int segments)
    {
        rig.StartUploading();
        rig.Run(TimeSpan.FromMinutes(1));
        for (var i = 1; i < segments; i++)
        {
            rig.Append();
            rig.Run(2 * Second);
        }

        rig.Run(TimeSpan.FromMinutes(1)); // a renewal, which knows the last one
        Assert.Equal((segments, 1), (rig.Loop.Counters.Segments, rig.Loop.Counters.Bases));
    }

    // An upload runs beside the steps.
    private static void Until(UploaderRig rig, int bases)
    {
        for (var left = 3_700; left > 0 && rig.Loop.Counters.Bases < bases; left--) rig.Run(Second);
        Assert.Equal(bases, rig.Loop.Counters.Bases);
    }

    private static string[] Segments(UploaderRig rig) => [.. rig.Objects.Keys.Where(k => k.Contains("/tail/", StringComparison.Ordinal))];

    private static async Task<StoreReview> ReviewAsync(UploaderRig rig) =>
        await StoreReview.WalkAsync(
            rig.Store, await rig.Store.ReadCatalogueAsync(default), rig.Options.Retention, rig.Time.GetUtcNow(), default);
}
