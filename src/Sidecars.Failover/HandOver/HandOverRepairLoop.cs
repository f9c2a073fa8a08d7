using Prometheus;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel.Leadership;
using Sidecars.Failover.Watch;
using Sidecars.Telemetry;
using static Sidecars.Failover.HandOver.HandOverClient;

namespace Sidecars.Failover.HandOver;

/// <summary>How the loop looks and acts.</summary>
public sealed record HandOverRepairSettings
{
    /// <summary>Data directory of the server beside this process: where the coordinator's lock is.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>Between two looks; default 1 s.</summary>
    public TimeSpan Period { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>True: decide, log and count, change nothing.</summary>
    public bool DryRun { get; init; }
}

/// <summary>
/// Beside every Redis: looks for what a dead coordinator left, and finishes it (<see cref="HandOverRepairPolicy"/>). Hosted by
/// <c>redis-failover run</c>. Counts <c>sidecars_hand_over_repair_refusals_total{reason}</c> and
/// <c>sidecars_hand_over_repairs_total{act}</c>.
/// </summary>
public sealed class HandOverRepairLoop
{
    private readonly HandOverRepairSettings _settings;
    private readonly HandOverGroup _group;
    private readonly Action<HandOverRepairDecision, HandOverRepairFacts, StepOutcome?> _report;
    private readonly TimeProvider _time;
    private readonly Func<HandOverSnapshot?> _glance;
    private readonly Family<Counter.Child> _refusals;
    private readonly Family<Counter.Child> _repairs;
    private string _standing = "";
    private long _learntEpoch;
    private long _since;

    /// <summary>Creates it; nothing is asked before <see cref="RunAsync"/>.</summary>
    /// <param name="settings">Of the loop.</param>
    /// <param name="group">Where it looks; its own Redis is the one beside this process.</param>
    /// <param name="report">
    /// Every decision that is new with what it was taken from, and every act with its outcome (null: not yet, or dry run).
    /// </param>
    /// <param name="metrics">Takes the counters.</param>
    /// <param name="time">For the period and for what has stood how long.</param>
    /// <param name="glance">
    /// What others saw of the own server and of the Sentinels a moment ago; null, or answering null: it looks at everybody each time.
    /// </param>
    public HandOverRepairLoop(
        HandOverRepairSettings settings, HandOverGroup group, Action<HandOverRepairDecision, HandOverRepairFacts, StepOutcome?> report,
        MetricSet metrics, TimeProvider time, Func<HandOverSnapshot?>? glance = null)
    {
        ArgumentNullException.ThrowIfNull(metrics);
        _glance = glance ?? (() => null);
        (_settings, _group, _report, _time) = (settings, group, report, time);
        _refusals = metrics.Counter("sidecars_hand_over_repair_refusals_total",
            "Rounds in which a dead hand-over's remains were seen and the view was not good enough to repair them.", "reason");
        _repairs = metrics.Counter("sidecars_hand_over_repairs_total", "Remains of dead hand-overs that were repaired, by act.", "act");
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

    /// <summary>Looks once, and acts at most once.</summary>
    public async Task<HandOverRepairDecision> RoundAsync(CancellationToken cancellation)
    {
        // The whole group is asked only where the own server shows something that a hand-over may have left.
        var note = GivingUp.Read(_settings.DataDirectory);
        var snapshot = _glance();
        if (snapshot is null || note.State != FactState.Absent || !HandOverRepairPolicy.IsNothingLeft(snapshot))
            snapshot = await _group.ObserveAsync(null, cancellation).ConfigureAwait(false);
        var facts = new HandOverRepairFacts(
            snapshot, StepDownLock.IsHeldByAnother(_settings.DataDirectory), note.Value,
            note.State == FactState.Unreadable ? note.Fault.ToString() : null);
        var decision = HandOverRepairPolicy.Decide(facts);
        var now = _time.GetTimestamp();
        // Reasons hold counts that flicker; the code and whose process it is are the state.
        var state = decision.Code + "|" + (snapshot.Own as Core.Topology.NodeObservation.Known)?.View.RunId;
        var isNew = state != _standing;
        if (isNew) (_standing, _since) = (state, now);
        if (decision is HandOverRepairDecision.Refuse) _refusals.Of(decision.Code)?.Inc();
        if (!decision.IsAct || _time.GetElapsedTime(_since, now) < decision.After)
        {
            if (isNew) _report(decision, facts, null);
            return decision;
        }

        var outcome = _settings.DryRun ? (StepOutcome?)null : await ActAsync(decision, cancellation).ConfigureAwait(false);
        if (outcome == StepOutcome.Done) _repairs.Of(decision.Code)?.Inc();
        _standing = ""; // whatever came of it, it must stand anew before it is done again
        _report(decision, facts, outcome);
        return decision;
    }

    private async Task<StepOutcome> ActAsync(HandOverRepairDecision decision, CancellationToken cancellation)
    {
        switch (decision)
        {
            case HandOverRepairDecision.Tell tell:
                return await TellAsync(tell, cancellation).ConfigureAwait(false);
            case HandOverRepairDecision.Demote demote:
                return await TransactAsync(
                    _group.Own, demote.RunId,
                    [Follow(demote.Master), CutClients.Normal, CutClients.Subscribed, Set(MinReplicas, demote.MinReplicas)],
                    cancellation).ConfigureAwait(false);
            case HandOverRepairDecision.SetMinReplicas set:
                // The note first: with it, the value would be refused by the fence. The pause that came with the fence lapses by itself
                // within 3 s.
                if (GivingUp.TryRemove(_settings.DataDirectory) is not null) return StepOutcome.Refused;
                return await _group.Nodes.ConfigureAsync(
                    _group.Own, set.RunId, MinReplicas, set.Value, rewrite: true, cancellation).ConfigureAwait(false);
            case HandOverRepairDecision.Forget:
                return GivingUp.TryRemove(_settings.DataDirectory) is null ? StepOutcome.Done : StepOutcome.Refused;
            default:
                return StepOutcome.Refused;
        }
    }

    private async Task<StepOutcome> TellAsync(HandOverRepairDecision.Tell tell, CancellationToken cancellation)
    {
        var request = new LeadershipRequest(tell.Target, tell.Replaces, _group.Settings.SentinelCount)
        { LearntEpoch = Math.Max(_learntEpoch, tell.Above) };
        var sentinels = (await _group.ObserveSentinelsAsync(cancellation).ConfigureAwait(false)).Select(s => s.Endpoint).ToList();
        var outcome = await _group.Leadership.TellAsync(request, sentinels, cancellation).ConfigureAwait(false);
        _learntEpoch = Math.Max(_learntEpoch, outcome.HighestEpoch);
        return outcome switch
        {
            LeadershipOutcome.Confirmed => StepOutcome.Done,
            LeadershipOutcome.Unconfirmed => StepOutcome.Unknown,
            _ => StepOutcome.Refused,
        };
    }

    private async Task<StepOutcome> TransactAsync(
        RedisEndpoint endpoint, string runId, IReadOnlyList<RespCommand> commands, CancellationToken cancellation)
    {
        var (connection, _) = await _group.Nodes.OpenAsync(endpoint, runId, cancellation).ConfigureAwait(false);
        if (connection is null) return StepOutcome.Refused;
        await using (connection.ConfigureAwait(false)) return await connection.TransactAsync(commands, cancellation).ConfigureAwait(false);
    }
}
