using Prometheus;

namespace Sidecars.Telemetry;

/// <summary>One series, as it is read: its value, and those of its labels in the order of their names.</summary>
/// <param name="Value">The number.</param>
/// <param name="Labels">As many as the family has names.</param>
public readonly record struct Sample(double Value, params string[] Labels);

/// <summary>
/// What one sidecar shows at <c>/metrics</c>, in a registry of its own: nothing of the process is added unasked, and tests do not meet.
/// Names are those that Prometheus sees, unit and <c>_total</c> included. A gauge is shown once it has a value, a counter without labels
/// from the start, one with labels as its owner says (<see cref="Family{TChild}.Shown"/>). Safe for concurrent use.
/// </summary>
public sealed class MetricSet
{
    /// <summary>Series at most, all families together: labels come from a closed set, and a mistake must not eat the memory.</summary>
    public const int MaxSeries = 2000;

    private readonly MetricFactory _factory;
    private readonly Counter _dropped;
    private readonly Counter _failed;
    private int _series;

    /// <summary>Creates a set without any family.</summary>
    public MetricSet()
    {
        _factory = Metrics.WithCustomRegistry(Registry);
        _dropped = _factory.CreateCounter(
            "sidecars_metrics_dropped_total",
            $"Measurements dropped because the limit of {MaxSeries} series was reached.",
            Configured<CounterConfiguration>([]));
        _failed = _factory.CreateCounter(
            "sidecars_metrics_failed_total",
            "Metric families that could not be read at a scrape and were left out of it.",
            Configured<CounterConfiguration>([]));
        _dropped.Publish();
        _failed.Publish();
    }

    /// <summary>What is scraped.</summary>
    public CollectorRegistry Registry { get; } = Metrics.NewCustomRegistry();

    /// <summary>Adds a counter.</summary>
    public Family<Counter.Child> Counter(string name, string help, params string[] labels) =>
        new Family<Counter.Child>(this, _factory.CreateCounter(name, help, Configured<CounterConfiguration>(labels)))
            .Shown(labels.Length == 0 ? [[]] : []);

    /// <summary>Adds a histogram.</summary>
    /// <param name="name">With its unit.</param>
    /// <param name="help">One line for people.</param>
    /// <param name="bounds">Upper bounds of its buckets, rising, without +Inf.</param>
    /// <param name="labels">Names of its labels.</param>
    public Family<Histogram.Child> Histogram(string name, string help, double[] bounds, params string[] labels)
    {
        var configuration = Configured<HistogramConfiguration>(labels);
        configuration.Buckets = bounds;
        return new(this, _factory.CreateHistogram(name, help, configuration));
    }

    /// <summary>A gauge without labels that is read at each scrape; null: it is not shown.</summary>
    public void Gauge(string name, string help, Func<double?> read) => Gauge(name, help, () => Samples(read()));

    /// <summary>A gauge that is read at each scrape; a series that is no longer read is gone.</summary>
    public void Gauge(string name, string help, Func<IEnumerable<Sample>> read, params string[] labels) =>
        Read(new Family<Gauge.Child>(this, _factory.CreateGauge(name, help, Configured<GaugeConfiguration>(labels))), read,
            (series, value) => series.Set(value));

    /// <summary>A counter without labels that is counted elsewhere, and read at each scrape.</summary>
    public void Counter(string name, string help, Func<double> read) => Counter(name, help, () => Samples(read()));

    /// <summary>A counter that is counted elsewhere, and read at each scrape; a series that is no longer read is gone.</summary>
    public void Counter(string name, string help, Func<IEnumerable<Sample>> read, params string[] labels) =>
        Read(Counter(name, help, labels), read, (series, value) => series.IncTo(value));

    internal bool TakeRoom()
    {
        if (Interlocked.Increment(ref _series) <= MaxSeries) return true;
        GiveRoom();
        _dropped.Inc();
        return false;
    }

    internal void GiveRoom() => Interlocked.Decrement(ref _series);

    private static IEnumerable<Sample> Samples(double? value) => value is { } number ? [new Sample(number)] : [];

    private static T Configured<T>(string[] labels)
        where T : MetricConfiguration, new() => new() { LabelNames = labels, SuppressInitialValue = true };

    // The registry swallows what a callback throws, and would go on to show what was read before.
    private void Read<TChild>(Family<TChild> family, Func<IEnumerable<Sample>> read, Action<TChild, double> set)
        where TChild : ChildBase => Registry.AddBeforeCollectCallback(() =>
    {
        Sample[] samples = [];
        try
        {
            samples = [.. read()];
        }
        catch (Exception) // whatever it is: the other families are shown
        {
            _failed.Inc();
        }

        family.Replace(samples, set);
    });
}

/// <summary>The series of one name.</summary>
/// <typeparam name="TChild">A series.</typeparam>
public sealed class Family<TChild>
    where TChild : ChildBase
{
    private readonly MetricSet _set;
    private readonly Collector<TChild> _collector;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, string[]> _known = [];

    internal Family(MetricSet set, Collector<TChild> collector) => (_set, _collector) = (set, collector);

    /// <summary>The series with these values of the labels; null where there is no room for another one.</summary>
    public TChild? Of(params string[] labels)
    {
        lock (_gate) return Find(Key(labels), labels);
    }

    /// <summary>
    /// Shows these series at 0 from now on. A series that begins with its first event hides that event: <c>increase</c> over it is 0.
    /// </summary>
    public Family<TChild> Shown(params IEnumerable<string[]> labels)
    {
        ArgumentNullException.ThrowIfNull(labels);
        foreach (var values in labels) Of(values)?.Publish();
        return this;
    }

    internal void Replace(IEnumerable<Sample> samples, Action<TChild, double> set)
    {
        lock (_gate)
        {
            HashSet<string> gone = [.. _known.Keys];
            foreach (var sample in samples)
            {
                var key = Key(sample.Labels);
                gone.Remove(key);
                if (Find(key, sample.Labels) is { } series) set(series, sample.Value);
            }

            foreach (var key in gone)
            {
                _collector.RemoveLabelled(_known[key]);
                _known.Remove(key);
                _set.GiveRoom();
            }
        }
    }

    private static string Key(string[] labels) => string.Join('\0', labels);

    private TChild? Find(string key, string[] labels)
    {
        if (!_known.TryAdd(key, labels) || _set.TakeRoom()) return _collector.WithLabels(labels);
        _known.Remove(key);
        return null;
    }
}
