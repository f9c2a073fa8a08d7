using System.Globalization;
using System.Text;
using System.Text.Json;
using Sidecars.Backup.Archive;
using Sidecars.Backup.Restore;
using Sidecars.Backup.Retention;
using Sidecars.Core.Primitives;

namespace Sidecars.Backup;

/// <summary>The answers of all commands, in one form.</summary>
internal interface IReport : IDisposable
{
    void Done(string what, string id);

    void List(StoreReview review);

    void Show(BackupEntry backup);

    void Restored(RestorePlan.Restore plan, string directory, bool dryRun);

    void Verified(string id, Verification verification);

    void Pruned(PruneReport report, bool dryRun);
}

/// <summary>Writes for people.</summary>
/// <param name="output">Where it goes.</param>
/// <param name="width">Columns of the terminal; of a table that is wider, columns are left out. A file takes any width.</param>
internal sealed class TableReport(TextWriter output, int width = int.MaxValue) : IReport
{
    public void Done(string what, string id) => output.WriteLine($"{what} {id}");

    public void List(StoreReview review)
    {
        var catalogue = review.Catalogue;
        Table(["BACKUP", "GENERATION", "COMPLETED", "BASE", "KEYS", "VERIFIED", "STATE"], catalogue.Backups.Select(b => new[]
        {
            b.Id, Number(b.Manifest.Generation), RestorePlan.Show(b.Manifest.CompletedAt), Size.Of(b.Manifest.Base?.Length ?? 0),
            b.Manifest.Databases.IsEmpty ? "-" : Number(b.Manifest.Databases.Sum(d => d.Most)), b.Verification is { } v
                ? RestorePlan.Show(v.VerifiedAt)
                : "never",
            review.Broken.Contains(b.Id) ? "damaged" : "whole",
        }), "GENERATION", "COMPLETED", "BASE", "KEYS");
        if (catalogue.Uploader is { } lease)
            output.WriteLine($"uploader {(lease.Holder.Length == 0 ? "none" : lease.Holder)}, session {lease.Session}, "
                + $"generation {lease.Generation}, {Covered(review, lease)}");
        foreach (var remnant in catalogue.Remnants)
            output.WriteLine($"base {remnant.Id} has no manifest: it is being taken or was interrupted, or its manifest was deleted");
        foreach (var line in review.Lines()) output.WriteLine($"! {line}");
    }

    public void Show(BackupEntry backup)
    {
        var m = backup.Manifest;
        var rows = new List<string[]>
        {
            new[] { "id", m.Id }, new[] { "cluster", m.Cluster.Value }, new[] { "node", m.Node }, new[]
            { "generation", Number(m.Generation) },
            new[] { "server", m.Format is { } rdb ? $"{m.Server}, {rdb}" : m.Server }, new[]
            { "base", m.Base is { } file ? $"{file.Name}, {file.Length} bytes, SHA-256 {file.Sha256}" : "none" },
            new[] { "base begun", RestorePlan.Show(DateTimeOffset.FromUnixTimeSeconds(m.BaseTime)) }, new[]
            { "completed", RestorePlan.Show(m.CompletedAt) },
            new[] { "tail", m.IsSnapshot ? "none: a snapshot" : $"{m.Start} to {m.End}" },
            new[]
            {
                "verified",
                backup.Verification is { } v
                    ? $"{RestorePlan.Show(v.VerifiedAt)}: {Drill(v)}"
                    : "never"
            },
        };
        rows.AddRange(
            m.Databases.Select(d => new[] { $"db{d.Index}", d.Fewest == d.Most ? $"{d.Most} keys" : $"{d.Fewest} to {d.Most} keys" }));
        Table(null, rows);
    }

    public void Restored(RestorePlan.Restore plan, string directory, bool dryRun)
    {
        output.WriteLine($"{(dryRun ? "would restore" : "restored")} backup {plan.Backup.Id} and {plan.Segments.Length} segments, "
            + $"{Size.Of(plan.Bytes)}, to {directory}");
        output.WriteLine($"state of {RestorePlan.Show(plan.Reaches)}");
        foreach (var note in plan.Notes) output.WriteLine($"! {note}");
    }

    public void Verified(string id, Verification v) =>
        output.WriteLine($"backup {id} is good: {Drill(v)}");

    public void Pruned(PruneReport report, bool dryRun)
    {
        Table(["BACKUP", "COMPLETED", "", "REASON"], report.Policy.Verdicts.Select(
            v => new[] { v.Backup.Id, RestorePlan.Show(v.Backup.Manifest.CompletedAt), v.Keep ? "keep" : "delete", v.Reason }),
            "COMPLETED");
        foreach (var key in report.Leftovers) output.WriteLine($"{key}: of a base that was interrupted");
        if (report.Unfinished > 0) output.WriteLine($"{report.Unfinished} uploads that were never completed");
        foreach (var note in report.Notes) output.WriteLine($"! {note}");
        output.WriteLine(
            $"{report.Segments.Count} segments that nothing needs; {Size.Of(report.Bytes)} {(dryRun ? "would be" : "were")} freed");
    }

