using System.Collections.Immutable;
using Sidecars.Backup;
using Sidecars.Backup.Archive;
using Sidecars.Backup.Retention;

namespace Sidecars.Unit.Tests.Backup;

/// <summary>Tables of redis-backup keep to the terminal: columns that do not fit are left out, what identifies a backup never.</summary>
public sealed class TableReportTests
{
    [Theory]
    [InlineData(int.MaxValue, "BACKUP GENERATION COMPLETED BASE KEYS VERIFIED STATE")]
    [InlineData(80, "BACKUP BASE KEYS VERIFIED STATE")]
    [InlineData(40, "BACKUP VERIFIED STATE")]
    public void A_list_leaves_out_what_does_not_fit(int width, string heads)
    {
        var lines = Lines(width, report => report.List(Review));
        Assert.Equal(heads, string.Join(' ', lines[0].Split(' ', StringSplitOptions.RemoveEmptyEntries)));
        Assert.All(lines.Take(2), line => Assert.True(line.Length <= Math.Max(width, 60), line));
        Assert.Contains(Entry.Id, lines[1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(int.MaxValue, true)]
    [InlineData(60, false)]
    public void A_pruning_leaves_out_the_time_that_the_id_holds_too(int width, bool isShown)
    {
        var policy = new RetentionPolicy([new RetentionVerdict(Entry, false, "past the window and in no daily place")], null);
        var lines = Lines(width, report => report.Pruned(new PruneReport(policy, [], [], 0, 0, []), dryRun: true));
        Assert.Equal(isShown, lines[0].Contains("COMPLETED", StringComparison.Ordinal));
        Assert.Contains("past the window", lines[1], StringComparison.Ordinal);
    }

    private static BackupEntry Entry => Samples.Backup(1, 1000, (1, 0), (1, 5), verified: true);

    private static StoreReview Review => new(
        new Catalogue([Entry], null, []), new RetentionPolicy([], null), [], [], [], ImmutableDictionary<long, long>.Empty);

    private static string[] Lines(int width, Action<IReport> write)
    {
        using var output = new StringWriter();
        using (var report = new TableReport(output, width)) write(report);
        return output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
