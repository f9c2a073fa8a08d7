using System.Collections.Immutable;
using Sidecars.Backup.Archive;

namespace Sidecars.Backup.Retention;

/// <summary>
/// What of a tenant's backups can be restored, as names and lengths tell; contents are read by <c>verify</c> and <c>restore</c>.
/// </summary>
/// <param name="Catalogue">What is listed.</param>
/// <param name="Policy">What is kept of it.</param>
/// <param name="Broken">Ids of backups that can't be restored.</param>
/// <param name="Holes">Missing parts of the tail that a backup or the recovery window needs.</param>
/// <param name="Oddities">Objects of the tail that are no segments, or not whole.</param>
/// <param name="Tails">Bytes of the tail since the last backup, by generation.</param>
public sealed record StoreReview(
    Catalogue Catalogue, RetentionPolicy Policy, ImmutableHashSet<string> Broken, ImmutableArray<ChainHole> Holes,
    ImmutableArray<Oddity> Oddities,
    ImmutableDictionary<long, long> Tails)
{
    /// <summary>Walks along all tails: for each generation with a backup one request for every 1,000 segments.</summary>
    /// <param name="store">The tenant's.</param>
    /// <param name="catalogue">Read before: what is listed later is more, and never less.</param>
    /// <param name="rules">What is kept.</param>
    /// <param name="utcNow">The recovery window ends here.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task<StoreReview> WalkAsync(
        BackupStore store, Catalogue catalogue, RetentionRules rules, DateTimeOffset utcNow, CancellationToken cancellation)
    {
        var broken = catalogue.Backups.Where(b => b.BaseProblem is not null).Select(b => b.Id).ToHashSet(StringComparer.Ordinal);
        var (holes, oddities, tails) = (new List<ChainHole>(), new List<Oddity>(), new Dictionary<long, long>());
        foreach (var generation in catalogue.Backups.Select(b => b.Manifest).Where(m => !m.IsSnapshot).GroupBy(m => m.Generation))
        {
            var walk = new ChainWalk(generation, catalogue.Marks);
            var first = generation.Min(m => m.Start.Sequence);
            await foreach (var segment in store.SegmentsAsync(generation.Key, first, oddities.Add, cancellation).ConfigureAwait(false))
                walk.Add(segment);
            var state = walk.End();
            holes.AddRange(state.Holes);
            broken.UnionWith(state.Broken);
            tails[generation.Key] = state.TailBytes;
        }

        var policy = RetentionPolicy.Decide(catalogue.Backups, rules, utcNow, broken);
        return new StoreReview(
            catalogue, policy, [.. broken], [.. holes.Where(policy.Needs)], [.. oddities], tails.ToImmutableDictionary());
    }

    /// <summary>What is damaged or missing, each once.</summary>
    public int Faults => Catalogue.Backups.Count(b => b.BaseProblem is not null) + Holes.Length + Catalogue.Oddities.Length;

    /// <summary>The hole behind which nothing of a generation can be restored; null: its end can be.</summary>
    public ChainHole? Severed(long generation)
    {
        var good = Catalogue.Backups.Where(b => b.Manifest.Generation == generation && !Broken.Contains(b.Id))
            .Select(b => b.Manifest.Start).ToList();
        return Holes.LastOrDefault(hole => hole.Generation == generation) is { } last && good.TrueForAll(start => start <= last.At)
            ? last
            : null;
    }

    /// <summary>Describes each fault in a line for people.</summary>
    public IEnumerable<string> Lines() =>
        Catalogue.Backups.Select(b => b.BaseProblem).OfType<Oddity>().Concat(Catalogue.Oddities).Concat(Oddities)
            .Select(o => $"{o.Key} {o.Problem}")
            .Concat(Holes.Select(h => h.ToString()));
}
