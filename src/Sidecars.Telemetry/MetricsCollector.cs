using System.Diagnostics.Metrics;
using System.Globalization;

namespace Sidecars.Telemetry;

/// <summary>
/// Listens to meters of this process and keeps what they measured, for a scrape. The instruments are those of
/// <c>System.Diagnostics.Metrics</c>: OpenTelemetry can attach to the same ones. Names follow both conventions: an instrument
/// <c>x_delay</c> with unit <c>s</c> is the family <c>x_delay_seconds</c>, a counter ends in <c>_total</c>. Safe for
/// concurrent use.
/// </summary>
public sealed class MetricsCollector : IDisposable
{
    /// <summary>Series at most, all families together: labels come from a closed set, and a mistake must not eat the memory.</summary>
    public const int MaxSeries = 2000;

    /// <summary>Upper bounds where an instrument advises none: Prometheus' own defaults, for seconds.</summary>
    public static readonly double[] DefaultBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, MetricFamily> _families = new(StringComparer.Ordinal);
    private readonly List<MetricFamily> _observed = [];
    private readonly MeterListener _listener = new();
    private int _series;
    private long _dropped;

    /// <summary>Begins to listen; instruments that come later are heard too.</summary>
    /// <param name="accept">Which meters.</param>
    public MetricsCollector(Func<Meter, bool> accept)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (accept(instrument.Meter) && Adopt(instrument) is { } family) listener.EnableMeasurementEvents(instrument, family);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, state) => Measure(instrument, value, tags, state));
        _listener.SetMeasurementEventCallback<int>((instrument, value, tags, state) => Measure(instrument, value, tags, state));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, state) => Measure(instrument, value, tags, state));
        _listener.Start();
    }

    /// <summary>Asks the observable instruments, and gives all families, sorted by name, to <paramref name="write"/> under the lock.</summary>
    public void Collect(Action<IEnumerable<MetricFamily>> write)
    {
        lock (_gate)
        {
            foreach (var family in _observed)
            {
                _series -= family.Count;
                family.Forget();
            }

            _listener.RecordObservableInstruments();
            write(_dropped == 0 ? _families.Values : _families.Values.Append(Dropped()));
        }
    }

    /// <summary>The families as Prometheus reads them, text format 0.0.4.</summary>
    public string Scrape()
    {
        using var text = new StringWriter(CultureInfo.InvariantCulture) { NewLine = "\n" };
        Collect(families => PrometheusText.Write(text, families));
        return text.ToString();
    }

    /// <summary>Stops listening.</summary>
    public void Dispose() => _listener.Dispose();

    private MetricFamily? Adopt(Instrument instrument)
    {
        var kind = MetricFamily.KindOf(instrument);
        var name = PrometheusText.NameOf(instrument.Name, instrument.Unit, kind);
        lock (_gate)
        {
            if (_families.TryGetValue(name, out var known)) return known.Kind == kind ? known : null; // one name, two kinds: the first stays
            var family = new MetricFamily(name, kind, instrument.Description ?? "", Bounds(instrument));
            _families.Add(name, family);
            if (instrument.IsObservable) _observed.Add(family);
            return family;
        }
    }

    private static double[] Bounds(Instrument instrument) => instrument switch
    {
        Histogram<double> { Advice.HistogramBucketBoundaries: { } bounds } => [.. bounds],
        Histogram<long> { Advice.HistogramBucketBoundaries: { } bounds } => [.. bounds.Select(b => (double)b)],
        Histogram<int> { Advice.HistogramBucketBoundaries: { } bounds } => [.. bounds.Select(b => (double)b)],
        _ => DefaultBounds,
    };

    private void Measure(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? state)
    {
        if (state is not MetricFamily family) return;
        var labels = PrometheusText.Labels(tags);
        lock (_gate)
        {
            var series = family.Find(labels);
            if (series is null)
            {
                if (_series >= MaxSeries)
                {
                    _dropped++;
                    return;
                }

                _series++;
                series = family.Add(labels);
            }

            if (family.Kind == MetricKind.Histogram) series.Observe(value, family.Bounds);
            else if (IsSet(instrument)) series.Set(value);
            else series.Add(value);
        }
    }

    private static bool IsSet(Instrument instrument) => instrument.IsObservable || instrument.GetType().GetGenericTypeDefinition() == typeof(Gauge<>);

    private MetricFamily Dropped()
    {
        var family = new MetricFamily("sidecars_metrics_dropped_total", MetricKind.Counter, "Measurements that had no room: more than 2000 series.", []);
        family.Add("").Set(_dropped);
        return family;
    }
}
