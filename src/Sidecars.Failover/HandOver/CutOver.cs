using System.Globalization;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Sentinel.Leadership;
using Sidecars.Core.Succession;
using Sidecars.Failover.Watch;
using static Sidecars.Failover.HandOver.HandOverClient;

namespace Sidecars.Failover.HandOver;

/// <summary>
/// The part of a hand-over that clients notice: from the fence to the switch; telling the Sentinels and every way back are in files of
/// their own. It executes the steps; what follows what is <see cref="StepDownSequence"/>'s. Nothing cancels it; its deadline bounds every
/// wait.
/// </summary>
/// <param name="group">Where it looks and acts.</param>
/// <param name="plan">Who hands over to whom.</param>
/// <param name="deadline">Timestamp of the end.</param>
/// <param name="report">After each step; the next begins when it returns.</param>
/// <param name="time">The clock.</param>
internal sealed partial class CutOver(
    HandOverGroup group, StepDownPlan plan, long deadline, Func<string, StepOutcome, string, Task> report, TimeProvider time)
{
    /// <summary>Code of a result: the target was marked as terminating after it had been chosen.</summary>
    internal const string TargetTerminates = "target-terminates";

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50); // between two looks at Sentinels or at a server that is silent

    private readonly LeadershipRequest _request = new(plan.Target.Address, plan.Master, group.Settings.SentinelCount);
    private HandOverConnection? _own;
    private HandOverConnection? _target;
    private LeadershipOutcome.Won? _won;
    private long _learntEpoch;
    private SuccessionNode _next = plan.Target;
    private long _fenced;
    private TimeSpan? _cutOver;
    private TimeSpan? _switched;
    private string _words = "";
    private bool _targetTerminates;

    /// <summary>Wins an epoch and hands over in it. Where none is won, nothing is changed, and the refusal says why.</summary>
    /// <param name="learntEpoch">The highest epoch that an earlier attempt met.</param>
    public async Task<(StepDownResult? Result, LeadershipOutcome? NotWon)> TellAsync(long learntEpoch)
    {
        _learntEpoch = learntEpoch;
        try
        {
            if (!await OpenAsync().ConfigureAwait(false)) return (Result(StepDownStep.End, "connect", _words), null);
            var outcome = await WinAsync().ConfigureAwait(false);
            if (_won is null) return (null, outcome);
            await report("win", StepOutcome.Done, outcome.Reason).ConfigureAwait(false);
            return (await RunAsync(isTold: true).ConfigureAwait(false), null);
        }
        finally
        {
            await CloseAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Has one Sentinel fail over, once every replica has everything.</summary>
    public async Task<StepDownResult> AskAsync()
    {
        try
        {
            return await OpenAsync().ConfigureAwait(false)
                ? await RunAsync(isTold: false).ConfigureAwait(false)
                : Result(StepDownStep.End, "connect", _words);
        }
        finally
        {
            await CloseAsync().ConfigureAwait(false);
        }
    }

    private async Task<StepDownResult> RunAsync(bool isTold)
    {
        var (step, failed) = (StepDownSequence.First(isTold), (Step: "", Why: ""));
        while (step is not (StepDownStep.End or StepDownStep.Leave))
        {
            _words = "";
            var outcome = await ExecuteAsync(step, isTold).ConfigureAwait(false);
            if (outcome != StepOutcome.Done && failed.Step.Length == 0 && step is not (StepDownStep.Repoint or StepDownStep.Restore))
                failed = (_targetTerminates ? TargetTerminates : Name(step), _words);
            await report(Name(step), outcome, _words).ConfigureAwait(false);
            step = StepDownSequence.After(step, outcome, isTold);
        }

        return Result(step, failed.Step, failed.Why);
    }

    private StepDownResult Result(StepDownStep end, string failedStep, string why)
    {
        var handedOver = end == StepDownStep.End && _cutOver is not null;
        var kind = handedOver ? StepDownEnd.HandedOver : end == StepDownStep.Leave ? StepDownEnd.Left : StepDownEnd.Aborted;
        return new StepDownResult(kind, handedOver ? "handed-over" : failedStep, handedOver ? $"{_next.Address} is master" : why)
        {
            Plan = plan,
            CutOver = _cutOver,
            Switched = _switched,
        };
    }

    private async Task<bool> OpenAsync()
    {
        (_own, _words) = await group.Nodes.OpenAsync(group.Own, plan.MasterRunId, default).ConfigureAwait(false);
        if (_own is null) return false;
        (_target, _words) = await group.Nodes.OpenAsync(plan.Target.Endpoint, plan.Target.RunId, default).ConfigureAwait(false);
        return _target is not null;
    }

    private async Task CloseAsync()
    {
        if (_own is not null) await _own.DisposeAsync().ConfigureAwait(false);
        if (_target is not null) await _target.DisposeAsync().ConfigureAwait(false);
    }

    private Task<StepOutcome> ExecuteAsync(StepDownStep step, bool isTold) => step switch
    {
        StepDownStep.GiveUp => Task.FromResult(GiveUp()),
        StepDownStep.Fence => FenceAsync(),
        StepDownStep.AwaitOffset => AwaitOffsetsAsync(isTold ? [] : plan.Others),
        StepDownStep.Promote => PromoteAsync(),
        StepDownStep.AskTarget => AskTargetAsync(),
        StepDownStep.Announce => AnnounceAsync(),
        StepDownStep.AnnounceAgain => AnnounceAgainAsync(),
        StepDownStep.AskSentinel => AskSentinelAsync(),
        StepDownStep.AwaitSwitch => AwaitSwitchAsync(),
        StepDownStep.Demote => DemoteAsync(),
        StepDownStep.Repoint => RepointAsync(),
        StepDownStep.TakeBack => TakeBackAsync(),
        StepDownStep.Unfence => UnfenceAsync(),
        StepDownStep.Restore => RestoreAsync(),
        _ => throw new InvalidOperationException($"{step} is not a step of the cut-over"),
    };

    private async Task<LeadershipOutcome> WinAsync()
    {
        var outcome = await group.Leadership.WinAsync(
            _request with { LearntEpoch = _learntEpoch }, plan.Sentinels, default).ConfigureAwait(false);
        _learntEpoch = Math.Max(_learntEpoch, outcome.HighestEpoch);
        _won = outcome as LeadershipOutcome.Won;
        return outcome;
    }

    /// <summary>The highest epoch that was met or won.</summary>
    public long LearntEpoch => _learntEpoch;

    private StepOutcome GiveUp()
    {
        var failure = new GivingUp(plan.Target.Address, plan.Target.RunId, _won!.Epoch).TryWrite(group.DataDirectory);
        _words = failure is null
            ? $"{plan.Master} gives up for {plan.Target.Address} in epoch {_won.Epoch}"
            : $"it can't be noted that {plan.Master} gives up: {failure}";
        return failure is null ? StepOutcome.Done : StepOutcome.Refused;
    }

    private async Task<StepOutcome> FenceAsync()
    {
        _fenced = time.GetTimestamp();
        var fence = Set(MinReplicas, HandOverLimits.Fence);
        _words = plan.Pause is { } pause
            ? $"writes are paused for {DurationText.Of(pause)} and refused on {plan.Master}"
            : $"writes are refused on {plan.Master}";
        if (plan.Pause is { } p)
        {
            // Redis looks at min-replicas-to-write before it looks at the pause: what a client sends once the fence is set is refused, what
            // it sent before waits, and finds its connection cut when the next master is there.
            var paused = await _own!.SendAsync(
                [RespCommand.Of("CLIENT", "PAUSE", p.TotalMilliseconds.ToString("0", CultureInfo.InvariantCulture), "WRITE")],
                default).ConfigureAwait(false);
            if (paused != StepOutcome.Done) return paused;
            await Task.Delay(HandOverLimits.ClientsSendWithin, time).ConfigureAwait(false);
        }

        return await _own!.SendAsync([fence], default).ConfigureAwait(false);
    }

    private async Task<StepOutcome> AwaitOffsetsAsync(IReadOnlyCollection<SuccessionNode> others)
    {
        // Where a Sentinel chooses, it may choose any of them.
        if (others.Count > 0 && plan.OutOfReach is [var lost, ..])
        {
            _words = $"a Sentinel might promote {lost}, which is terminating or can't be asked";
            return StepOutcome.Refused;
        }

        if (await _own!.OffsetAsync(default).ConfigureAwait(false) is not var (id, goal, _) || id != plan.ReplicationId)
        {
            _words = $"{plan.Master} does not tell its offset";
            return StepOutcome.Refused;
        }

        if (!await HasAsync(plan.Target, _target!, id, goal).ConfigureAwait(false)) return StepOutcome.Refused;
        foreach (var other in others)
        {
            var (connection, why) = await group.Nodes.OpenAsync(other.Endpoint, other.RunId, default).ConfigureAwait(false);
            _words = why;
            if (connection is null) return StepOutcome.Refused;
            await using (connection.ConfigureAwait(false))
            {
                if (!await HasAsync(other, connection, id, goal).ConfigureAwait(false)) return StepOutcome.Refused;
            }
        }

        return StepOutcome.Done;
    }

    private async Task<bool> HasAsync(SuccessionNode replica, HandOverConnection connection, string id, long goal)
    {
        long? at = null;
        while (time.GetElapsedTime(_fenced) < HandOverLimits.LongestCatchUp)
        {
            if (await connection.OffsetAsync(default).ConfigureAwait(false) is not var (itsId, offset, priority) || itsId != id) break;
            if (priority == 0 && replica == plan.Target)
            {
                Terminates();
                return false;
            }

            at = offset;
            // At least, not exactly: PINGs move the master's offset under a pause.
            if (offset < goal) continue;
            _words = $"{replica.Address} has everything, up to {goal}";
            return true;
        }

        _words = $"{replica.Address} is at {at?.ToString(CultureInfo.InvariantCulture) ?? "an unknown offset"} of {goal}";
        return false;
    }

    private async Task<StepOutcome> PromoteAsync()
    {
        if (!NoteStands()) return StepOutcome.Refused;
        _words = $"REPLICAOF NO ONE on {plan.Target.Address}";
        return await _target!.TransactAsync([FollowNobody, Set(MinReplicas, 0)], default).ConfigureAwait(false);
    }

    private async Task<StepOutcome> AskSentinelAsync()
    {
        foreach (var sentinel in plan.Sentinels)
        {
            var answer = await group.Sentinels.FailoverAsync(sentinel, plan.Master, default).ConfigureAwait(false);
            _words = $"SENTINEL FAILOVER at {sentinel}: {answer.Text}";
            if (answer.Kind == FailoverAnswerKind.UnderWay) return StepOutcome.Done;
            if (answer.Kind == FailoverAnswerKind.NoAnswer) return StepOutcome.Unknown;
            if (answer.Kind == FailoverAnswerKind.Refused) break; // it heard: no other one is asked
        }

        return StepOutcome.Refused;
    }

    private async Task<StepOutcome> AwaitSwitchAsync()
    {
        while (HasTime(HandOverLimits.RecoveryReserve))
        {
            var quorum = SentinelQuorumPolicy.Decide(
                await group.ObserveSentinelsAsync(default).ConfigureAwait(false), group.Settings.SentinelCount);
            _words = quorum.Reason;
            if (quorum is SentinelQuorumDecision.Agreed agreed
                && plan.Others.Add(plan.Target).FirstOrDefault(n => n.Address == agreed.Address) is { } next)
            {
                (_next, _switched) = (next, time.GetElapsedTime(_fenced));
                return StepOutcome.Done;
            }

            await Task.Delay(Pause, time).ConfigureAwait(false);
        }

        return StepOutcome.Unknown;
    }

    private async Task<StepOutcome> DemoteAsync()
    {
        RespCommand[] commands = [Follow(_next.Address), CutClients.Normal, CutClients.Subscribed, RespCommand.Of("CLIENT", "UNPAUSE"),
            Set(MinReplicas, plan.MinReplicas)];
        var outcome = await _own!.TransactAsync(commands, default).ConfigureAwait(false);
        // Its connection may have been cut by somebody who cuts clients; the way is forward.
        if (outcome != StepOutcome.Done)
        {
            outcome = await AskAsync(group.Own, plan.MasterRunId, _own, async (connection, role) =>
                role is RoleReply.Replica { Of: var of } && of == _next.Address
                    ? StepOutcome.Done
                    : await connection.TransactAsync(commands, default).ConfigureAwait(false)).ConfigureAwait(false);
        }

        if (outcome == StepOutcome.Done) _cutOver = time.GetElapsedTime(_fenced);
        _words = $"{plan.Master} follows {_next.Address}, its clients are cut"
            + (outcome == StepOutcome.Done ? $", {DurationText.About(_cutOver!.Value)} after the fence" : "");
        return outcome;
    }

    private Task<StepOutcome> AskTargetAsync() => AskAsync(plan.Target.Endpoint, plan.Target.RunId, _target!, (_, role) =>
    {
        _words = $"{plan.Target.Address} is {(role is RoleReply.Master ? "master" : "a replica")}";
        return Task.FromResult(role is RoleReply.Master ? StepOutcome.Done : StepOutcome.Refused);
    });

    // What was sent before may still lie in the server's socket: its connection is killed first, so that the answer stands.
    private async Task<StepOutcome> AskAsync(
        RedisEndpoint endpoint, string runId, HandOverConnection sentOn, Func<HandOverConnection, RoleReply, Task<StepOutcome>> judge)
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
                    if (await connection.KillAsync(sentOn.Id, default).ConfigureAwait(false)
                        && await connection.RoleAsync(default).ConfigureAwait(false) is { } role
                        && await judge(connection, role).ConfigureAwait(false) is not StepOutcome.Unknown and var outcome)
                        return outcome;
                }
            }

            await Task.Delay(Pause, time).ConfigureAwait(false);
        }
        while (time.GetElapsedTime(started) < HandOverLimits.LongestQuestion);

        return StepOutcome.Unknown;
    }

    private bool HasTime(TimeSpan reserve) => time.GetElapsedTime(time.GetTimestamp(), deadline) > reserve;

    // "AwaitOffset" is await-offset in the log.
    internal static string Name(StepDownStep step) =>
        string.Concat(
            step.ToString().Select((c, i) => char.IsAsciiLetterUpper(c) ? (i == 0 ? "" : "-") + char.ToLowerInvariant(c) : c.ToString()));
}
