using Prometheus;
using Sidecars.Telemetry;

namespace Sidecars.Failover.Publish;

/// <summary>What publishing counts and measures.</summary>
public sealed class PublishMetrics
{
    // From a Sentinel's event to a Lease beside it, up to a place that is throttled.
    private static readonly double[] Delays = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

    private readonly Family<Counter.Child> _writes;
    private readonly Family<Counter.Child> _outcomes;
    private readonly Family<Counter.Child> _failures;
    private readonly Family<Histogram.Child> _sent;
    private readonly Family<Histogram.Child> _published;
    private readonly Family<Histogram.Child> _propagated;

    /// <summary>Creates the families.</summary>
    public PublishMetrics(MetricSet metrics)
    {
        ArgumentNullException.ThrowIfNull(metrics);
        _writes = metrics.Counter(
            "sidecars_failover_publish_writes_total",
            "Writes that changed what a publisher's target shows, by publisher.",
            "publisher");
        _outcomes = metrics.Counter(
            "sidecars_failover_publish_outcomes_total",
            "Completed attempts to publish the master, by publisher and outcome.",
            "outcome", "publisher");
        _failures = metrics.Counter(
            "sidecars_failover_publish_failures_total",
            "Calls of a publisher that failed and are retried, throttling included, by publisher.",
            "publisher");
        _sent = metrics.Histogram(
            "sidecars_failover_switch_to_send_seconds",
            "Seconds from the Sentinel event that completed the majority for a master until a publisher sent its write, by publisher.",
            Delays, "publisher");
        _published = metrics.Histogram(
            "sidecars_failover_switch_to_publish_seconds",
            "Seconds from the Sentinel event that completed the majority for a master until the write was acknowledged, by publisher.",
            Delays, "publisher");
        _propagated = metrics.Histogram(
            "sidecars_failover_propagation_seconds",
            "Seconds from the acknowledgement of a write until all servers of the target knew it (Route 53: INSYNC); "
            + "not asked while calls are throttled.",
            [10, 15, 20, 30, 45, 60, 90, 120, 180, 300], "publisher");
    }

    /// <summary>A target that is set: its series are shown before anything was published there.</summary>
    public void Expect(string publisher)
    {
        foreach (var counter in (Family<Counter.Child>[])[_writes, _failures]) counter.Shown([publisher]);
        foreach (var delay in (Family<Histogram.Child>[])[_sent, _published]) delay.Shown([publisher]);
        _outcomes.Shown(PublishOutcome.Codes.Select(code => new[] { code, publisher }));
    }

    /// <summary>All servers of a target know what was written, so long after that.</summary>
    public void Propagated(string publisher, TimeSpan after) => _propagated.Of(publisher)?.Observe(after.TotalSeconds);

    /// <summary>A target was called for the own master, so long after it was known.</summary>
    public void Sent(string publisher, TimeSpan after) => _sent.Of(publisher)?.Observe(after.TotalSeconds);

    /// <summary>It was settled so long after the master was known.</summary>
    public void Settled(string publisher, PublishOutcome outcome, DesiredMaster desired, TimeSpan after)
    {
        ArgumentNullException.ThrowIfNull(outcome);
        _outcomes.Of(outcome.Code, publisher)?.Inc();
        if (outcome is not PublishOutcome.Written) return;
        _writes.Of(publisher)?.Inc();
        if (desired is DesiredMaster.Own) _published.Of(publisher)?.Observe(after.TotalSeconds);
    }

    /// <summary>It can't be reached, or throttles.</summary>
    public void Failed(string publisher) => _failures.Of(publisher)?.Inc();
}
