using Sidecars.Backup.Archive;
using Sidecars.Backup.Store;

namespace Sidecars.Backup.Retention;

/// <summary>What a prune did, or would do.</summary>
/// <param name="Policy">What is kept and why.</param>
/// <param name="Segments">Segments that nothing needs.</param>
/// <param name="Leftovers">Objects of bases that were interrupted: no manifest names them.</param>
/// <param name="Unfinished">Uploads that were never completed (<see cref="IObjectStore.RemoveUnfinishedAsync"/>).</param>
/// <param name="Bytes">Bytes of all that goes, but for what is unfinished.</param>
/// <param name="Notes">What a person should know.</param>
public sealed record PruneReport(RetentionPolicy Policy, IReadOnlyList<string> Segments, IReadOnlyList<string> Leftovers, int Unfinished,
    long Bytes, IReadOnlyList<string> Notes);

/// <summary>
/// Deletes what the retention does not keep. A backup's drill goes first, then its manifest, so that none is listed whose parts are
/// missing, and no drill is left of one that is not; then its base; segments last. What could not be read as what it should be is never
/// deleted, and nothing is while a listed manifest is unreadable. What can't be restored counts for nothing, so that the last good way back
/// stays.
/// </summary>
/// <param name="store">The tenant's.</param>
/// <param name="progress">Takes the number of objects deleted so far; null: nobody asks.</param>
public sealed class PruneRunner(BackupStore store, Action<int>? progress = null)
{
    // Longer than an upload can take, so that nobody is still at it and writes a manifest after all.
    private static readonly TimeSpan InterruptedAge = TimeSpan.FromDays(2);
    private int _deleted;

    /// <summary>Plans and, unless <paramref name="dryRun"/>, deletes.</summary>
    /// <exception cref="StoreException">A manifest can't be read, or the store failed; a second run goes on.</exception>
    public async Task<PruneReport> RunAsync(RetentionRules rules, DateTimeOffset utcNow, bool dryRun, CancellationToken cancellation)
    {
        var catalogue = await store.ReadCatalogueAsync(cancellation).ConfigureAwait(false);
        if (catalogue.Oddities.FirstOrDefault() is { } odd)
            throw new StoreException(
                StoreFailure.Damaged, odd.Key, $"{odd.Problem}; nothing is deleted while it is not known what that is");
        var review = await StoreReview.WalkAsync(store, catalogue, rules, utcNow, cancellation).ConfigureAwait(false);
        var policy = review.Policy;
        var bytes = 0L;
        foreach (var gone in policy.Verdicts.Where(v => !v.Keep).Select(v => v.Backup.Manifest))
        {
            bytes += gone.Base?.Length ?? 0;
            if (dryRun) continue;
            var folder = store.Layout.Base(gone.Generation, gone.Id);
            await DeleteAsync(folder + BackupLayout.VerifiedName, cancellation).ConfigureAwait(false);
            await DeleteAsync(folder + BackupLayout.ManifestName, cancellation).ConfigureAwait(false);
            if (gone.Base is { } file) await DeleteAsync(folder + file.Name, cancellation).ConfigureAwait(false);
        }

        var segments = new List<string>();
        foreach (var generation in await GenerationsAsync(cancellation).ConfigureAwait(false))
        {
            await foreach (var segment in store.SegmentsAsync(generation, 0, _ => { }, cancellation).ConfigureAwait(false))
            {
                if (policy.Needs(generation, segment)) continue;
                var key = store.Layout.Segment(generation, segment);
                segments.Add(key);
                bytes += segment.Length;
                if (!dryRun) await DeleteAsync(key, cancellation).ConfigureAwait(false);
            }
        }

        // While something is missing, what nobody can tell apart from a backup whose manifest was deleted stays.
        var remnants = review.Faults > 0 ? [] : catalogue.Remnants;
        var (leftovers, leftBytes) = await RemoveLeftoversAsync(
            remnants, utcNow - InterruptedAge, dryRun, cancellation).ConfigureAwait(false);
        var (unfinished, notes) = await RemoveUnfinishedAsync(utcNow - InterruptedAge, dryRun, cancellation).ConfigureAwait(false);
        return new PruneReport(policy, segments, leftovers, unfinished, bytes + leftBytes, [.. review.Lines(), .. notes]);
    }

    /// <summary>Of a base that was interrupted the file may be there, and never a manifest. When it was begun is in its id.</summary>
    private async Task<(List<string> Keys, long Bytes)> RemoveLeftoversAsync(
        IEnumerable<Remnant> remnants, DateTimeOffset before, bool dryRun, CancellationToken cancellation)
    {
        var (keys, bytes) = (new List<string>(), 0L);
        foreach (var left in remnants.Where(r => BackupLayout.TryBegun(r.Id, out var begun) && begun < before).SelectMany(r => r.Objects))
        {
            keys.Add(left.Key);
            bytes += left.Length;
            if (!dryRun) await DeleteAsync(left.Key, cancellation).ConfigureAwait(false);
        }

        return (keys, bytes);
    }

    private async Task<(int Count, List<string> Notes)> RemoveUnfinishedAsync(
        DateTimeOffset before, bool dryRun, CancellationToken cancellation)
    {
        try
        {
            return (await store.Objects.RemoveUnfinishedAsync(store.Layout.Root, before, dryRun, cancellation).ConfigureAwait(false), []);
        }
        catch (StoreException e) when (e.Failure == StoreFailure.Denied)
        {
            return (0, [$"uploads that were never completed could not be looked for: {e.Message}"]); // a right that nothing else needs
        }
    }

    private async Task DeleteAsync(string key, CancellationToken cancellation)
    {
        await store.Objects.DeleteAsync(key, cancellation).ConfigureAwait(false);
        progress?.Invoke(++_deleted);
    }

    private async Task<List<long>> GenerationsAsync(CancellationToken cancellation)
    {
        var generations = new List<long>();
        foreach (var folder in await store.Objects.ListFoldersAsync(store.Layout.Root, cancellation).ConfigureAwait(false))
            if (BackupLayout.TryGeneration(folder, out var generation)) generations.Add(generation);
        return generations;
    }
}
