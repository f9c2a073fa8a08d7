using Sidecars.Backup.Archive;
using Sidecars.Backup.Restore;
using Sidecars.Backup.Retention;
using Sidecars.Backup.Store;
using Sidecars.Core.Lineage;
using Sidecars.Unit.Tests.Backup.Upload;

namespace Sidecars.Unit.Tests.Backup;

/// <summary>
/// Two backups of one generation, and a later generation: whatever is taken out of them is missed, by its name, and costs no other.
/// </summary>
public sealed class StoreReviewTests
{
    private const long Day = 86_400;
    private static readonly RetentionRules Rules = new(TimeSpan.FromDays(7), 0, 0, 0);
    private static readonly DateTimeOffset Now = Samples.Time(3 * Day);
    private static readonly List<SegmentName> Chain = Samples.Chain((1, 0, 100), (1, 100, 250), (2, 0, 70), (2, 70, 90), (2, 90, 120));
    private static readonly List<SegmentName> Later = Samples.Chain(2, ChainDigest.Start, (1, 0, 10), (1, 10, 30));
    private static readonly BackupEntry First = Samples.Backup(1, 5, (1, 0), (1, 100), endDigest: Chain[0].Digest);
    private static readonly BackupEntry Second = Samples.Backup(
        1, Day, (2, 0), (2, 70), verified: true, startDigest: Chain[1].Digest, endDigest: Chain[2].Digest);
    private static readonly BackupEntry Third = Before(Samples.Backup(2, 2 * Day, (1, 0), (1, 10), endDigest: Later[0].Digest));
    private readonly MemoryStore _objects = new();
    private readonly BackupStore _store;

    public StoreReviewTests() => _store = new BackupStore(_objects, new BackupLayout(Samples.Cluster));

    [Fact]
    public async Task A_store_that_is_whole_has_no_fault_and_costs_a_listing_a_generation_and_a_document_a_backup()
    {
        await PutAsync();
        var before = _objects.Requests;
        var review = await ReviewAsync();
        Assert.Equal((0, 3), (review.Faults, review.Catalogue.Backups.Length));
        Assert.Empty(review.Lines());
        // Generations, the bases of each, their manifests, one drill, the lease; and the tail of each.
        Assert.Equal(1 + 2 + 3 + 1 + 1 + 2, _objects.Requests - before);
        Assert.Equal((50L, 20L), (review.Tails[1] - 70, review.Tails[2] - 10));
    }

