namespace Sidecars.Core.Backup;

/// <summary>What a prune did, or would do.</summary>
/// <param name="Policy">What is kept and why.</param>
/// <param name="Segments">Segments that nothing needs.</param>
/// <param name="Bytes">Bytes of all that goes.</param>
public sealed record PruneReport(RetentionPolicy Policy, IReadOnlyList<string> Segments, long Bytes);

/// <summary>
/// Deletes what the retention does not keep. The manifest of a backup goes first, so that none is listed whose parts are missing; then its
/// base; segments last. What could not be read as what it should be is never deleted, and nothing is while a listed manifest is unreadable.
/// </summary>
public sealed class PruneRunner(BackupStore store)
{
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

        return new PruneReport(policy, segments, bytes);
    }

    private async Task<List<long>> GenerationsAsync(CancellationToken cancellation)
    {
        var generations = new List<long>();
        foreach (var folder in await store.Objects.ListFoldersAsync(store.Layout.Root, cancellation).ConfigureAwait(false))
            if (BackupLayout.TryGeneration(folder, out var generation)) generations.Add(generation);
        return generations;
    }
}
