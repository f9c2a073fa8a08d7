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
public sealed record PruneReport(RetentionPolicy Policy, IReadOnlyList<string> Segments, IReadOnlyList<string> Leftovers, int Unfinished, long Bytes, IReadOnlyList<string> Notes);

/// <summary>
/// Deletes what the retention does not keep. The manifest of a backup goes first, so that none is listed whose parts are missing; then its
/// base; segments last. What could not be read as what it should be is never deleted, and nothing is while a listed manifest is unreadable.
/// </summary>
public sealed class PruneRunner(BackupStore store)
{
    // Longer than an upload can take, so that nobody is still at it and writes a manifest after all.
    private static readonly TimeSpan InterruptedAge = TimeSpan.FromDays(2);

    /// <summary>Plans and, unless <paramref name="dryRun"/>, deletes.</summary>
    /// <exception cref="StoreException">A manifest can't be read, or the store failed; a second run goes on.</exception>
    public async Task<PruneReport> RunAsync(RetentionRules rules, DateTimeOffset utcNow, bool dryRun, CancellationToken cancellation)
    {
        var catalogue = await store.ReadCatalogueAsync(cancellation).ConfigureAwait(false);
        if (catalogue.Oddities.FirstOrDefault() is { } odd)
            throw new StoreException(StoreFailure.Damaged, odd.Key, $"{odd.Problem}; nothing is deleted while it is not known what that is");
        var policy = RetentionPolicy.Decide(catalogue.Backups, rules, utcNow);
        var bytes = 0L;
        foreach (var gone in policy.Verdicts.Where(v => !v.Keep).Select(v => v.Backup.Manifest))
        {
            bytes += gone.Base?.Length ?? 0;
            if (dryRun) continue;
            var folder = store.Layout.Base(gone.Generation, gone.Id);
            await store.Objects.DeleteAsync(folder + BackupLayout.ManifestName, cancellation).ConfigureAwait(false);
            await store.Objects.DeleteAsync(folder + BackupLayout.VerifiedName, cancellation).ConfigureAwait(false);
            if (gone.Base is { } file) await store.Objects.DeleteAsync(folder + file.Name, cancellation).ConfigureAwait(false);
        }

        var segments = new List<string>();
        foreach (var generation in await GenerationsAsync(cancellation).ConfigureAwait(false))
        {
            foreach (var segment in await store.ListSegmentsAsync(generation, 0, [], cancellation).ConfigureAwait(false))
            {
                if (policy.Needs(generation, segment)) continue;
                var key = store.Layout.Segment(generation, segment);
                segments.Add(key);
                bytes += segment.Length;
                if (!dryRun) await store.Objects.DeleteAsync(key, cancellation).ConfigureAwait(false);
            }
        }

        var (leftovers, leftBytes) = await RemoveLeftoversAsync(utcNow - InterruptedAge, dryRun, cancellation).ConfigureAwait(false);
        var (unfinished, notes) = await RemoveUnfinishedAsync(utcNow - InterruptedAge, dryRun, cancellation).ConfigureAwait(false);
        return new PruneReport(policy, segments, leftovers, unfinished, bytes + leftBytes, notes);
    }

    /// <summary>Of a base that was interrupted the file may be there, and never a manifest. When it was begun is in its id.</summary>
    private async Task<(List<string> Keys, long Bytes)> RemoveLeftoversAsync(DateTimeOffset before, bool dryRun, CancellationToken cancellation)
    {
        var (keys, bytes) = (new List<string>(), 0L);
        foreach (var generation in await GenerationsAsync(cancellation).ConfigureAwait(false))
        {
            foreach (var id in await store.Objects.ListFoldersAsync(store.Layout.Bases(generation), cancellation).ConfigureAwait(false))
            {
                if (!BackupLayout.TryBegun(id, out var begun) || begun >= before) continue;
                var folder = store.Layout.Base(generation, id);
                var objects = new List<ObjectEntry>();
                await foreach (var entry in store.Objects.ListAsync(folder, null, cancellation).ConfigureAwait(false)) objects.Add(entry);
                if (objects.Any(o => o.Key == folder + BackupLayout.ManifestName)) continue;
                foreach (var left in objects)
                {
                    keys.Add(left.Key);
                    bytes += left.Length;
                    if (!dryRun) await store.Objects.DeleteAsync(left.Key, cancellation).ConfigureAwait(false);
                }
            }
        }

        return (keys, bytes);
    }

    private async Task<(int Count, List<string> Notes)> RemoveUnfinishedAsync(DateTimeOffset before, bool dryRun, CancellationToken cancellation)
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

    private async Task<List<long>> GenerationsAsync(CancellationToken cancellation)
    {
        var generations = new List<long>();
        foreach (var folder in await store.Objects.ListFoldersAsync(store.Layout.Root, cancellation).ConfigureAwait(false))
            if (BackupLayout.TryGeneration(folder, out var generation)) generations.Add(generation);
        return generations;
    }
}
