using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Succession;
using Sidecars.Core.Topology;

namespace Sidecars.Failover.HandOver;

/// <summary>
/// Whether the server beside this process may hand over, and to whom. Pure. Any replica without which the group is whole may be out of
/// reach: nobody but the target can become master.
/// </summary>
public static class StepDownPolicy
{
    /// <summary>Decides.</summary>
    public static StepDownDecision Decide(HandOverSnapshot s)
    {
        ArgumentNullException.ThrowIfNull(s);
        if (s.Own is not NodeObservation.Known own)
            return new StepDownDecision.Wait("own-unknown", $"the Redis at {s.Own.Endpoint} did not answer: {Why(s.Own)}");
        if (own.View.Role == NodeRole.Replica)
            return new StepDownDecision.Nothing("replica", $"{own.Address} is a replica of {own.View.MasterAddress}");
        if (OwnObstacle(own) is { } obstacle) return obstacle;
        if (SentinelObstacle(s, own, out var agreed) is { } disagreement) return disagreement;
        if (s.GivenUp is { } before && agreed!.Epoch <= before.Epoch && !IsReplica(s, before.Target))
            return new StepDownDecision.Wait("gives-up-already",
                $"{own.Address} gave up for {before.Target} in epoch {before.Epoch}, which is not known to be a replica again: "
                + "its sidecar settles that first");
        foreach (var peer in s.Peers)
            if (peer.View.Role == NodeRole.Master)
                return new StepDownDecision.Wait(
                    "second-master", $"{peer.Address} says master too: another hand-over or failover is under way");
        return Choose(s, own, agreed!);
    }

    private static bool IsReplica(HandOverSnapshot s, RedisEndpoint target) =>
        s.Peers.Any(p => p.Address == target && p.View.Role == NodeRole.Replica);

    private static StepDownDecision? OwnObstacle(NodeObservation.Known own)
    {
        if (own.View.Loading) return new StepDownDecision.Wait("loading", $"{own.Address} loads its data");
        if (own.View.FailingOver) return new StepDownDecision.Wait("failing-over", $"{own.Address} runs a FAILOVER of its own");
        if (own.View.MaxLag is not > 0)
            return new StepDownDecision.Refuse(
                "fence-off", "min-replicas-max-lag is 0, which switches every fence off; set it to 1 or more");
        return WriteFence.IsFenced(own.View.MinReplicas)
            ? new StepDownDecision.Refuse(
                "fenced", $"{own.Address} is fenced (min-replicas-to-write {own.View.MinReplicas}): it was found isolated or contradicted")
            : null;
    }

    private static StepDownDecision.Wait? SentinelObstacle(
        HandOverSnapshot s, NodeObservation.Known own, out SentinelQuorumDecision.Agreed? agreed)
    {
        agreed = null;
        switch (s.Quorum)
        {
            case SentinelQuorumDecision.Agreed a when a.Address != own.Address:
                return new StepDownDecision.Wait("not-named", $"{a.Reason}, not {own.Address}");
            case SentinelQuorumDecision.Agreed { Down: true } a:
                return new StepDownDecision.Wait("seen-down", a.Reason);
            case SentinelQuorumDecision.Agreed a when a.RunIds.Any(id => id != own.View.RunId):
                return new StepDownDecision.Wait("other-process", $"Sentinels talk to another process at {a.Address} than this one");
            case SentinelQuorumDecision.Agreed a:
                agreed = a;
                return null;
            case SentinelQuorumDecision.Busy busy:
                return new StepDownDecision.Wait("failover-in-progress", busy.Reason);
            case SentinelQuorumDecision.Split split:
                return new StepDownDecision.Wait("sentinels-split", split.Reason);
            case var other:
                return new StepDownDecision.Wait("no-majority", other.Reason);
        }
    }

