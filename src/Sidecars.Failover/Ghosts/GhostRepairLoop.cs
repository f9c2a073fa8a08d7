using Prometheus;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;
using Sidecars.Failover.Decisions;
using Sidecars.Telemetry;

namespace Sidecars.Failover.Ghosts;

/// <summary>How the loop looks and acts.</summary>
public sealed record GhostRepairSettings
{
    /// <summary>Configured number of Redis nodes.</summary>
    public required int RedisCount { get; init; }

    /// <summary>Configured number of Sentinels.</summary>
    public required int SentinelCount { get; init; }

    /// <summary>Between two looks; default 5 s. A ghost harms only once it meets a death: there is no hurry.</summary>
    public TimeSpan Period { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>True: decide, log and count, change nothing.</summary>
    public bool DryRun { get; init; }
}

/// <summary>
/// Looks for ghosts and removes them, one Sentinel at a time; hosted by the failover sidecar of every Redis, of which only
/// the master's acts. Rules: <see cref="GhostRepairPolicy"/>. Counts <c>sidecars_ghost_repair_refusals_total{reason}</c> and
/// <c>sidecars_ghost_repair_resets_total</c>.
/// </summary>
public sealed class GhostRepairLoop
{
    private readonly GhostRepairSettings _settings;
    private readonly Func<CancellationToken, Task<GroupObservation>> _observe;
    private readonly Func<RedisEndpoint, CancellationToken, Task<string?>> _reset;
    private readonly Func<string> _myRunId;
    private readonly Action<GhostDecision, GhostSnapshot, string?> _report;
    private readonly TimeProvider _time;
    private readonly Family<Counter.Child> _refusals;
    private readonly Family<Counter.Child> _resets;
    private string _fingerprint = "";
    private long _unchangedSince;

    /// <summary>Creates the loop; nothing is asked before <see cref="RunAsync"/>.</summary>
    /// <param name="settings">Counts and period.</param>
    /// <param name="observe">One look at the whole group, the own Redis included.</param>
    /// <param name="reset">RESETs one Sentinel: <see cref="SentinelClient.ResetAsync"/>.</param>
    /// <param name="myRunId">Run id of the Redis beside this process, now; empty while it does not answer.</param>
    /// <param name="report">
    /// Every decision with what it was taken from, and for a RESET what stood in its way (null: done). The caller logs changes.
    /// </param>
    /// <param name="metrics">Takes the counters.</param>
    /// <param name="time">For the period and for what has not changed how long.</param>
    public GhostRepairLoop(
        GhostRepairSettings settings,
        Func<CancellationToken, Task<GroupObservation>> observe,
        Func<RedisEndpoint, CancellationToken, Task<string?>> reset,
        Func<string> myRunId,
        Action<GhostDecision, GhostSnapshot, string?> report,
        MetricSet metrics,
        TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(metrics);
        (_settings, _observe, _reset, _myRunId, _report, _time) = (settings, observe, reset, myRunId, report, time);
        _refusals = metrics.Counter(
            "sidecars_ghost_repair_refusals_total",
            "Decision rounds in which dead entries in Sentinels were not removed for lack of evidence, by reason.",
            "reason")
            .Shown(RefusalReasons.Of("ghosts").Select(reason => new[] { reason }));
        _resets = metrics.Counter(
            "sidecars_ghost_repair_resets_total", "SENTINEL RESET commands that made a Sentinel forget dead entries.");
    }

    /// <summary>Looks until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            await RoundAsync(cancellation).ConfigureAwait(false);
            await Task.Delay(_settings.Period, _time, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Looks once, and resets at most one Sentinel.</summary>
    public async Task<GhostDecision> RoundAsync(CancellationToken cancellation)
    {
        var group = await _observe(cancellation).ConfigureAwait(false);
        var now = _time.GetTimestamp();
        var fingerprint = GhostRepairPolicy.Fingerprint(group.Sentinels, group.Nodes);
        if (fingerprint != _fingerprint) (_fingerprint, _unchangedSince) = (fingerprint, now);
        var snapshot = new GhostSnapshot
        {
            RedisCount = _settings.RedisCount,
            SentinelCount = _settings.SentinelCount,
            Sentinels = group.Sentinels,
            Nodes = group.Nodes,
            MyRunId = _myRunId(),
            UnchangedFor = _time.GetElapsedTime(_unchangedSince, now),
        };
        var decision = GhostRepairPolicy.Decide(snapshot);
        string? refusal = null;
        if (decision is GhostDecision.Refuse) _refusals.Of(decision.Code)?.Inc();
        if (decision is GhostDecision.Reset reset && !_settings.DryRun)
        {
            // Whatever comes of it, the next one waits: a request without an answer may have been heard.
            _fingerprint = "";
            refusal = await _reset(reset.Sentinel, cancellation).ConfigureAwait(false);
            if (refusal is null) _resets.Of()?.Inc();
        }

        _report(decision, snapshot, refusal);
        return decision;
    }
}
