using Prometheus;
using Sidecars.Telemetry;

namespace Sidecars.Failover.Decisions;

/// <summary>What the sidecar counts.</summary>
public sealed class FailoverMetrics
{
    private readonly Family<Counter.Child> _refusals;
    private readonly Family<Counter.Child> _actions;
    private readonly Family<Counter.Child> _actionFailures;
    private readonly Family<Counter.Child> _loopFailures;

    /// <summary>Creates the families.</summary>
    public FailoverMetrics(MetricSet metrics)
    {
        ArgumentNullException.ThrowIfNull(metrics);
        _refusals = metrics.Counter("sidecars_failover_refusals_total", "Rounds in which something that may be due was not done for lack of evidence, by loop and reason.", "loop", "reason");
        _actions = metrics.Counter("sidecars_failover_actions_total", "Fences, lifts and failovers that were carried out.", "action");
        _actionFailures = metrics.Counter("sidecars_failover_action_failures_total", "Those that could not be.", "action");
        _loopFailures = metrics.Counter("sidecars_failover_loop_failures_total", "Ends of a loop with an error; it is started again.", "loop");
    }

    /// <summary>A refusal.</summary>
    public void Refused(string loop, string reason) => _refusals.Of(loop, reason)?.Inc();

    /// <summary>Something was done, or not.</summary>
    public void Acted(string action, bool isDone) => (isDone ? _actions : _actionFailures).Of(action)?.Inc();

    /// <summary>A loop ended with an error.</summary>
    public void LoopFailed(string loop) => _loopFailures.Of(loop)?.Inc();
}