    private static StepDownDecision Choose(HandOverSnapshot s, NodeObservation.Known own, SentinelQuorumDecision.Agreed agreed)
    {
        var replicas = s.Peers.Where(p => p.View.MasterAddress == own.Address).ToList();
        var targets = replicas.Where(r => s.Wanted is null || r.Address == s.Wanted || r.Endpoint == s.Wanted).ToList();
        if (targets.Count == 0)
        {
            return s.Wanted is { } wanted
                ? new StepDownDecision.Wait("target-unknown", $"{wanted} is not a replica of {own.Address} that answers")
                : new StepDownDecision.Wait("no-replica", $"no replica of {own.Address} answers");
        }

        // Sentinel's own order: the lower priority first, then the offset; the address only so that two looks choose alike. Before it
        // who does not rewrite its AOF: until that ends the disk may hold an older dataset, which counts if the process is killed.
        var best = targets.Where(t => Objection(t, own, s) is null)
            .OrderBy(t => t.View.Rewriting).ThenBy(t => t.View.Priority).ThenByDescending(t => t.View.Offset)
            .ThenBy(t => t.Address.ToString(), StringComparer.Ordinal).FirstOrDefault();
        if (best is null) return new StepDownDecision.Wait("no-target", string.Join("; ", targets.Select(t => Objection(t, own, s))));
        return best.View.Rewriting && !s.AcceptsRewriting
            ? new StepDownDecision.Wait("target-rewrites",
                $"{best.Address} rewrites its AOF: until that ends its disk may hold an older dataset; "
                + $"waited for {DurationText.Of(HandOverLimits.RewritePatience)} at most")
            : new StepDownDecision.HandOver(Plan(s, own, agreed, replicas, best), $"{agreed.Reason}; {best.Address} is next");
    }

    private static StepDownPlan Plan(
        HandOverSnapshot s, NodeObservation.Known own, SentinelQuorumDecision.Agreed agreed, List<NodeObservation.Known> replicas,
        NodeObservation.Known best) =>
        new()
        {
            Master = own.Address,
            MasterRunId = own.View.RunId,
            ReplicationId = own.View.ReplicationId,
            Target = NodeOf(best),
            Others = [.. replicas.Where(r => r.View.RunId != best.View.RunId && !s.IsStranger(r)).Select(NodeOf)],
            OutOfReach = [.. s.Voters.SelectMany(v => v.View.Replicas)
                .Where(r => r.Promotable && replicas.All(known => known.Address != r.Address || known.View.Priority == 0))
                .Select(r => r.Address).Distinct()],
            Epoch = agreed.Epoch,
            Pause = HandOverLimits.Pause(s.Settings.DownAfter),
            // 99 here was left by a coordinator that died: this process holds the lock.
            MinReplicas = own.View.MinReplicas == HandOverLimits.Fence ? s.Settings.MinReplicas : (int)own.View.MinReplicas!.Value,
            Sentinels = [.. s.Voters.Select(v => v.Endpoint)],
        };

    private static SuccessionNode NodeOf(NodeObservation.Known node) => new(node.Endpoint, node.Address, node.View.RunId);

    private static string? Objection(NodeObservation.Known target, NodeObservation.Known own, HandOverSnapshot s)
    {
        var (address, node, master) = (target.Address, target.View, own.View);
        if (s.IsStranger(target)) return $"{address} answers at no configured address: no node of this group";
        if (node.Priority is not > 0) return $"{address} has replica-priority 0";
        if (node.Loading) return $"{address} loads its data";
        if (node.SyncInProgress || !node.MasterLinkUp) return $"{address} has no live link to {own.Address}";
        if (node.ReplicationId != master.ReplicationId) return $"{address} has another replication id";
        if (node.Silence is not { } silence) return $"it is not known when {address} last heard from {own.Address}";
        if (silence > HandOverLimits.LongestSilence)
            return $"{address} has heard nothing from {own.Address} for {DurationText.About(silence)}";
        if (master.Offset - node.Offset is not { } lag) return $"it is not known how far {address} is behind";
        if (lag > HandOverLimits.LargestLag) return $"{address} is {lag} bytes behind";
        if (node.MaxLag is not > 0) return $"{address} has min-replicas-max-lag 0, so that it could not be fenced";
        var unaware = s.Voters.FirstOrDefault(v => !v.View.Replicas.Any(r => r.Address == address && r.Promotable));
        return unaware is null ? null : $"Sentinel {unaware.Endpoint} would not elect {address}";
    }

    private static string Why(NodeObservation observation) => observation switch
    {
        NodeObservation.Unknown unknown => unknown.Why,
        NodeObservation.Unreachable unreachable => unreachable.Why,
        _ => "",
    };
}
