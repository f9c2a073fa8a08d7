using System.Globalization;
using System.Text;

namespace Sidecars.Telemetry;

/// <summary>
/// Metric families ↔ text. Source: Prometheus, exposition formats, text format 0.0.4; names: its naming conventions, units spelt
/// out and <c>_total</c> for counters.
/// </summary>
public static class PrometheusText
{
    /// <summary>Of an answer in this format.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>Writes families, each with HELP and TYPE; those without a series are left out.</summary>
    public static void Write(TextWriter text, IEnumerable<MetricFamily> families)
    {
        foreach (var family in families)
        {
            if (family.Count == 0) continue;
            text.WriteLine($"# HELP {family.Name} {Escape(family.Help, quotes: false)}");
            text.WriteLine($"# TYPE {family.Name} {family.Kind switch { MetricKind.Counter => "counter", MetricKind.Gauge => "gauge", _ => "histogram" }}");
            foreach (var (labels, series) in family.Series)
            {
                if (family.Kind == MetricKind.Histogram) WriteHistogram(text, family, labels, series);
                else text.WriteLine($"{family.Name}{Braces(labels)} {Number(series.Value)}");
            }
        }
    }

    /// <summary>The name of an instrument's family: characters that Prometheus has not become <c>_</c>, unit and <c>_total</c> are appended where missing.</summary>
    public static string NameOf(string instrument, string? unit, MetricKind kind)
    {
        var name = new StringBuilder(instrument.Length + 16);
        foreach (var c in instrument) name.Append(char.IsAsciiLetterOrDigit(c) || c is '_' or ':' ? c : '_');
        if (name.Length == 0 || char.IsAsciiDigit(name[0])) name.Insert(0, '_');
        var result = name.ToString();
        var suffix = unit switch { "s" => "_seconds", "By" => "_bytes", _ => "" };
        if (suffix.Length > 0 && !result.EndsWith(suffix, StringComparison.Ordinal)) result += suffix;
        return kind == MetricKind.Counter && !result.EndsWith("_total", StringComparison.Ordinal) ? result + "_total" : result;
    }

    /// <summary>Labels as they stand within the braces, sorted by name, values escaped; empty for none.</summary>
    public static string Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (tags.IsEmpty) return "";
        var sorted = new List<string>(tags.Length);
        foreach (var (name, value) in tags)
            sorted.Add($"{NameOf(name, null, MetricKind.Gauge)}=\"{Escape(Convert.ToString(value, CultureInfo.InvariantCulture) ?? "", quotes: true)}\"");
        sorted.Sort(StringComparer.Ordinal);
        return string.Join(',', sorted);
    }

    private static void WriteHistogram(TextWriter text, MetricFamily family, string labels, MetricSeries series)
    {
        long total = 0;
        var before = labels.Length > 0 ? labels + "," : "";
        for (var i = 0; i < series.Counts.Count; i++)
        {
            total += series.Counts[i];
            var bound = i < family.Bounds.Count ? Number(family.Bounds[i]) : "+Inf";
            text.WriteLine($"{family.Name}_bucket{{{before}le=\"{bound}\"}} {Number(total)}");
        }

        text.WriteLine($"{family.Name}_sum{Braces(labels)} {Number(series.Value)}");
        text.WriteLine($"{family.Name}_count{Braces(labels)} {Number(total)}");
    }

    private static string Braces(string labels) => labels.Length == 0 ? "" : $"{{{labels}}}";

    private static string Number(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        _ => value.ToString("R", CultureInfo.InvariantCulture), // NaN is spelt as Prometheus does
    };

    private static string Escape(string text, bool quotes)
    {
        var escaped = text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
        return quotes ? escaped.Replace("\"", "\\\"", StringComparison.Ordinal) : escaped;
    }
}
