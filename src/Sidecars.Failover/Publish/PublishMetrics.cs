using System.Diagnostics.Metrics;

namespace Sidecars.Failover.Publish;

/// <summary>The instruments of publishing. Names without unit and <c>_total</c>, which exporters append.</summary>
public sealed class PublishMetrics
{
    private readonly Counter<long> _writes;
    private readonly Counter<long> _outcomes;
    private readonly Counter<long> _failures;
    private readonly Histogram<double> _sent;
    private readonly Histogram<double> _published;
    private readonly Histogram<double> _propagated;

    /// <summary>Creates the instruments.</summary>
    public PublishMetrics(Meter meter)
    {
        ArgumentNullException.ThrowIfNull(meter);
        _writes = meter.CreateCounter<long>("sidecars_failover_publish_writes", null, "Writes that changed what is published, by publisher.");
        _outcomes = meter.CreateCounter<long>("sidecars_failover_publish_outcomes", null, "What publishing came to, by publisher and outcome.");
        _failures = meter.CreateCounter<long>("sidecars_failover_publish_failures", null, "Calls of a publisher that failed and are repeated, throttling among them.");
        double[] bounds = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
        _sent = meter.CreateHistogram("sidecars_failover_switch_to_send", "s", "From the Sentinel event that made the majority until a publisher's call is sent.", advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = bounds });
        _published = meter.CreateHistogram("sidecars_failover_switch_to_publish", "s", "From that event until the write is acknowledged.", advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = bounds });
        _propagated = meter.CreateHistogram("sidecars_failover_propagation", "s", "From the acknowledgement of a write until all servers of its place were found to know it (Route 53: INSYNC); not asked while calls are throttled.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [10, 15, 20, 30, 45, 60, 90, 120, 180, 300] });
    }

    /// <summary>All servers of a target know what was written, so long after that.</summary>
    public void Propagated(string publisher, TimeSpan after) => _propagated.Record(after.TotalSeconds, Label("publisher", publisher));

    /// <summary>A target was called for the own master, so long after it was known.</summary>
    public void Sent(string publisher, TimeSpan after) => _sent.Record(after.TotalSeconds, Label("publisher", publisher));

    /// <summary>It was settled so long after the master was known.</summary>
    public void Settled(string publisher, PublishOutcome outcome, DesiredMaster desired, TimeSpan after)
    {
        ArgumentNullException.ThrowIfNull(outcome);
        _outcomes.Add(1, Label("publisher", publisher), Label("outcome", outcome.Code));
        if (outcome is not PublishOutcome.Written) return;
        _writes.Add(1, Label("publisher", publisher));
        if (desired is DesiredMaster.Own) _published.Record(after.TotalSeconds, Label("publisher", publisher));
    }

    /// <summary>It can't be reached, or throttles.</summary>
    public void Failed(string publisher) => _failures.Add(1, Label("publisher", publisher));

    private static KeyValuePair<string, object?> Label(string name, string value) => new(name, value);
}
