using Sidecars.Core.Lineage;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Sentinel.Leadership;
using Sidecars.Failover.Watch;
using static Sidecars.Failover.HandOver.HandOverClient;

namespace Sidecars.Failover.HandOver;

// Telling the Sentinels, until a majority names the target.
internal sealed partial class CutOver
{
    private async Task<StepOutcome> AnnounceAsync()
    {
        if (!NoteStands()) return StepOutcome.Refused;
        if (await _own!.MinReplicasAsync(default).ConfigureAwait(false) is { } value && value != HandOverLimits.Fence)
        {
            _words = $"the fence of {plan.Master} was lifted meanwhile";
            return StepOutcome.Refused;
        }

        if (await TargetPriorityAsync().ConfigureAwait(false) is not > 0) return StepOutcome.Refused;
        if (time.GetElapsedTime(_won!.At) > HandOverLimits.WinAgainAfter)
        {
            var again = await WinAsync().ConfigureAwait(false);
            _words = again.Reason;
            if (_won is null || GiveUp() != StepOutcome.Done || !await IsPromotedAsync().ConfigureAwait(false)) return StepOutcome.Refused;
        }

        var outcome = await group.Leadership.AnnounceAsync(_request, _won!, default).ConfigureAwait(false);
        return Told(outcome) ? StepOutcome.Done : outcome is LeadershipOutcome.Refused ? StepOutcome.Refused : StepOutcome.Unknown;
    }

    // After the promotion: the hook of a terminating server sets the priority first and then asks for the role. Either this reads the
    // priority, or that hook sees a master and hands over before the server ends. Null: not known, and then it is not announced.
    private async Task<int?> TargetPriorityAsync()
    {
        var asked = time.GetTimestamp();
        var priority = await _target!.PriorityAsync(default).ConfigureAwait(false); // closed where the promotion's answer was lost
        while (priority is null && time.GetElapsedTime(asked) < HandOverLimits.LongestCatchUp)
        {
            var (connection, why) = await group.Nodes.OpenAsync(plan.Target.Endpoint, plan.Target.RunId, default).ConfigureAwait(false);
            _words = connection is null ? why : $"{plan.Target.Address} does not tell its replica-priority";
            if (connection is not null)
            {
                await using (connection.ConfigureAwait(false)) priority = await connection.PriorityAsync(default).ConfigureAwait(false);
            }

            if (priority is null) await Task.Delay(Pause, time).ConfigureAwait(false);
        }

        if (priority == 0) Terminates();
        return priority;
    }

    private void Terminates()
    {
        _targetTerminates = true;
        _words = $"{plan.Target.Address} has replica-priority 0 by now: its container is terminating";
    }

    private async Task<StepOutcome> AnnounceAgainAsync()
    {
        while (HasTime(HandOverLimits.RecoveryReserve))
        {
            var named = SentinelQuorumPolicy.Decide(
                await group.ObserveSentinelsAsync(default).ConfigureAwait(false), group.Settings.SentinelCount);
            if (named is SentinelQuorumDecision.Agreed agreed && agreed.Address != plan.Master)
            {
                if (agreed.Address != plan.Target.Address) return await StandDownAsync(agreed).ConfigureAwait(false);
                _words = agreed.Reason;
                _switched = time.GetElapsedTime(_fenced);
                return StepOutcome.Done;
            }

            if (!NoteStands() || !await IsPromotedAsync().ConfigureAwait(false)) return StepOutcome.Refused; // the repair's turn
            await WinAsync().ConfigureAwait(false);
            if (_won is not null && GiveUp() == StepOutcome.Done
                && Told(await group.Leadership.AnnounceAsync(_request, _won, default).ConfigureAwait(false)))
                return StepOutcome.Done;
            await Task.Delay(Pause, time).ConfigureAwait(false);
        }

        return StepOutcome.Unknown;
    }

    // Sentinel brings a master back that nobody was told of: this process may have been stopped for that long. By a fresh connection, since
    // the promotion's may have been killed.
    private async Task<bool> IsPromotedAsync()
    {
        var (connection, why) = await group.Nodes.OpenAsync(plan.Target.Endpoint, plan.Target.RunId, default).ConfigureAwait(false);
        _words = why;
        if (connection is null) return false;
        await using (connection.ConfigureAwait(false))
        {
            if (await connection.RoleAsync(default).ConfigureAwait(false) is RoleReply.Master) return true;
            _words = $"{plan.Target.Address} is no longer a master";
            return false;
        }
    }

    // Somebody else's later epoch. The target takes writes, and a Sentinel may still send it clients: it follows at once.
    private async Task<StepOutcome> StandDownAsync(SentinelQuorumDecision.Agreed other)
    {
        var (connection, why) = await group.Nodes.OpenAsync(plan.Target.Endpoint, plan.Target.RunId, default).ConfigureAwait(false);
        _words = $"{other.Reason}: {(connection is null ? why : $"{plan.Target.Address} follows it")}";
        if (connection is null) return StepOutcome.Refused;
        await using (connection.ConfigureAwait(false))
        {
            _ = await connection.TransactAsync(
                [Follow(other.Address), CutClients.Normal, CutClients.Subscribed, Set(MinReplicas, plan.MinReplicas)], default)
                .ConfigureAwait(false);
        }

        return StepOutcome.Refused;
    }

    // This process may have been stopped, and its hand-over settled meanwhile: what was written since, the target lacks. Whoever settles it
    // removes the note before anything else, also if the server was started anew since.
    private bool NoteStands()
    {
        if (GivingUp.Read(group.DataDirectory) is { IsKnown: true, Value.TargetRunId: var target } && target == plan.Target.RunId)
            return true;
        _words = $"the note that {plan.Master} gives up is gone: somebody has settled it";
        return false;
    }

    private bool Told(LeadershipOutcome outcome)
    {
        _learntEpoch = Math.Max(_learntEpoch, outcome.HighestEpoch);
        _words = outcome.Reason;
        if (outcome is not LeadershipOutcome.Confirmed) return false;
        _switched = time.GetElapsedTime(_fenced);
        return true;
    }
}
