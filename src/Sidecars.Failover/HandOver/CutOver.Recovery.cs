using Sidecars.Core.Lineage;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Succession;
using Sidecars.Core.Topology;
using Sidecars.Failover.Watch;
using static Sidecars.Failover.HandOver.HandOverClient;

namespace Sidecars.Failover.HandOver;

// What follows the switch, and the ways back.
internal sealed partial class CutOver
{
    private async Task<StepOutcome> RepointAsync()
    {
        var others = plan.Others.Add(plan.Target).Where(o => o != _next).ToList();
        var outcomes = await Task.WhenAll(others.Select(FollowNextAsync)).ConfigureAwait(false);
        _words = $"{outcomes.Count(o => o == StepOutcome.Done)} of {others.Count} other replicas follow {_next.Address}";
        return outcomes.All(o => o == StepOutcome.Done) ? StepOutcome.Done : StepOutcome.Unknown;
    }

    private async Task<StepOutcome> FollowNextAsync(SuccessionNode replica)
    {
        var (connection, _) = await group.Nodes.OpenAsync(replica.Endpoint, replica.RunId, default).ConfigureAwait(false);
        if (connection is null) return StepOutcome.Refused;
        await using (connection.ConfigureAwait(false))
            return await connection.SendAsync([Follow(_next.Address)], default).ConfigureAwait(false);
    }

    private async Task<StepOutcome> TakeBackAsync()
    {
        if (await SettledAsync().ConfigureAwait(false) is { } settled)
        {
            _words = settled;
            return StepOutcome.Unknown;
        }

        _words = $"{plan.Target.Address} follows {plan.Master} again; nobody was told of it";
        // At once, on the connection that has just answered: the target's container may be ending.
        RespCommand[] commands = [Follow(plan.Master), CutClients.Normal, Set(MinReplicas, plan.MinReplicas)];
        if (await _target!.TransactAsync(commands, default).ConfigureAwait(false) == StepOutcome.Done) return StepOutcome.Done;
        return await AskAsync(plan.Target.Endpoint, plan.Target.RunId, _target, async (connection, role) =>
            role is RoleReply.Replica ? StepOutcome.Done : await connection.TransactAsync(commands, default).ConfigureAwait(false))
            .ConfigureAwait(false);
    }

    // This process may have been stopped after the promotion, and the sidecar of the old master may have told the Sentinels meanwhile: then
    // the target is the master. Before its patience is over it does nothing. Null: nobody was told.
    private async Task<string?> SettledAsync()
    {
        if (time.GetElapsedTime(_fenced) < HandOverRepairPolicy.StoppedGrace - HandOverRepairPolicy.Grace) return null;
        var seen = await group.ObserveSentinelsAsync(default).ConfigureAwait(false);
        var told = seen.OfType<SentinelObservation.Known>().FirstOrDefault(s => s.View.Master?.Address == plan.Target.Address);
        if (told is not null) return $"Sentinel {told.Endpoint} names {plan.Target.Address}: it is left as it is";
        return SentinelQuorumPolicy.Decide(seen, group.Settings.SentinelCount) is SentinelQuorumDecision.Agreed { Address: var named }
            && named == plan.Master
            ? null
            : $"no majority of the Sentinels names {plan.Master}: {plan.Target.Address} is left as it is";
    }

    private async Task<StepOutcome> UnfenceAsync()
    {
        // First: with the note, nobody would lift what this process may leave fenced.
        if (GivingUp.TryRemove(group.DataDirectory) is { } failure)
        {
            _words = $"the note that {plan.Master} gives up can't be removed: {failure}";
            return StepOutcome.Refused;
        }

        do
        {
            var (connection, why) = await group.Nodes.OpenAsync(group.Own, plan.MasterRunId, default).ConfigureAwait(false);
            _words = connection is null ? why : $"{plan.Master} takes writes again";
            if (connection is not null)
            {
                await using (connection.ConfigureAwait(false))
                {
                    if (await connection.SendAsync(
                        [Set(MinReplicas, plan.MinReplicas), RespCommand.Of("CLIENT", "UNPAUSE")], default).ConfigureAwait(false)
                        == StepOutcome.Done)
                        return StepOutcome.Done;
                }
            }

            await Task.Delay(Pause, time).ConfigureAwait(false);
        }
        while (HasTime(TimeSpan.Zero));

        return StepOutcome.Unknown;
    }

    private async Task<StepOutcome> RestoreAsync()
    {
        var outcome = StepOutcome.Done;
        _words = "settings";
        if (GivingUp.TryRemove(group.DataDirectory) is { } failure)
            (outcome, _words) = (StepOutcome.Unknown, $"the note that {plan.Master} gives up stays: {failure}");
        if (!await RestoreMinReplicasAsync().ConfigureAwait(false))
        {
            _words += $"; min-replicas-to-write stays 0 on {_next.Address} until replicas are attached: its sidecar restores it";
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

    // Raised before its replicas are back, it would refuse writes. Not waited for where the next master has gone meanwhile: else this
    // server stays up as a replica during its termination, and Sentinel may promote it without the last writes.
    private async Task<bool> RestoreMinReplicasAsync()
    {
        if (plan.MinReplicas == 0) return true;
        var heard = time.GetTimestamp();
        do
        {
            switch (await group.Nodes.ObserveAsync(_next.Endpoint, default).ConfigureAwait(false))
            {
                case NodeObservation.Known { View: var node } when node.RunId != _next.RunId || node.Role != NodeRole.Master:
                    return false;
                case NodeObservation.Known { View: var node } when node.Attached >= plan.MinReplicas:
                    return await group.Nodes.ConfigureAsync(
                        _next.Endpoint, _next.RunId, MinReplicas, plan.MinReplicas, rewrite: true, default).ConfigureAwait(false)
                        == StepOutcome.Done;
                case NodeObservation.Known:
                    heard = time.GetTimestamp();
                    break;
            }

            await Task.Delay(Pause, time).ConfigureAwait(false);
        }
        while (HasTime(TimeSpan.Zero) && time.GetElapsedTime(heard) < HandOverLimits.LongestQuestion);

        return false;
    }
}
