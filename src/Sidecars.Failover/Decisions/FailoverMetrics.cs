using System.Diagnostics.Metrics;

namespace Sidecars.Failover.Decisions;

/// <summary>The instruments of the sidecar. Names without unit and <c>_total</c>, which exporters append.</summary>
public sealed class FailoverMetrics
{
    /// <summary>Name of the meter.</summary>
    public const string MeterName = "sidecars.failover";

    private readonly Counter<long> _refusals;
    private readonly Counter<long> _actions;
    private readonly Counter<long> _actionFailures;
    private readonly Counter<long> _loopFailures;

    /// <summary>Creates the instruments.</summary>
    public FailoverMetrics(Meter meter)
    {
        ArgumentNullException.ThrowIfNull(meter);
        _refusals = meter.CreateCounter<long>("sidecars_failover_refusals", null, "Rounds in which something that may be due was not done for lack of evidence, by loop and reason.");
        _actions = meter.CreateCounter<long>("sidecars_failover_actions", null, "Fences, lifts and failovers that were carried out.");
        _actionFailures = meter.CreateCounter<long>("sidecars_failover_action_failures", null, "Those that could not be.");
        _loopFailures = meter.CreateCounter<long>("sidecars_failover_loop_failures", null, "Ends of a loop with an error; it is started again.");
    }

    /// <summary>A refusal.</summary>
    public void Refused(string loop, string reason) => _refusals.Add(1, Label("loop", loop), Label("reason", reason));

    /// <summary>Something was done, or not.</summary>
    public void Acted(string action, bool isDone) => (isDone ? _actions : _actionFailures).Add(1, Label("action", action));

    /// <summary>A loop ended with an error.</summary>
    public void LoopFailed(string loop) => _loopFailures.Add(1, Label("loop", loop));

    private static KeyValuePair<string, object?> Label(string name, string value) => new(name, value);
}
