using System.Globalization;

namespace Sidecars.Failover.Status;

/// <summary>A report for people: what does not fit, root causes first and with what to do, then the tables.</summary>
internal static class StatusTable
{
    /// <summary>A terminal's width where it is not known: the narrowest one in use.</summary>
    public const int DefaultWidth = 80;

    private const int ShownId = 8; // of 40 hex digits: enough to tell three processes apart

    /// <summary>Writes the lines.</summary>
    /// <param name="report">The report.</param>
    /// <param name="width">No line is longer.</param>
    /// <param name="paint">Colours.</param>
    public static IEnumerable<string> Lines(StatusReport report, int width, Paint paint) =>
    [
        .. Headline(report, width, paint), .. Findings(report, width, paint), "",
        .. Redis(report, width, paint), "", .. Sentinels(report, width, paint), "", .. Sources(report, width, paint),
    ];

    private static IEnumerable<string> Headline(StatusReport report, int width, Paint paint)
    {
        var faults = report.Findings.Count(f => f is { Kind: FindingKind.Disagreement, Because: null });
        var verdict = faults switch { 0 => "healthy", 1 => "1 fault", _ => $"{Number(faults)} faults" };
        var time = report.At.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        // Coloured after it was wrapped: a colour has no width.
        var head = TextLayout.Wrap(width, "", $"{report.Cluster}: {verdict} at {time}", 0).ToList();
        var painted = faults == 0 ? paint.Good(verdict) : paint.Fault(verdict);
        head[0] = head[0].Replace($": {verdict}", $": {painted}", StringComparison.Ordinal);
        var q = report.Quorum;
        var says = q.Master is null
            ? $"no master is agreed on ({q.Code}): {q.AnsweringSentinels} of {report.Configured.Sentinels} Sentinels answer"
            : $"master {q.Master} in epoch {q.Epoch}, named by {q.NamingSentinels} of {report.Configured.Sentinels} Sentinels";
        return [.. head, .. TextLayout.Wrap(width, "", says, 0)];
    }

    private static IEnumerable<string> Findings(StatusReport report, int width, Paint paint)
    {
        string? toDo = null;
        foreach (var finding in report.Findings)
        {
            if (finding.Because is null)
            {
                foreach (var line in ToDo(toDo)) yield return line;
                toDo = finding.ToDo;
                yield return "";
            }

            var isNote = finding.Kind == FindingKind.Note;
            var first = finding.Because is not null ? "    so: " : isNote ? "- " : "! ";
            var lines = TextLayout.Wrap(width, first, $"{finding.Code}: {finding.Text}", 6).ToList();
            if (finding.Because is null) lines[0] = Marked(lines[0], first + finding.Code, isNote ? paint.Note : paint.Fault);
            foreach (var line in lines) yield return line;
        }

        foreach (var line in ToDo(toDo)) yield return line;

        IEnumerable<string> ToDo(string? text) => text is null ? [] : TextLayout.Wrap(width, "    do: ", text, 8);
    }

    private static string Marked(string line, string mark, Func<string, string> paint) =>
        line.StartsWith(mark, StringComparison.Ordinal) ? paint(mark) + line[mark.Length..] : line;

    private static IEnumerable<string> Redis(StatusReport report, int width, Paint paint) => TextLayout.Table(
        width, ["REDIS", "ROLE", "LINK", "WRITES", "LAG", "KEYS", "OFFSET", "PRIO", "TOKEN", "RUN"],
        report.Redis.Select(n => new[]
        {
            n.Address, n.State == "up" ? n.Role : n.State, n.Link, n.Writes, n.LagBytes is { } lag ? Words.Size(lag) : null,
            Number(n.Keys), Number(n.OffsetBytes), Number(n.Priority), n.Token?.ToString(), Short(n.RunId),
        }),
        ["RUN", "TOKEN", "PRIO", "KEYS", "OFFSET", "LAG"], paint);

    private static IEnumerable<string> Sentinels(StatusReport report, int width, Paint paint) => TextLayout.Table(
        width, ["SENTINEL", "STATE", "NAMES", "EPOCH", "OTHERS", "REPLICAS", "FLAGS", "ID"],
        report.Sentinels.Select(r => new[]
        {
            r.Address, r.State, r.Master ?? (r.Id is null ? null : "none"), Number(r.Epoch), Number(r.OtherSentinels),
            r.Replicas is { } all ? string.Create(CultureInfo.InvariantCulture, $"{r.ReplicasUp}/{all}") : null,
            r.Flags is { } flags ? string.Join(',', flags) : null, Short(r.Id),
        }),
        ["ID", "FLAGS", "EPOCH", "OTHERS"], paint);

    private static IEnumerable<string> Sources(StatusReport report, int width, Paint paint)
    {
        var unset = report.Places.Where(p => p.State == "not-configured").Select(p => p.Name).ToList();
        var rows = new List<(string Name, string Says)> { ("record", Says(report.Record)) };
        rows.AddRange(report.Places.Where(p => p.State != "not-configured").Select(p => (p.Name, Says(p))));
        rows.Add(("rescues", report.Rescues.IsEmpty
            ? "none on this node"
            : string.Join("; ", report.Rescues.Select(r => $"{r.Name}, {Words.Size(r.SizeBytes)}: {r.Reason}"))));
        rows.Add(("backup", Says(report.Backup)));
        if (unset.Count > 0) rows.Add(("not set", string.Join(", ", unset)));
        var name = rows.Max(r => r.Name.Length) + 2;
        return rows.SelectMany(r =>
        {
            var lines = TextLayout.Wrap(width, r.Name.PadRight(name), r.Says, name).ToList();
            lines[0] = Marked(lines[0], r.Name, paint.Head);
            return lines;
        });
    }

    private static string Says(RecordRow r) => r.State switch
    {
        "read" when r.ServedLast is not null =>
            $"term {r.Term}, epoch {r.HighestEpoch}; {r.ServedLast} served last at {r.ServedAt}, token {r.Token}",
        "read" => $"term {r.Term}, epoch {r.HighestEpoch}; no master has reported yet",
        "unreadable" => $"not read: {r.Why}",
        _ => "not configured",
    };

    private static string Says(PlaceRow p) => p.State switch
    {
        "published" => $"{p.Address}, token {p.Token}",
        "empty" => "nothing of ours",
        _ => $"not read: {p.Why}",
    };

    private static string Says(BackupRow b) => b.State switch
    {
        "read" when b.LastId is null => "none",
        "read" => $"{b.Backups}, the last {b.LastId} {Words.Ago(b.LastAgeSeconds)}; tail until {Words.Ago(b.TailAgeSeconds)}; "
            + $"drill {Words.Ago(b.DrillAgeSeconds)}",
        "not-looked-at" => $"not looked at: {b.Why}",
        "unreadable" => $"not read: {b.Why}",
        _ => "not configured",
    };

    private static string? Number(long? number) => number?.ToString(CultureInfo.InvariantCulture);

    private static string? Short(string? id) => id?[..Math.Min(ShownId, id.Length)];
}
