using System.Diagnostics.Metrics;
using Sidecars.Failover.Publish;

namespace Sidecars.Failover.Decisions;

/// <summary>The instruments of the sidecar. Names without unit and <c>_total</c>, which exporters append.</summary>
public sealed class FailoverMetrics : IPublishMetrics
{
    /// <summary>Name of the meter.</summary>
    public const string MeterName = "sidecars.failover";

    private readonly Counter<long> _refusals;
    private readonly Counter<long> _writes;
    private readonly Counter<long> _outcomes;
    private readonly Counter<long> _failures;
    private readonly Counter<long> _actions;
    private readonly Counter<long> _actionFailures;
    private readonly Counter<long> _loopFailures;
    private readonly Histogram<double> _sent;
    private readonly Histogram<double> _published;
    private readonly Histogram<double> _propagated;

    /// <summary>Creates the instruments.</summary>
    public FailoverMetrics(Meter meter)
    {
        ArgumentNullException.ThrowIfNull(meter);
        _refusals = meter.CreateCounter<long>("sidecars_failover_refusals", null, "Rounds in which something that may be due was not done for lack of evidence, by loop and reason.");
        _writes = meter.CreateCounter<long>("sidecars_failover_publish_writes", null, "Writes that changed what is published, by publisher.");
        _outcomes = meter.CreateCounter<long>("sidecars_failover_publish_outcomes", null, "What publishing came to, by publisher and outcome.");
        _failures = meter.CreateCounter<long>("sidecars_failover_publish_failures", null, "Calls of a publisher that failed and are repeated, throttling among them.");
        _actions = meter.CreateCounter<long>("sidecars_failover_actions", null, "Fences, lifts and failovers that were carried out.");
        _actionFailures = meter.CreateCounter<long>("sidecars_failover_action_failures", null, "Those that could not be.");
        _loopFailures = meter.CreateCounter<long>("sidecars_failover_loop_failures", null, "Ends of a loop with an error; it is started again.");
        double[] bounds = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
        _sent = meter.CreateHistogram("sidecars_failover_switch_to_send", "s", "From the Sentinel event that made the majority until a publisher's call is sent.", advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = bounds });
        _published = meter.CreateHistogram("sidecars_failover_switch_to_publish", "s", "From that event until the write is acknowledged.", advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = bounds });
        _propagated = meter.CreateHistogram("sidecars_failover_propagation", "s", "From the acknowledgement of a write until all servers of its place were found to know it (Route 53: INSYNC); not asked while calls are throttled.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [10, 15, 20, 30, 45, 60, 90, 120, 180, 300] });
    }

    /// <inheritdoc/>
    public void Propagated(string publisher, TimeSpan after) => _propagated.Record(after.TotalSeconds, Label("publisher", publisher));

    /// <inheritdoc/>
    public void Sent(string publisher, TimeSpan after) => _sent.Record(after.TotalSeconds, Label("publisher", publisher));

    /// <inheritdoc/>
    public void Settled(string publisher, PublishOutcome outcome, PublishWish wish, TimeSpan after)
    {
        ArgumentNullException.ThrowIfNull(outcome);
        ArgumentNullException.ThrowIfNull(wish);
        _outcomes.Add(1, Label("publisher", publisher), Label("outcome", outcome.Code));
        if (outcome is not PublishOutcome.Written) return;
        _writes.Add(1, Label("publisher", publisher));
        if (wish.IsOwn) _published.Record(after.TotalSeconds, Label("publisher", publisher));
    }

    /// <inheritdoc/>
    public void Failed(string publisher) => _failures.Add(1, Label("publisher", publisher));

    /// <summary>A refusal.</summary>
    public void Refused(string loop, string reason) => _refusals.Add(1, Label("loop", loop), Label("reason", reason));

    /// <summary>Something was done, or not.</summary>
    public void Acted(string action, bool isDone) => (isDone ? _actions : _actionFailures).Add(1, Label("action", action));

    /// <summary>A loop ended with an error.</summary>
    public void LoopFailed(string loop) => _loopFailures.Add(1, Label("loop", loop));

    private static KeyValuePair<string, object?> Label(string name, string value) => new(name, value);
}
