using System.Diagnostics.Metrics;

namespace Sidecars.Telemetry;

/// <summary>How a family is shown to Prometheus.</summary>
public enum MetricKind
{
    /// <summary>Only grows; its name ends in <c>_total</c>.</summary>
    Counter,

    /// <summary>May go up and down.</summary>
    Gauge,

    /// <summary>Counts by upper bound, a sum and a count.</summary>
    Histogram,
}

/// <summary>All series of one name. Not safe for concurrent use: <see cref="MetricsCollector"/> holds the lock.</summary>
public sealed class MetricFamily
{
    private readonly SortedDictionary<string, MetricSeries> _series = new(StringComparer.Ordinal);

    internal MetricFamily(string name, MetricKind kind, string help, double[] bounds) => (Name, Kind, Help, Bounds) = (name, kind, help, bounds);

    /// <summary>As Prometheus knows it, with unit and <c>_total</c>.</summary>
    public string Name { get; }

    /// <summary>Its kind.</summary>
    public MetricKind Kind { get; }

    /// <summary>One line for people.</summary>
    public string Help { get; }

    /// <summary>Upper bounds of a histogram's buckets, rising, without +Inf.</summary>
    public IReadOnlyList<double> Bounds { get; }

    /// <summary>By their labels, in order.</summary>
    public IEnumerable<KeyValuePair<string, MetricSeries>> Series => _series;

    /// <summary>How many series there are.</summary>
    public int Count => _series.Count;

    internal MetricSeries? Find(string labels) => _series.GetValueOrDefault(labels);

    internal MetricSeries Add(string labels) => _series[labels] = new MetricSeries(Kind == MetricKind.Histogram ? Bounds.Count : 0);

    // What an observable instrument no longer reports is gone, instead of standing still for ever.
    internal void Forget() => _series.Clear();

    /// <summary>The kind of an instrument.</summary>
    internal static MetricKind KindOf(Instrument instrument)
    {
        var type = instrument.GetType().GetGenericTypeDefinition();
        if (type == typeof(Counter<>) || type == typeof(ObservableCounter<>)) return MetricKind.Counter;
        return type == typeof(Histogram<>) ? MetricKind.Histogram : MetricKind.Gauge;
    }
}

/// <summary>One series: a value, or the counts of a histogram.</summary>
public sealed class MetricSeries
{
    private readonly long[] _counts;

    internal MetricSeries(int bounds) => _counts = new long[bounds + 1];

    /// <summary>Of a counter or gauge; the sum of a histogram.</summary>
    public double Value { get; private set; }

    /// <summary>Of a histogram: how many values were in each bucket, not cumulated; the last one is above all bounds.</summary>
    public IReadOnlyList<long> Counts => _counts;

    internal void Set(double value) => Value = value;

    internal void Add(double value) => Value += value;

    internal void Observe(double value, IReadOnlyList<double> bounds)
    {
        var bucket = 0;
        while (bucket < bounds.Count && value > bounds[bucket]) bucket++;
        _counts[bucket]++;
        Value += value;
    }
}
