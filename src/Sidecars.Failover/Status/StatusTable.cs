using System.Globalization;
using System.Text;

namespace Sidecars.Failover.Status;

/// <summary>A report for people: tables, then what does not fit, with what to do.</summary>
public static class StatusTable
{
    private const int ShownId = 8; // of 40 hex digits: enough to tell three processes apart

    /// <summary>The text; ends with a line feed.</summary>
    public static string Write(StatusReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{report.Cluster}: master {report.Master ?? "unknown"}; {report.Summary}\n\n");
        Table(text, ["REDIS", "ROLE", "OF", "LINK", "OFFSET", "LAG", "WRITES", "PRIORITY", "TOKEN", "RUN"], report.Nodes.Select(n => new[]
        {
            n.Address, n.Role, n.Of ?? "", n.Link ?? "", Number(n.Offset), Number(n.Lag), n.Writes ?? "", Number(n.Priority), n.Token ?? "", Short(n.RunId),
        }));
        text.Append('\n');
        Table(text, ["SENTINEL", "STATE", "NAMES", "EPOCH", "FLAGS", "OTHERS", "REPLICAS", "ID"], report.Sentinels.Select(r => new[]
        {
            r.Address, r.State, r.Master ?? "", Number(r.Epoch), r.Flags ?? "", Number(r.Others), Number(r.Replicas), Short(r.Id),
        }));
        text.Append('\n');
        Table(text, ["SOURCE", "SAYS"], report.Sources.Select(r => new[] { r.Name, r.Says }));
        text.Append('\n');
        if (report.Findings.IsEmpty) text.Append("healthy: everything agrees\n");
        foreach (var finding in report.Findings)
            text.Append(CultureInfo.InvariantCulture, $"{(finding.Kind == FindingKind.Note ? "note" : "!")} {finding.Code}: {finding.Text}\n    {finding.ToDo}\n");
        return text.ToString();
    }

    private static void Table(StringBuilder text, string[] head, IEnumerable<string[]> rows)
    {
        string[][] all = [head, .. rows];
        var widths = Enumerable.Range(0, head.Length).Select(i => all.Max(row => row[i].Length)).ToArray();
        foreach (var row in all)
        {
            var line = new StringBuilder();
            for (var i = 0; i < row.Length; i++) line.Append(Clean(row[i]).PadRight(widths[i] + 2));
            text.Append(line.ToString().TrimEnd()).Append('\n');
        }
    }

    // What a server said must not move a person's cursor.
    private static string Clean(string text) => text.Any(char.IsControl) ? new string([.. text.Select(c => char.IsControl(c) ? '?' : c)]) : text;

    private static string Number(long? number) => number?.ToString(CultureInfo.InvariantCulture) ?? "";

    private static string Short(string? id) => id is null ? "" : id[..Math.Min(ShownId, id.Length)];
}
