using System.Collections.Immutable;
using System.Globalization;
using Sidecars.Backup.Archive;

namespace Sidecars.Backup.Restore;

/// <summary>What a restore is to reach.</summary>
public abstract record RestoreTarget
{
    private RestoreTarget()
    {
    }

    /// <summary>All that is in the store.</summary>
    public sealed record Latest : RestoreTarget
    {
        /// <inheritdoc/>
        public override string ToString() => "latest";
    }

    /// <summary>Every write up to the end of this second, and none later.</summary>
    /// <param name="At">The time.</param>
    public sealed record Time(DateTimeOffset At) : RestoreTarget
    {
        /// <inheritdoc/>
        public override string ToString() => RestorePlan.Show(At);
    }

    /// <summary>As one backup was when it was complete.</summary>
    /// <param name="Id">Its id.</param>
    public sealed record Backup(string Id) : RestoreTarget
    {
        /// <inheritdoc/>
        public override string ToString() => Id;
    }

    /// <summary>
    /// Reads <c>latest</c>, an RFC 3339 time with zone (<c>2026-11-21T10:00:00Z</c>), or the id of a backup; null where it is none.
    /// </summary>
    public static RestoreTarget? Parse(string text)
    {
        if (text == "latest") return new Latest();
        if (BackupLayout.IsBaseId(text)) return new Backup(text);
        string[] formats = ["yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", "yyyy-MM-dd HH:mm:ssK"];
        // Without a zone a time says nothing: nobody should have to guess whose clock.
        var hasZone = text.EndsWith('Z') || (text.Length > 6 && text[^6] is '+' or '-');
        return hasZone && DateTimeOffset.TryParseExact(text, formats, CultureInfo.InvariantCulture, DateTimeStyles.None, out var at)
            ? new Time(at)
            : null;
    }
}

/// <summary>Which base and which segments, and where to cut; or why not.</summary>
public abstract record RestorePlan
{
    private const string Unverified = "this backup has not been verified by a drill";

    private RestorePlan()
    {
    }

    /// <summary>The restore is possible.</summary>
    /// <param name="Backup">The base.</param>
    /// <param name="Segments">After it, in order.</param>
    /// <param name="CutAfter">Second after which commands of the last segment are left out; null: nothing is cut.</param>
    /// <param name="Reaches">All that was written before is in the state that comes of it.</param>
    /// <param name="Notes">What a person should know.</param>
    public sealed record Restore(
        BackupEntry Backup, ImmutableArray<SegmentName> Segments, long? CutAfter, DateTimeOffset Reaches, ImmutableArray<string> Notes)
        : RestorePlan
    {
        /// <summary>Bytes to fetch.</summary>
        public long Bytes => (Backup.Manifest.Base?.Length ?? 0) + Segments.Sum(s => s.Length);
    }

    /// <summary>The restore is not possible.</summary>
    /// <param name="Code">Stable, for machines.</param>
    /// <param name="Reason">For people, naming the object where one is at fault.</param>
    public sealed record Refuse(string Code, string Reason) : RestorePlan;

