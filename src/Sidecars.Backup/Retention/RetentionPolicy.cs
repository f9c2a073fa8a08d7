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
/// <param name="Anchor">
/// The backup that the recovery window starts from: every segment from its start on, and every later generation, stays.
/// </param>
public sealed record RetentionPolicy(ImmutableArray<RetentionVerdict> Verdicts, BackupEntry? Anchor)
{
    /// <summary>
    /// A recovery window needs all backups in it and the newest one before it. Then the last of each day, week and month. Never deleted:
    /// the newest, and the newest verified. What can't be restored takes no place of what can; while nothing can, all is kept.
    /// </summary>
    /// <param name="backups">All of them.</param>
    /// <param name="rules">What is kept.</param>
    /// <param name="now">The recovery window ends here.</param>
    /// <param name="broken">Ids of those that can't be restored.</param>
    public static RetentionPolicy Decide(
        IEnumerable<BackupEntry> backups, RetentionRules rules, DateTimeOffset now, IReadOnlySet<string>? broken = null)
    {
        var all = backups.OrderBy(b => b.Manifest.CompletedAt).ThenBy(b => b.Manifest.Generation)
            .ThenBy(b => b.Id, StringComparer.Ordinal).ToList();
        var from = now - rules.Window;
        var good = all.Where(b => broken?.Contains(b.Id) != true).ToList();
        if (good.Count == 0) return new RetentionPolicy([.. all.Select(b => new RetentionVerdict(b, true, "damaged, as all are"))], null);
        var reasons = new Dictionary<BackupEntry, string>(ReferenceEqualityComparer.Instance);
        // What would be kept without the damage stays too: what is missing may be put back.
        BackupEntry[] anchors = [Keep(good, rules, from, reasons), Keep(all, rules, from, reasons)];
        return new RetentionPolicy(
            [.. all.Select(b => reasons.TryGetValue(b, out var reason)
                ? new RetentionVerdict(b, true, reason)
                : new RetentionVerdict(b, false, "past the window and in no daily, weekly or monthly place"))],
            anchors.MinBy(all.IndexOf));
    }

    /// <summary>Whether anything that is kept needs a segment.</summary>
    /// <param name="generation">Its generation.</param>
    /// <param name="segment">Its name.</param>
    public bool Needs(long generation, SegmentName segment) => Needs(generation, segment.From, segment.To);

    /// <summary>Whether anything that is kept needs what is missing.</summary>
    public bool Needs(ChainHole hole) => Needs(hole.Generation, hole.At, hole.Until ?? new StreamPosition(long.MaxValue, 0));

    private bool Needs(long generation, StreamPosition start, StreamPosition end)
    {
        // Nothing is listed: what is there belongs to a backup that is still being taken.
        if (Anchor is not { Manifest: var anchor } || generation > anchor.Generation) return true;
        if (generation == anchor.Generation && end > anchor.Start) return true;
        return Verdicts.Any(
            v => v.Keep && v.Backup.Manifest is var kept && kept.Generation == generation && end > kept.Start && start < kept.End);
    }

    private static BackupEntry Keep(
        List<BackupEntry> backups, RetentionRules rules, DateTimeOffset from, Dictionary<BackupEntry, string> reasons)
    {
        var anchor = backups.LastOrDefault(b => b.Manifest.CompletedAt <= from) ?? backups[0];
        reasons.TryAdd(backups[^1], "newest");
        if (backups.LastOrDefault(b => b.Verification is not null) is { } verified) reasons.TryAdd(verified, "newest verified");
        foreach (var backup in backups.Where(b => b.Manifest.CompletedAt > from)) reasons.TryAdd(backup, "in the recovery window");
        reasons.TryAdd(anchor, "start of the recovery window");
        Add(backups, reasons, rules.Daily, "daily", at => at.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
        Add(backups, reasons, rules.Weekly, "weekly", Week);
        Add(backups, reasons, rules.Monthly, "monthly", at => at.ToString("yyyy-MM", CultureInfo.InvariantCulture));
        return anchor;

        static string Week(DateTime at) =>
            string.Create(CultureInfo.InvariantCulture, $"{ISOWeek.GetYear(at)}-W{ISOWeek.GetWeekOfYear(at):D2}");
    }

    private static void Add(
        List<BackupEntry> all, Dictionary<BackupEntry, string> reasons, int count, string name, Func<DateTime, string> period)
    {
        var last = all.GroupBy(b => period(b.Manifest.CompletedAt.UtcDateTime)).TakeLast(count).Select(g => (g.Key, Backup: g.Last()));
        foreach (var (key, backup) in last) reasons.TryAdd(backup, $"{name} {key}");
    }
}
