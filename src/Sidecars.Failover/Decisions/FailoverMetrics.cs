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
        _refusals = metrics.Counter(
            "sidecars_failover_refusals_total",
            "Decision rounds in which an action was withheld for lack of evidence, by loop and reason.",
            "loop", "reason")
            .Shown(RefusalReasons.All);
        _actions = metrics.Counter("sidecars_failover_actions_total", "Actions of this sidecar that succeeded, by action.", "action")
            .Shown(ActionCodes.All.Select(code => new[] { code }));
        _actionFailures = metrics.Counter(
            "sidecars_failover_action_failures_total",
            "Actions of this sidecar that failed, by action.",
            "action")
            .Shown(ActionCodes.All.Select(code => new[] { code }));
        _loopFailures = metrics.Counter(
            "sidecars_failover_loop_failures_total",
            "Errors that ended a loop of this sidecar, which is then restarted, by loop.",
            "loop");
    }

    /// <summary>Counts a refusal.</summary>
    public void Refused(string loop, string reason) => _refusals.Of(loop, reason)?.Inc();

    /// <summary>Something was done, or not.</summary>
    public void Acted(string action, bool isDone) => (isDone ? _actions : _actionFailures).Of(action)?.Inc();

    /// <summary>A target that is set: its series are shown before anything was done there.</summary>
    public void ExpectTarget(string loop)
    {
        _actions.Shown([loop]);
        _actionFailures.Shown([loop]);
        _refusals.Shown(RefusalReasons.OfTarget.Select(reason => new[] { loop, reason }));
    }

    /// <summary>A loop began: its series is shown before it fails.</summary>
    public void LoopStarted(string loop) => _loopFailures.Shown([loop]);

    /// <summary>Counts a loop that ended with an error.</summary>
    public void LoopFailed(string loop) => _loopFailures.Of(loop)?.Inc();
}