    /// <summary>
    /// The backup to start from. For the latest state: of the newest generation that has one, the newest verified, else the newest: the
    /// chain from either ends at the same place. For a time: of the newest generation that has a base by then, the newest one.
    /// </summary>
    public static RestorePlan? Choose(Catalogue catalogue, RestoreTarget target, string tenant, out BackupEntry? chosen)
    {
        chosen = null;
        if (catalogue.Backups.IsEmpty)
            return new Refuse("no_backup", $"no backup of {tenant} is listed{Faulty(catalogue)}");
        switch (target)
        {
            case RestoreTarget.Backup { Id: var id }:
                chosen = catalogue.Backups.FirstOrDefault(b => b.Id == id);
                return chosen is null ? new Refuse("unknown_backup", $"no backup has the id {id}{Faulty(catalogue)}") : null;
            case RestoreTarget.Time { At: var at }:
                var second = at.ToUnixTimeSeconds();
                // Earlier, not the same: the base's second is read from the kernel's coarse clock, which may be a tick behind the
                // commands'.
                chosen = catalogue.Backups.Where(b => b.Manifest.BaseTime < second)
                    .MaxBy(b => (b.Manifest.Generation, b.Manifest.BaseTime, b.Id));
                if (chosen is { Manifest.IsSnapshot: true } snapshot) return NoStream(catalogue, at, snapshot);
                return chosen is null
                    ? new Refuse("before_first", $"the first backup begins at {Show(catalogue.Backups.Min(b => b.Manifest.BaseTime) + 1)}, "
                        + $"after {Show(at)}{Faulty(catalogue)}")
                    : null;
            default:
                var generation = catalogue.Backups.Max(b => b.Manifest.Generation);
                var newest = catalogue.Backups.Where(b => b.Manifest.Generation == generation).ToList();
                // A snapshot is one state: the newest is the latest, verified or not.
                chosen = newest.MaxBy(
                    b => (b.Verification is not null && !newest.Exists(n => n.Manifest.IsSnapshot), b.Manifest.BaseTime, b.Id));
                return null;
        }
    }

    /// <summary>
    /// Where the tail of the backup that <see cref="Choose"/> gave has a hole, those that reach the same end from a later start, newest
    /// first: a prune keeps all of the tail only from the recovery window on, and an older verified backup for its own state.
    /// </summary>
    internal static IEnumerable<BackupEntry> Alternatives(Catalogue catalogue, RestoreTarget target, BackupEntry chosen) =>
        target is RestoreTarget.Latest
            ? catalogue.Backups.Where(b => b.Manifest.Generation == chosen.Manifest.Generation && b.Manifest.Start > chosen.Manifest.Start)
                .OrderByDescending(b => b.Manifest.Start)
            : [];

    /// <summary>The plan, once the segments of the chosen backup's generation are known. Pure.</summary>
    /// <param name="catalogue">All backups.</param>
    /// <param name="target">The state to restore.</param>
    /// <param name="backup">From <see cref="Choose"/>.</param>
    /// <param name="segments">Of its generation, from its start.</param>
    /// <param name="acceptGap">Take what comes before a missing segment where all of it was wanted.</param>
    public static RestorePlan Calculate(
        Catalogue catalogue, RestoreTarget target, BackupEntry backup, IEnumerable<SegmentName> segments, bool acceptGap = false)
    {
        var manifest = backup.Manifest;
        if (manifest.IsSnapshot)
            return new Restore(backup, [], null, manifest.CoveredUntil, backup.Verification is null ? [Unverified] : []);
        var chain = SegmentChain.Link(segments, manifest.Start, manifest.StartDigest);
        var end = chain.Segments.Select(s => s.To).DefaultIfEmpty(manifest.Start).Last();
        var notes = backup.Verification is null ? ImmutableArray.Create(Unverified) : [];
        if (target is RestoreTarget.Backup || end < manifest.End)
        {
            // Everything up to the backup's own end was in the store when its manifest was written.
            var own = chain.Segments.TakeWhile(s => s.To <= manifest.End).ToImmutableArray();
            var (at, digest) = own.IsEmpty ? (manifest.Start, manifest.StartDigest) : (own[^1].To, own[^1].Digest);
            // By digest, not by place: the end of one file and the start of the next, still empty one are the same.
            if (digest != manifest.EndDigest) return Missing(manifest, at, chain.Break, manifest.End);
            if (target is RestoreTarget.Backup) return new Restore(backup, own, null, manifest.CompletedAt, notes);
        }

        if (target is RestoreTarget.Time { At: var wanted }) return AtTime(catalogue, backup, chain, wanted, notes);
        if (chain.Break is { } gap && !acceptGap) return Missing(manifest, gap.At, gap, null);
        if (chain.Break is not null) notes = notes.Add($"segments after {end} are missing and are left out, as asked");
        return new Restore(backup, chain.Segments, null, Covered(catalogue, manifest, chain), notes);
    }

