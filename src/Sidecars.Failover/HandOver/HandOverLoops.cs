using System.Text.Json;
using Sidecars.Core.Group;
using Sidecars.Failover.Decisions;
using Sidecars.Failover.Options;
using Sidecars.Failover.Watch;
using Sidecars.Telemetry;

namespace Sidecars.Failover.HandOver;

/// <summary>What <c>run</c> does about hand-overs: it repairs what a dead coordinator left.</summary>
internal sealed class HandOverLoops
{
    // Two looks: what a dead coordinator left stands for seconds before anybody touches it.
    private static readonly TimeSpan GlanceAge = TimeSpan.FromSeconds(2.5);

    private readonly DecisionLog _decisions;
    private readonly HandOverRepairLoop _repair;

    public HandOverLoops(
        FailoverOptions options, GroupConnections connections, SentinelWatch sentinels, OwnServerWatch server, DecisionLog decisions,
        MetricSet metrics, TimeProvider time)
    {
        _decisions = decisions;
        var group = HandOverWiring.Group(options, connections, time);
        var settings = new HandOverRepairSettings { DataDirectory = options.Group.DataDirectory, DryRun = options.DryRun };
        _repair = new HandOverRepairLoop(settings, group, Repaired, metrics, time,
            () => server.LookWithin(GlanceAge) is { } own ? group.Glance(own, sentinels.Observe()) : null);
    }

    public void Start(Supervisor supervisor, CancellationToken cancellation) =>
        supervisor.Start("hand-over-repair", _repair.RunAsync, cancellation);

    private void Repaired(HandOverRepairDecision decision, HandOverRepairFacts facts, StepOutcome? outcome)
    {
        _decisions.Decided("hand-over-repair", decision.Code, decision.Reason, decision is HandOverRepairDecision.Refuse,
            () => JsonSerializer.Serialize(facts, HandOverJson.Default.HandOverRepairFacts));
        if (outcome is { } ended)
            _decisions.Acted(
                "hand-over-repair", decision.Code, decision.Reason, ended == StepOutcome.Done ? null : ended.ToString().ToLowerInvariant());
    }
}