    [Theory]
    [InlineData(0, "20231114T221325Z-1")] // the first: of a backup's own part
    [InlineData(1, null)] // in the middle, between two backups
    [InlineData(2, "20231115T221320Z-1")]
    [InlineData(3, null)]
    [InlineData(4, null)] // the last of a generation that ended
    public async Task A_missing_segment_is_named_and_breaks_the_backup_whose_part_it_was(int missing, string? broken)
    {
        await PutAsync();
        await _objects.DeleteAsync(_store.Layout.Segment(1, Chain[missing]), default);
        await IsMissedAsync(missing, broken);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task So_is_one_that_is_truncated(int cut)
    {
        await PutAsync();
        await _objects.PutAsync(_store.Layout.Segment(1, Chain[cut]), ObjectContent.Of(new byte[7]), PutCondition.None, default);
        var review = await IsMissedAsync(cut, null);
        Assert.Contains(review.Lines(), line => line.Contains($"tail/{Chain[cut]} has 7 bytes", StringComparison.Ordinal));
    }

    [Fact]
    public async Task And_the_last_one_of_a_generation_that_goes_on_where_the_lease_knows_it()
    {
        await PutAsync();
        await _store.WriteLeaseAsync(
            new UploaderLease("redis-0", 2, 2, 1, Now) { Tip = new ChainMark(2, Later[1].To, Later[1].Digest) }, null, default);
        Assert.Equal(0, (await ReviewAsync()).Faults);
        await _objects.DeleteAsync(_store.Layout.Segment(2, Later[1]), default);
        var hole = (await ReviewAsync()).Severed(2);
        Assert.Equal((Later[0].To, Later[1].To), (hole!.At, hole.Until));
    }

    [Theory]
    [InlineData(null)]
    [InlineData(3)]
    public async Task A_base_that_is_missing_or_cut_is_named(int? bytes)
    {
        await PutAsync();
        var key = _store.Layout.Base(2, Third.Id) + Third.Manifest.Base!.Name;
        if (bytes is { } left) await _objects.PutAsync(key, ObjectContent.Of(new byte[left]), PutCondition.None, default);
        else await _objects.DeleteAsync(key, default);
        var review = await ReviewAsync();
        Assert.Equal((1, Third.Id), (review.Faults, Assert.Single(review.Broken)));
        Assert.Contains(key, Assert.Single(review.Lines()), StringComparison.Ordinal);
        Assert.Equal("newest", review.Policy.Verdicts.Single(v => v.Backup.Id == Second.Id).Reason);
    }

    [Fact]
    public async Task A_manifest_that_is_missing_beside_its_drill_was_deleted_and_nothing_is_pruned_then()
    {
        await PutAsync();
        var key = _store.Layout.Base(1, Second.Id) + BackupLayout.ManifestName;
        await _objects.DeleteAsync(key, default);
        var review = await ReviewAsync();
        Assert.Equal(1, review.Faults);
        Assert.StartsWith($"{key} was deleted", Assert.Single(review.Lines()), StringComparison.Ordinal);
        await Assert.ThrowsAsync<StoreException>(() => new PruneRunner(_store).RunAsync(Rules, Now, dryRun: false, default));
    }

    [Fact]
    public async Task One_that_is_missing_without_a_drill_is_shown_as_a_base_that_is_not_complete()
    {
        await PutAsync();
        await _objects.DeleteAsync(_store.Layout.Base(2, Third.Id) + BackupLayout.ManifestName, default);
        Assert.Equal(Third.Id, Assert.Single((await ReviewAsync()).Catalogue.Remnants).Id);
    }

    [Fact]
    public async Task What_a_prune_took_out_is_no_hole_and_what_it_could_not_have_taken_is()
    {
        await PutAsync();
        var late = Samples.Time(20 * Day);
        var report = await new PruneRunner(_store).RunAsync(Rules with { Daily = 30 }, Samples.Time(9 * Day), dryRun: false, default);
        // both backups keep their own parts
        Assert.Equal(new[] { 1, 3, 4 }.Select(i => _store.Layout.Segment(1, Chain[i])), report.Segments);
        var rules = Rules with { Daily = 30 };
        Assert.Equal(0, (await ReviewAsync(Samples.Time(9 * Day), rules)).Faults);
        await _objects.DeleteAsync(_store.Layout.Segment(1, Chain[0]), default);
        var review = await ReviewAsync(late, rules);
        Assert.Equal((1, First.Id), (review.Faults, Assert.Single(review.Broken)));
    }

    [Fact]
    public async Task A_backup_that_ended_in_a_file_that_was_still_empty_leaves_no_hole_when_pruned()
    {
        var first = First with { Manifest = First.Manifest with { End = new StreamPosition(2, 0), EndDigest = Chain[0].Digest } };
        var third = Samples.Backup(1, Day, (3, 0), (3, 0), startDigest: Chain[0].Digest);
        await Samples.PutAsync(_store, first, [Chain[0]]);
        await Samples.PutAsync(
            _store, third with { Manifest = third.Manifest with { StartDigest = Chain[1].Digest, EndDigest = Chain[1].Digest } }, []);
        var review = await ReviewAsync(Samples.Time(20 * Day), Rules with { Daily = 30 });
        Assert.Equal(0, review.Faults);
    }

    [Fact]
    public async Task A_prune_keeps_the_last_good_way_back_and_what_it_needs()
    {
        await PutAsync();
        // Long past the window: without damage the first two would go.
        var late = Samples.Time(20 * Day);
        Assert.Contains((await new PruneRunner(_store).RunAsync(Rules, late, dryRun: true, default)).Policy.Verdicts,
            v => !v.Keep && v.Backup.Id == First.Id);
        await _objects.DeleteAsync(_store.Layout.Base(2, Third.Id) + Third.Manifest.Base!.Name, default);
        await _objects.DeleteAsync(_store.Layout.Segment(1, Chain[2]), default);
        var interrupted = _store.Layout.Base(3, BackupLayout.BaseId(Samples.Time(Day), 3)) + "appendonly.aof.1.base.rdb";
        await _objects.PutAsync(interrupted, ObjectContent.Of(new byte[9]), PutCondition.None, default);
        var report = await new PruneRunner(_store).RunAsync(Rules, late, dryRun: false, default);
        Assert.Equal("newest", report.Policy.Verdicts.Single(v => v.Backup.Id == First.Id).Reason);
        Assert.All(report.Policy.Verdicts, verdict => Assert.True(verdict.Keep)); // what is missing may be put back
        Assert.Contains(_store.Layout.Segment(1, Chain[1]), _objects.Keys);
        Assert.Contains(report.Notes, note => note.Contains("a segment is missing", StringComparison.Ordinal));
        Assert.Contains(interrupted, _objects.Keys); // it may be one whose manifest was deleted
        var runner = new RestoreRunner(_store, DataLayout.Default, TimeProvider.System);
        Assert.IsType<RestorePlan.Restore>(await runner.PlanAsync(new RestoreTarget.Backup(First.Id), false, default));
    }

    [Fact]
    public async Task While_no_backup_is_good_nothing_is_pruned()
    {
        await Samples.PutAsync(_store, First, Chain.Skip(1));
        var keys = _objects.Keys;
        Assert.Empty((await new PruneRunner(_store).RunAsync(Rules, Samples.Time(99 * Day), dryRun: false, default)).Segments);
        Assert.Equal(keys, _objects.Keys);
    }

    [Fact]
    public void A_walk_goes_on_behind_a_hole_and_finds_the_next()
    {
        var walk = new ChainWalk([First.Manifest, Second.Manifest], Third.Manifest.Before is { } mark ? [mark] : []);
        foreach (var segment in (int[])[0, 2, 3]) walk.Add(Chain[segment]);
        var state = walk.End();
        Assert.Equal([(Chain[0].To, Chain[2].From), (Chain[3].To, Chain[4].To)], state.Holes.Select(h => (h.At, h.Until!.Value)));
        Assert.Empty(state.Broken);
    }

    [Fact]
    public void A_leftover_of_a_session_that_was_killed_is_no_hole()
    {
        var second = Samples.Chain(2, Chain[0].Digest, (1, 100, 180), (1, 180, 300));
        var walk = new ChainWalk([First.Manifest], []);
        foreach (var segment in (SegmentName[])[Chain[0], Chain[1], .. second]) walk.Add(segment);
        Assert.Empty(walk.End().Holes);
    }

    private static BackupEntry Before(BackupEntry backup) =>
        backup with { Manifest = backup.Manifest with { Before = new ChainMark(1, Chain[4].To, Chain[4].Digest) } };

    private async Task PutAsync()
    {
        await Samples.PutAsync(_store, First, Chain);
        await Samples.PutAsync(_store, Second, []);
        await Samples.PutAsync(_store, Third, Later);
    }

    private async Task<StoreReview> IsMissedAsync(int missing, string? broken)
    {
        var review = await ReviewAsync();
        var hole = Assert.Single(review.Holes);
        Assert.Equal((1, 1L, missing == 0 ? First.Manifest.Start : Chain[missing - 1].To), (review.Faults, hole.Generation, hole.At));
        Assert.Equal(broken is null ? [] : new[] { broken }, review.Broken);
        // Behind the last backup of the generation nothing can be restored; before it, the next one is a way.
        Assert.Equal(missing >= 2, review.Severed(1) is not null);
        Assert.Null(review.Severed(2));
        return review;
    }

    private async Task<StoreReview> ReviewAsync(DateTimeOffset? now = null, RetentionRules? rules = null) =>
        await StoreReview.WalkAsync(_store, await _store.ReadCatalogueAsync(default), rules ?? Rules, now ?? Now, default);
}
