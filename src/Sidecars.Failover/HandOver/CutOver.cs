using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;
using Sidecars.Failover.Watch;
using static Sidecars.Failover.HandOver.HandOverClient;

namespace Sidecars.Failover.HandOver;

/// <summary>
/// The part of a hand-over that clients notice: from the fence to the switch, and every way back. It executes the steps; what
/// follows what is <see cref="StepDownSequence"/>'s. Nothing cancels it; its deadline bounds every wait.
/// </summary>
internal sealed class CutOver(HandOverGroup group, StepDownPlan plan, long deadline, Func<string, StepOutcome, string, Task> report, TimeProvider time)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50); // between two looks at Sentinels or at a server that is silent
    private HandOverConnection? _own;
    private HandOverConnection? _target;
    private long _fenced;
    private TimeSpan? _cutOver;
    private TimeSpan? _switched;
    private string _words = "";

    public async Task<StepDownResult> RunAsync()
    {
        try
        {
            var step = await OpenAsync().ConfigureAwait(false) ? StepDownStep.Fence : StepDownStep.Restore;
            var failed = step == StepDownStep.Restore ? ("connect", _words) : ("", "");
            while (step is not (StepDownStep.End or StepDownStep.Leave))
            {
                _words = "";
                var outcome = await ExecuteAsync(step).ConfigureAwait(false);
                if (outcome != StepOutcome.Done && failed.Item1.Length == 0 && step is not (StepDownStep.Notify or StepDownStep.Restore)) failed = (Name(step), _words);
                await report(Name(step), outcome, _words).ConfigureAwait(false);
                step = StepDownSequence.After(step, outcome);
            }

            return Result(step, failed.Item1, failed.Item2);
        }
        finally
        {
            if (_own is not null) await _own.DisposeAsync().ConfigureAwait(false);
            if (_target is not null) await _target.DisposeAsync().ConfigureAwait(false);
        }
    }

    public static async Task<StepOutcome> RestorePrioritiesAsync(HandOverGroup group, IEnumerable<LoweredReplica> replicas, CancellationToken cancellation)
    {
        var outcomes = await Task.WhenAll(replicas.Select(r => group.Nodes.ConfigureAsync(r.Endpoint, r.RunId, Priority, r.Priority, rewrite: true, cancellation))).ConfigureAwait(false);
        return outcomes.All(o => o == StepOutcome.Done) ? StepOutcome.Done : StepOutcome.Unknown;
    }

    private StepDownResult Result(StepDownStep end, string failedStep, string why)
    {
        var handedOver = _switched is not null;
        var kind = handedOver ? StepDownEnd.HandedOver : end == StepDownStep.Leave ? StepDownEnd.Left : StepDownEnd.Aborted;
        return new StepDownResult(kind, handedOver ? "handed-over" : failedStep, handedOver ? $"{plan.Target} is master" : why) { Plan = plan, CutOver = _cutOver, Switched = _switched };
    }

    private async Task<bool> OpenAsync()
    {
        (_own, _words) = await group.Nodes.OpenAsync(group.Own, plan.MasterRunId, default).ConfigureAwait(false);
        if (_own is null) return false;
        (_target, _words) = await group.Nodes.OpenAsync(plan.TargetEndpoint, plan.TargetRunId, default).ConfigureAwait(false);
        return _target is not null;
    }

    private Task<StepOutcome> ExecuteAsync(StepDownStep step) => step switch
    {
        StepDownStep.Fence => FenceAsync(),
        StepDownStep.AwaitOffset => AwaitOffsetAsync(),
        StepDownStep.Promote => PromoteAsync(),
        StepDownStep.AskTarget => AskAsync(plan.TargetEndpoint, plan.TargetRunId, _target!, role => role is RoleReply.Master),
        StepDownStep.Demote => DemoteAsync(),
        StepDownStep.AskOwn => AskAsync(group.Own, plan.MasterRunId, _own!, role => role is RoleReply.Replica { Of: var of } && of == plan.Target),
        StepDownStep.Notify => NotifyAsync(),
        StepDownStep.TellSentinel => TellSentinelAsync(),
        StepDownStep.AwaitSwitch => AwaitSwitchAsync(),
        StepDownStep.TakeBack => TakeBackAsync(),
        StepDownStep.Resume => ResumeAsync(),
        StepDownStep.Unfence => UnfenceAsync(),
        StepDownStep.Restore => RestoreAsync(),
        _ => throw new InvalidOperationException($"{step} is no step of the cut-over"),
    };

    private Task<StepOutcome> FenceAsync()
    {
        _fenced = time.GetTimestamp();
        var fence = Set(MinReplicas, HandOverLimits.Fence);
        _words = plan.Pause is { } pause ? $"writes are paused for {pause.TotalMilliseconds:0} ms and refused on {plan.Master}" : $"writes are refused on {plan.Master}";
        return _own!.SendAsync(plan.Pause is { } p ? [RespCommand.Of("CLIENT", "PAUSE", p.TotalMilliseconds.ToString("0", System.Globalization.CultureInfo.InvariantCulture), "WRITE"), fence] : [fence], default);
    }

    private async Task<StepOutcome> AwaitOffsetAsync()
    {
        if (await _own!.OffsetAsync(default).ConfigureAwait(false) is not var (id, goal) || id != plan.ReplicationId)
        {
            _words = $"{plan.Master} does not tell its offset";
            return StepOutcome.Refused;
        }

        long? at = null;
        var started = time.GetTimestamp();
        do
        {
            if (await _target!.OffsetAsync(default).ConfigureAwait(false) is not var (targetId, offset) || targetId != id) break;
            // At least, not exactly: PINGs move the master's offset under a pause.
            if (offset >= goal)
            {
                _words = $"{plan.Target} has everything, up to {goal}";
                return StepOutcome.Done;
            }

            at = offset;
        }
        while (time.GetElapsedTime(started) < HandOverLimits.LongestCatchUp);

        _words = $"{plan.Target} is at {at?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "an unknown offset"} of {goal}";
        return StepOutcome.Refused;
    }

    private Task<StepOutcome> PromoteAsync()
    {
        _words = $"REPLICAOF NO ONE on {plan.Target}";
        return _target!.TransactAsync([FollowNobody, Set(MinReplicas, 0)], default);
    }

    private async Task<StepOutcome> DemoteAsync()
    {
        var outcome = await _own!.TransactAsync([Follow(plan.Target), CutClients.Normal, CutClients.Subscribed, RespCommand.Of("CLIENT", "UNPAUSE"), Set(MinReplicas, plan.MinReplicas)], default).ConfigureAwait(false);
        if (outcome == StepOutcome.Done) _cutOver = time.GetElapsedTime(_fenced);
        _words = $"{plan.Master} follows {plan.Target}, its clients are cut" + (outcome == StepOutcome.Done ? $", {_cutOver!.Value.TotalMilliseconds:0.0} ms after the fence" : "");
        return outcome;
    }

    // What was sent before may still lie in the server's socket: its connection is killed first, so that the answer stands.
    private async Task<StepOutcome> AskAsync(RedisEndpoint endpoint, string runId, HandOverConnection sentOn, Func<RoleReply, bool> isDone)
    {
        var started = time.GetTimestamp();
        do
        {
            var (connection, why) = await group.Nodes.OpenAsync(endpoint, runId, default).ConfigureAwait(false);
            _words = why;
            if (connection is not null)
            {
                await using (connection.ConfigureAwait(false))
                {
                    if (await connection.KillAsync(sentOn.Id, default).ConfigureAwait(false) && await connection.RoleAsync(default).ConfigureAwait(false) is { } role)
                    {
                        _words = $"{endpoint} is {(role is RoleReply.Master ? "master" : "a replica")}";
                        return isDone(role) ? StepOutcome.Done : StepOutcome.Refused;
                    }
                }
            }

            await Task.Delay(Pause, time).ConfigureAwait(false);
        }
        while (time.GetElapsedTime(started) < HandOverLimits.LongestQuestion);

        return StepOutcome.Unknown;
    }

    private async Task<StepOutcome> NotifyAsync()
    {
        var heard = await _target!.SignalAsync(default).ConfigureAwait(false);
        _words = heard > 0 ? $"the sidecar of {plan.Target} publishes it" : $"no sidecar listens at {plan.Target}: it is published after Sentinel's switch";
        return heard > 0 ? StepOutcome.Done : StepOutcome.Refused;
    }

    private async Task<StepOutcome> TellSentinelAsync()
    {
        var gone = new TargetWatch(group, plan, time);
        while (HasTime(HandOverLimits.RecoveryReserve))
        {
            foreach (var sentinel in plan.Sentinels)
            {
                var answer = await group.Sentinels.FailoverAsync(sentinel, default).ConfigureAwait(false);
                _words = $"Sentinel {sentinel}: {answer.Text}";
                if (answer.Kind == FailoverAnswerKind.UnderWay) return StepOutcome.Done;
                if (answer.Kind == FailoverAnswerKind.NoAnswer) return StepOutcome.Unknown;
                if (answer.Kind == FailoverAnswerKind.Refused) break; // it heard: no other one is asked
            }

            if (await gone.IsGoneAsync().ConfigureAwait(false)) return StepOutcome.Refused;
            await Task.Delay(Pause, time).ConfigureAwait(false);
        }

        return StepOutcome.Unknown;
    }

    private async Task<StepOutcome> AwaitSwitchAsync()
    {
        var gone = new TargetWatch(group, plan, time);
        while (HasTime(HandOverLimits.RecoveryReserve))
        {
            var sentinels = await group.ObserveSentinelsAsync(default).ConfigureAwait(false);
            var quorum = SentinelQuorumPolicy.Decide(sentinels, group.Settings.SentinelCount);
            _words = quorum.Reason;
            if (quorum is SentinelQuorumDecision.Agreed agreed && agreed.Address == plan.Target)
            {
                _switched = time.GetElapsedTime(_fenced);
                return StepOutcome.Done;
            }

            // Once one Sentinel names the target, its death is Sentinel's matter.
            var namesTarget = sentinels.OfType<SentinelObservation.Known>().Any(k => k.View.Master?.Address == plan.Target);
            if (await gone.IsGoneAsync().ConfigureAwait(false) && !namesTarget)
            {
                _words = $"{plan.Target} is gone before Sentinel named it";
                return StepOutcome.Refused;
            }

            await Task.Delay(Pause, time).ConfigureAwait(false);
        }

        return StepOutcome.Unknown;
    }

    private async Task<StepOutcome> TakeBackAsync()
    {
        _words = $"{plan.Target} follows {plan.Master} again; no client was sent there";
        do
        {
            var (connection, why) = await group.Nodes.OpenAsync(plan.TargetEndpoint, plan.TargetRunId, default).ConfigureAwait(false);
            if (connection is null) _words = why;
            else
            {
                await using (connection.ConfigureAwait(false))
                {
                    _ = await connection.TransactAsync([Follow(plan.Master), Set(MinReplicas, plan.MinReplicas)], default).ConfigureAwait(false);
                    if (await connection.RoleAsync(default).ConfigureAwait(false) is RoleReply.Replica) return StepOutcome.Done;
                }
            }

            await Task.Delay(Pause, time).ConfigureAwait(false);
        }
        while (HasTime(TimeSpan.Zero));

        return StepOutcome.Unknown;
    }

    private async Task<StepOutcome> ResumeAsync()
    {
        var (connection, why) = await group.Nodes.OpenAsync(group.Own, plan.MasterRunId, default).ConfigureAwait(false);
        _words = connection is null ? why : $"{plan.Master} is master again";
        if (connection is null) return StepOutcome.Unknown;
        await using (connection.ConfigureAwait(false))
        {
            var outcome = await connection.TransactAsync([FollowNobody, Set(MinReplicas, plan.MinReplicas)], default).ConfigureAwait(false);
            if (outcome == StepOutcome.Done) _ = await connection.SignalAsync(default).ConfigureAwait(false);
            return outcome;
        }
    }

    private async Task<StepOutcome> UnfenceAsync()
    {
        do
        {
            var (connection, why) = await group.Nodes.OpenAsync(group.Own, plan.MasterRunId, default).ConfigureAwait(false);
            _words = connection is null ? why : $"{plan.Master} takes writes again";
            if (connection is not null)
            {
                await using (connection.ConfigureAwait(false))
                {
                    if (await connection.SendAsync([Set(MinReplicas, plan.MinReplicas), RespCommand.Of("CLIENT", "UNPAUSE")], default).ConfigureAwait(false) == StepOutcome.Done) return StepOutcome.Done;
                }
            }

            await Task.Delay(Pause, time).ConfigureAwait(false);
        }
        while (HasTime(TimeSpan.Zero));

        return StepOutcome.Unknown;
    }

    private async Task<StepOutcome> RestoreAsync()
    {
        var outcome = await RestorePrioritiesAsync(group, plan.Lower, default).ConfigureAwait(false);
        _words = outcome == StepOutcome.Done ? "priorities" : "a priority could not be restored: the sidecar beside that replica will";
        if (_switched is null) return outcome;
        if (!await RestoreMinReplicasAsync().ConfigureAwait(false))
        {
            _words += $"; min-replicas-to-write stays 0 on {plan.Target} until replicas are attached: its sidecar restores it";
            outcome = StepOutcome.Unknown;
        }

        // Best effort: the old master's setting is right in memory.
        var (own, _) = await group.Nodes.OpenAsync(group.Own, plan.MasterRunId, default).ConfigureAwait(false);
        if (own is not null)
        {
            await using (own.ConfigureAwait(false)) _ = await own.SendAsync([Rewrite], default).ConfigureAwait(false);
        }

        return outcome;
    }

    // Raised before its replicas are back, it would refuse writes.
    private async Task<bool> RestoreMinReplicasAsync()
    {
        if (plan.MinReplicas == 0) return true;
        do
        {
            if (await group.Nodes.ObserveAsync(plan.TargetEndpoint, default).ConfigureAwait(false) is NodeObservation.Known { View: var node }
                && node.RunId == plan.TargetRunId && node.Role == NodeRole.Master && node.Attached >= plan.MinReplicas)
                return await group.Nodes.ConfigureAsync(plan.TargetEndpoint, plan.TargetRunId, MinReplicas, plan.MinReplicas, rewrite: true, default).ConfigureAwait(false) == StepOutcome.Done;
            await Task.Delay(Pause, time).ConfigureAwait(false);
        }
        while (HasTime(TimeSpan.Zero));

        return false;
    }

    private bool HasTime(TimeSpan reserve) => time.GetElapsedTime(time.GetTimestamp(), deadline) > reserve;

    internal static string Name(StepDownStep step) => step switch
    {
        StepDownStep.AwaitOffset => "await-offset",
        StepDownStep.AskTarget => "ask-target",
        StepDownStep.AskOwn => "ask-own",
        StepDownStep.TellSentinel => "tell-sentinel",
        StepDownStep.AwaitSwitch => "await-switch",
        StepDownStep.TakeBack => "take-back",
        var other => other.ToString().ToLowerInvariant(),
    };
}