    public void Dispose()
    {
    }

    private static string Drill(Verification v) =>
        $"{v.Keys} keys, restored in {DurationText.About(TimeSpan.FromMilliseconds(v.RestoreMilliseconds))}, "
        + $"loaded in {DurationText.About(TimeSpan.FromMilliseconds(v.LoadMilliseconds))}";

    private static string Covered(StoreReview review, UploaderLease lease) =>
        review.Severed(lease.Generation) is not null ? "what it has written since the missing segment can't be restored"
        : lease.Covered is { } covered ? $"all written until {RestorePlan.Show(covered)} is here" : "nothing is here yet";

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    // Columns that do not fit are left out, in the order of their heads in spare.
    private void Table(string[]? head, IEnumerable<string[]> rows, params IReadOnlyList<string> spare)
    {
        var all = rows.ToList();
        if (head is not null) all.Insert(0, head);
        if (all.Count == 0) return;
        var widths = Enumerable.Range(0, all[0].Length).Select(i => all.Max(r => r[i].Length)).ToArray();
        var columns = Enumerable.Range(0, widths.Length).ToList();
        foreach (var name in spare)
            if (columns.Sum(i => (long)widths[i] + 2) - 2 > width) columns.Remove(Array.IndexOf(all[0], name));
        foreach (var row in all) output.WriteLine(string.Join("  ", columns.Select(i => row[i].PadRight(widths[i]))).TrimEnd());
    }
}

/// <summary>For programs: one JSON object.</summary>
internal sealed class JsonReport : IReport
{
    private readonly TextWriter _output;
    private readonly MemoryStream _buffer = new();
    private readonly Utf8JsonWriter _json;

    public JsonReport(TextWriter output)
    {
        _output = output;
        _json = new Utf8JsonWriter(_buffer);
        _json.WriteStartObject();
    }

    public void Done(string what, string id) => _json.WriteString(what, id);

    public void List(StoreReview review)
    {
        var catalogue = review.Catalogue;
        _json.WriteStartArray("backups");
        foreach (var backup in catalogue.Backups)
        {
            _json.WriteStartObject();
            Show(backup);
            _json.WriteBoolean("damaged", review.Broken.Contains(backup.Id));
            _json.WriteEndObject();
        }

        _json.WriteEndArray();
        if (catalogue.Uploader is { } lease) Raw("uploader", UploaderLeaseDocument.Write(lease));
        _json.WriteStartArray("unreadable");
        foreach (var odd in catalogue.Oddities) _json.WriteStringValue($"{odd.Key}: {odd.Problem}");
        _json.WriteEndArray();
        _json.WriteStartArray("damage");
        foreach (var line in review.Lines()) _json.WriteStringValue(line);
        _json.WriteEndArray();
    }

    public void Show(BackupEntry backup)
    {
        Raw("manifest", BackupManifestDocument.Write(backup.Manifest));
        if (backup.Verification is { } verification) Raw("verification", VerificationDocument.Write(verification));
    }

    public void Restored(RestorePlan.Restore plan, string directory, bool dryRun)
    {
        _json.WriteString("backup", plan.Backup.Id);
        _json.WriteNumber("segments", plan.Segments.Length);
        _json.WriteNumber("bytes", plan.Bytes);
        _json.WriteString("reaches", RestorePlan.Show(plan.Reaches));
        _json.WriteString("directory", directory);
        _json.WriteBoolean("dry_run", dryRun);
        _json.WriteStartArray("notes");
        foreach (var note in plan.Notes) _json.WriteStringValue(note);
        _json.WriteEndArray();
    }

    public void Verified(string id, Verification verification)
    {
        _json.WriteString("backup", id);
        Raw("verification", VerificationDocument.Write(verification));
    }

    public void Pruned(PruneReport report, bool dryRun)
    {
        _json.WriteBoolean("dry_run", dryRun);
        _json.WriteStartArray("backups");
        foreach (var verdict in report.Policy.Verdicts)
        {
            _json.WriteStartObject();
            _json.WriteString("id", verdict.Backup.Id);
            _json.WriteBoolean("keep", verdict.Keep);
            _json.WriteString("reason", verdict.Reason);
            _json.WriteEndObject();
        }

        _json.WriteEndArray();
        _json.WriteNumber("segments", report.Segments.Count);
        _json.WriteNumber("leftovers", report.Leftovers.Count);
        _json.WriteNumber("unfinished", report.Unfinished);
        _json.WriteNumber("bytes", report.Bytes);
        _json.WriteStartArray("notes");
        foreach (var note in report.Notes) _json.WriteStringValue(note);
        _json.WriteEndArray();
    }

    public void Dispose()
    {
        _json.WriteEndObject();
        _json.Dispose();
        _output.WriteLine(Encoding.UTF8.GetString(_buffer.ToArray()));
        _buffer.Dispose();
    }

    private void Raw(string name, byte[] json)
    {
        _json.WritePropertyName(name);
        _json.WriteRawValue(json);
    }
}
