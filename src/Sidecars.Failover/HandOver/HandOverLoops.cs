using System.Text.Json;
using Sidecars.Core.Group;
using Sidecars.Failover.Decisions;
using Sidecars.Failover.Options;
using Sidecars.Failover.Publish;
using Sidecars.Failover.Watch;
using Sidecars.Telemetry;

namespace Sidecars.Failover.HandOver;

/// <summary>What <c>run</c> does about hand-overs: claims one to this server as soon as clients may move, and repairs what a dead coordinator left.</summary>
internal sealed class HandOverLoops
{
    // Two looks: what a dead coordinator left stands for seconds before anybody touches it.
    private static readonly TimeSpan GlanceAge = TimeSpan.FromSeconds(2.5);

    private readonly FailoverOptions _options;
    private readonly GroupConnections _connections;
    private readonly SentinelWatch _sentinels;
    private readonly Action<HandOverClaim> _claim;
    private readonly DecisionLog _decisions;
    private readonly HandOverGroup _group;
    private readonly HandOverRepairLoop _repair;
    private readonly TimeProvider _time;

    public HandOverLoops(
        FailoverOptions options, GroupConnections connections, SentinelWatch sentinels, OwnServerWatch server, Action<HandOverClaim> claim, DecisionLog decisions, MetricSet metrics, TimeProvider time)
    {
        (_options, _connections, _sentinels, _claim, _decisions, _time) = (options, connections, sentinels, claim, decisions, time);
        _group = HandOverWiring.Group(options, connections, time);
        _repair = new HandOverRepairLoop(new HandOverRepairSettings { DataDirectory = options.Group.DataDirectory, DryRun = options.DryRun }, _group, Repaired, metrics, time, () => server.LookWithin(GlanceAge) is { } own ? _group.Glance(own, sentinels.Observe()) : null);
    }

    public void Start(Supervisor supervisor, CancellationToken cancellation)
    {
        supervisor.Start("hand-over-repair", _repair.RunAsync, cancellation);
        supervisor.Start("hand-over", ListenAsync, cancellation);
    }

    private Task ListenAsync(CancellationToken cancellation) => new HandOverListener(
        ct => _group.ObserveNamedAsync(_sentinels.Observe(), ct), () => _connections.Transport(_options.Redis), _connections.AsSidecar, _claim,
        (decision, snapshot) => _decisions.Decided("hand-over", decision.Code, decision.Reason, isRefusal: false, () => JsonSerializer.Serialize(snapshot, HandOverJson.Default.HandOverSnapshot)),
        _time).RunAsync(cancellation);

    private void Repaired(HandOverRepairDecision decision, HandOverRepairFacts facts, StepOutcome? outcome)
    {
        _decisions.Decided("hand-over-repair", decision.Code, decision.Reason, decision is HandOverRepairDecision.Refuse, () => JsonSerializer.Serialize(facts, HandOverJson.Default.HandOverRepairFacts));
        if (outcome is { } ended) _decisions.Acted("hand-over-repair", decision.Code, decision.Reason, ended == StepOutcome.Done ? null : ended.ToString().ToLowerInvariant());
    }
}