    /// <summary>RFC 3339 in UTC.</summary>
    public static string Show(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFF'Z'", CultureInfo.InvariantCulture);

    private static RestorePlan AtTime(
        Catalogue catalogue, BackupEntry backup, SegmentChain chain, DateTimeOffset wanted, ImmutableArray<string> notes)
    {
        var manifest = backup.Manifest;
        var second = wanted.ToUnixTimeSeconds();
        var first = chain.Segments.FirstOrDefault(s => s.Time > second);
        if (first is not null)
            return new Restore(backup, [.. chain.Segments.TakeWhile(s => s != first), first], second, wanted, notes);
        if (chain.Break is { } gap) return Missing(manifest, gap.At, gap, null);
        if (chain.Segments.Any(s => s.Time == 0))
            return new Refuse("no_timestamps",
                "the AOF holds no #TS annotations (aof-timestamp-enabled no): only 'latest' and the ids of backups can be restored");
        // The whole second is asked for: its first half in the store is not enough.
        var covered = Covered(catalogue, manifest, chain);
        if (covered.ToUnixTimeSeconds() <= second)
            return new Refuse("after_last",
                $"the store reaches to {Show(covered)} in the generation that holds {Show(wanted)}{Next(catalogue, manifest)}");
        return new Restore(backup, chain.Segments, null, wanted, notes);
    }

    /// <summary>
    /// All that was written before this time is in the chain. The last annotation says so of its second's beginning, never of the rest:
    /// more may have been written in it that was not shipped. The manifest and the lease know more, from the flush that they followed.
    /// </summary>
    private static DateTimeOffset Covered(Catalogue catalogue, BackupManifest manifest, SegmentChain chain)
    {
        var covered = chain.Segments.IsEmpty
            ? DateTimeOffset.FromUnixTimeSeconds(manifest.BaseTime)
            : DateTimeOffset.FromUnixTimeSeconds(chain.Segments[^1].Time);
        if (manifest.CoveredUntil > covered) covered = manifest.CoveredUntil;
        return chain.Break is null && catalogue.Uploader is { } lease && lease.Generation == manifest.Generation
            && lease.CoveredUntil > covered
            ? lease.CoveredUntil
            : covered;
    }

    // Between two snapshots there is nothing to replay.
    private static Refuse NoStream(Catalogue catalogue, DateTimeOffset at, BackupEntry before)
    {
        var after = catalogue.Backups.Where(b => b.Manifest.BaseTime >= at.ToUnixTimeSeconds()).MinBy(b => b.Manifest.BaseTime);
        var next = after is null ? "none is later" : $"the next one is {after.Id}, of {Show(after.Manifest.BaseTime)}";
        return new Refuse("no_stream",
            $"there is no append-only file to replay up to {Show(at)}: the group is backed up by snapshots (DURABILITY=rdb); the last "
            + $"one before is {before.Id}, of {Show(before.Manifest.BaseTime)}; {next}: restore one of them by its id, or latest");
    }

    private static string Next(Catalogue catalogue, BackupManifest manifest) =>
        catalogue.Backups.Where(b => b.Manifest.Generation > manifest.Generation).MinBy(b => (b.Manifest.Generation, b.Manifest.BaseTime))
            is { } next
            ? $"; the next one begins at {Show(next.Manifest.BaseTime + 1)}"
            : "; --to latest restores that";

    private static Refuse Missing(BackupManifest manifest, StreamPosition at, ChainBreak? gap, StreamPosition? end) =>
        new("missing_segment", new ChainHole(manifest.Generation, at, gap?.Next, end).ToString());

    private static string Show(long seconds) => Show(DateTimeOffset.FromUnixTimeSeconds(seconds));

    private static string Faulty(Catalogue catalogue) =>
        catalogue.Oddities.IsEmpty ? "" : $"; unreadable: {catalogue.Oddities[0].Key}: {catalogue.Oddities[0].Problem}";
}
