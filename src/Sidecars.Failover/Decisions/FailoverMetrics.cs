using Prometheus;
using Sidecars.Failover.Publish;
using Sidecars.Telemetry;

namespace Sidecars.Failover.Decisions;

/// <summary>What the sidecar counts and measures.</summary>
public sealed class FailoverMetrics : IPublishMetrics
{
    // From a Sentinel's event to a Lease beside it, up to a place that is throttled.
    private static readonly double[] Delays = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

    private readonly Family<Counter.Child> _refusals;
    private readonly Family<Counter.Child> _writes;
    private readonly Family<Counter.Child> _outcomes;
    private readonly Family<Counter.Child> _failures;
    private readonly Family<Counter.Child> _actions;
    private readonly Family<Counter.Child> _actionFailures;
    private readonly Family<Counter.Child> _loopFailures;
    private readonly Family<Histogram.Child> _sent;
    private readonly Family<Histogram.Child> _published;
    private readonly Family<Histogram.Child> _propagated;

    /// <summary>Creates the families.</summary>
    public FailoverMetrics(MetricSet metrics)
    {
        ArgumentNullException.ThrowIfNull(metrics);
        _refusals = metrics.Counter("sidecars_failover_refusals_total", "Rounds in which something that may be due was not done for lack of evidence, by loop and reason.", "loop", "reason");
        _writes = metrics.Counter("sidecars_failover_publish_writes_total", "Writes that changed what is published, by publisher.", "publisher");
        _outcomes = metrics.Counter("sidecars_failover_publish_outcomes_total", "What publishing came to, by publisher and outcome.", "outcome", "publisher");
        _failures = metrics.Counter("sidecars_failover_publish_failures_total", "Calls of a publisher that failed and are repeated, throttling among them.", "publisher");
        _actions = metrics.Counter("sidecars_failover_actions_total", "Fences, lifts and failovers that were carried out.", "action");
        _actionFailures = metrics.Counter("sidecars_failover_action_failures_total", "Those that could not be.", "action");
        _loopFailures = metrics.Counter("sidecars_failover_loop_failures_total", "Ends of a loop with an error; it is started again.", "loop");
        _sent = metrics.Histogram("sidecars_failover_switch_to_send_seconds", "From the Sentinel event that made the majority until a publisher's call is sent.", Delays, "publisher");
        _published = metrics.Histogram("sidecars_failover_switch_to_publish_seconds", "From that event until the write is acknowledged.", Delays, "publisher");
        _propagated = metrics.Histogram(
            "sidecars_failover_propagation_seconds", "From the acknowledgement of a write until all servers of its place were found to know it (Route 53: INSYNC); not asked while calls are throttled.",
            [10, 15, 20, 30, 45, 60, 90, 120, 180, 300], "publisher");
    }

    /// <inheritdoc/>
    public void Propagated(string publisher, TimeSpan after) => _propagated.Of(publisher)?.Observe(after.TotalSeconds);

    /// <inheritdoc/>
    public void Sent(string publisher, TimeSpan after) => _sent.Of(publisher)?.Observe(after.TotalSeconds);

    /// <inheritdoc/>
    public void Settled(string publisher, PublishOutcome outcome, PublishWish wish, TimeSpan after)
    {
        ArgumentNullException.ThrowIfNull(outcome);
        ArgumentNullException.ThrowIfNull(wish);
        _outcomes.Of(outcome.Code, publisher)?.Inc();
        if (outcome is not PublishOutcome.Written) return;
        _writes.Of(publisher)?.Inc();
        if (wish.IsOwn) _published.Of(publisher)?.Observe(after.TotalSeconds);
    }

    /// <inheritdoc/>
    public void Failed(string publisher) => _failures.Of(publisher)?.Inc();

    /// <summary>A refusal.</summary>
    public void Refused(string loop, string reason) => _refusals.Of(loop, reason)?.Inc();

    /// <summary>Something was done, or not.</summary>
    public void Acted(string action, bool isDone) => (isDone ? _actions : _actionFailures).Of(action)?.Inc();

    /// <summary>A loop ended with an error.</summary>
    public void LoopFailed(string loop) => _loopFailures.Of(loop)?.Inc();
}
