using System.Collections.Immutable;
using System.Globalization;
using Sidecars.Backup.Archive;

namespace Sidecars.Backup.Retention;

/// <summary>What is kept.</summary>
/// <param name="Window">Any time within it can be restored.</param>
/// <param name="Daily">Days (UTC) of which the last backup is kept beyond that.</param>
/// <param name="Weekly">ISO weeks, likewise.</param>
/// <param name="Monthly">Months, likewise.</param>
public sealed record RetentionRules(TimeSpan Window, int Daily, int Weekly, int Monthly);

/// <summary>What becomes of one backup, and why.</summary>
/// <param name="Backup">The backup.</param>
/// <param name="Keep">Kept or deleted.</param>
/// <param name="Reason">Why.</param>
public sealed record RetentionVerdict(BackupEntry Backup, bool Keep, string Reason);

/// <summary>Chooses what is kept. Pure.</summary>
/// <param name="Verdicts">All backups, oldest first.</param>
/// <param name="Anchor">The backup that the recovery window starts from: every segment from its start on, and every later generation, stays.</param>
public sealed record RetentionPolicy(ImmutableArray<RetentionVerdict> Verdicts, BackupEntry? Anchor)
{
    /// <summary>
    /// A recovery window needs all backups in it and the newest one before it. Then the last of each day, week and month. Never deleted:
    /// the newest, and the newest verified.
    /// </summary>
    public static RetentionPolicy Decide(IEnumerable<BackupEntry> backups, RetentionRules rules, DateTimeOffset now)
    {
        var all = backups.OrderBy(b => b.Manifest.CompletedAt).ThenBy(b => b.Manifest.Generation).ThenBy(b => b.Id, StringComparer.Ordinal).ToList();
        var from = now - rules.Window;
        var anchor = all.LastOrDefault(b => b.Manifest.CompletedAt <= from) ?? all.FirstOrDefault();
        var reasons = new Dictionary<BackupEntry, string>(ReferenceEqualityComparer.Instance);
        if (all.Count > 0) reasons.TryAdd(all[^1], "newest");
        if (all.LastOrDefault(b => b.Verification is not null) is { } verified) reasons.TryAdd(verified, "newest verified");
        foreach (var backup in all.Where(b => b.Manifest.CompletedAt > from)) reasons.TryAdd(backup, "in the recovery window");
        if (anchor is not null) reasons.TryAdd(anchor, "start of the recovery window");
        Add(all, reasons, rules.Daily, "daily", at => at.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
        Add(all, reasons, rules.Weekly, "weekly", at => string.Create(CultureInfo.InvariantCulture, $"{ISOWeek.GetYear(at)}-W{ISOWeek.GetWeekOfYear(at):D2}"));
        Add(all, reasons, rules.Monthly, "monthly", at => at.ToString("yyyy-MM", CultureInfo.InvariantCulture));
        return new RetentionPolicy(
            [.. all.Select(b => reasons.TryGetValue(b, out var reason) ? new RetentionVerdict(b, true, reason) : new RetentionVerdict(b, false, "past the window and in no daily, weekly or monthly place"))],
            anchor);
    }

    /// <summary>Whether anything that is kept needs a segment.</summary>
    /// <param name="generation">Its generation.</param>
    /// <param name="segment">Its name.</param>
    public bool Needs(long generation, SegmentName segment)
    {
        // Nothing is listed: what is there belongs to a backup that is still being taken.
        if (Anchor is not { Manifest: var anchor } || generation > anchor.Generation) return true;
        if (generation == anchor.Generation && segment.To > anchor.Start) return true;
        return Verdicts.Any(v => v.Keep && v.Backup.Manifest is var kept && kept.Generation == generation && segment.To > kept.Start && segment.From < kept.End);
    }

    private static void Add(List<BackupEntry> all, Dictionary<BackupEntry, string> reasons, int count, string name, Func<DateTime, string> period)
    {
        var last = all.GroupBy(b => period(b.Manifest.CompletedAt.UtcDateTime)).TakeLast(count).Select(g => (g.Key, Backup: g.Last()));
        foreach (var (key, backup) in last) reasons.TryAdd(backup, $"{name} {key}");
    }
}
