using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;
using Sidecars.Failover.Watch;

namespace Sidecars.Failover.HandOver;

/// <summary>
/// Whether the server beside this process may hand over, and to whom. Pure. Called again once priorities are lowered, so that the
/// facts under the cut-over are milliseconds old.
/// </summary>
public static class StepDownPolicy
{
    /// <summary>Decides.</summary>
    public static StepDownDecision Decide(HandOverSnapshot s)
    {
        ArgumentNullException.ThrowIfNull(s);
        if (s.Own is not HandOverObservation.Known { Node: var own })
            return new StepDownDecision.Wait("own-unknown", $"the Redis at {s.Own.Endpoint} gives no usable answer: {Why(s.Own)}");
        if (own.Role == NodeRole.Replica) return new StepDownDecision.Nothing("replica", $"{own.Address} is a replica of {own.MasterAddress}");
        if (OwnObstacle(own) is { } obstacle) return obstacle;
        if (SentinelObstacle(s, own, out var agreed) is { } disagreement) return disagreement;
        foreach (var peer in s.Peers)
            if (peer.Node.Role == NodeRole.Master) return new StepDownDecision.Wait("second-master", $"{peer.Node.Address} says master too: another hand-over or failover is under way");
        return Choose(s, own, agreed!);
    }

    private static StepDownDecision? OwnObstacle(HandOverNode own)
    {
        if (own.Loading) return new StepDownDecision.Wait("loading", $"{own.Address} loads its data");
        if (own.FailingOver) return new StepDownDecision.Wait("failing-over", $"{own.Address} runs a FAILOVER of its own");
        if (own.MaxLag == 0) return new StepDownDecision.Refuse("fence-off", "min-replicas-max-lag is 0, which switches every fence off; set it to 1 or more");
        return WriteFence.IsFenced(own.MinReplicas)
            ? new StepDownDecision.Refuse("fenced", $"{own.Address} is fenced (min-replicas-to-write {own.MinReplicas}): it was found isolated or contradicted")
            : null;
    }

    private static StepDownDecision.Wait? SentinelObstacle(HandOverSnapshot s, HandOverNode own, out SentinelQuorumDecision.Agreed? agreed)
    {
        agreed = null;
        switch (s.Quorum)
        {
            case SentinelQuorumDecision.Agreed a when a.Address != own.Address:
                return new StepDownDecision.Wait("not-named", $"{a.Reason}, not {own.Address}");
            case SentinelQuorumDecision.Agreed { Down: true } a:
                return new StepDownDecision.Wait("seen-down", a.Reason);
            case SentinelQuorumDecision.Agreed a when a.RunIds.Any(id => id != own.RunId):
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

    private static StepDownDecision Choose(HandOverSnapshot s, HandOverNode own, SentinelQuorumDecision.Agreed agreed)
    {
        var replicas = s.Peers.Where(p => p.Node.MasterAddress == own.Address).ToList();
        // Whoever a Sentinel would elect must be in our hand: one that we can't lower might be elected instead of the target.
        foreach (var voter in s.Voters)
            foreach (var replica in voter.View.Replicas)
                if (replica.Promotable && replicas.All(r => r.Node.Address != replica.Address))
                    return new StepDownDecision.Wait("replica-out-of-reach", $"Sentinel {voter.Endpoint} would elect {replica.Address}, which gives this process no usable answer as replica of {own.Address}");

        var targets = replicas.Where(r => s.Wanted is null || r.Node.Address == s.Wanted || r.Endpoint == s.Wanted).ToList();
        if (targets.Count == 0)
        {
            return s.Wanted is { } wanted
                ? new StepDownDecision.Wait("target-unknown", $"{wanted} is no replica of {own.Address} that answers")
                : new StepDownDecision.Wait("no-replica", $"no replica of {own.Address} answers");
        }

        // Sentinel's own order: the lower priority first, then the offset; the address only so that two looks choose alike. Before it
        // who does not rewrite its AOF: until that ends the disk may hold an older dataset, which counts if the process is killed.
        var best = targets.Where(t => Objection(t, own, s) is null)
            .OrderBy(t => t.Node.Rewriting).ThenBy(t => t.Node.Priority).ThenByDescending(t => t.Node.Offset).ThenBy(t => t.Node.Address.ToString(), StringComparer.Ordinal).FirstOrDefault();
        if (best is null) return new StepDownDecision.Wait("no-target", string.Join("; ", targets.Select(t => Objection(t, own, s))));
        if (best.Node.Rewriting && !s.AcceptsRewriting)
            return new StepDownDecision.Wait("target-rewrites", $"{best.Node.Address} rewrites its AOF: until that ends its disk may hold an older dataset; waited for {HandOverLimits.RewritePatience.TotalSeconds:0} s at most");
        var plan = Plan(s, own, agreed, replicas, best);
        var pending = s.Voters.FirstOrDefault(v => v.View.Replicas.Any(r => r.Promotable && r.Address != best.Node.Address));
        if (plan.Lower.IsEmpty && pending is null)
        {
            return s.AcceptsAnyMoment || SwitchTiming.IsNow(s.Voters, best.Node.Address)
                ? new StepDownDecision.HandOver(plan, $"{agreed.Reason}; {best.Node.Address} is the only one that any of them would elect")
                : new StepDownDecision.AwaitMoment($"{agreed.Reason}; until one of them is about to ask {best.Node.Address} for its role, {SwitchTiming.Patience.TotalSeconds:0} s at most: it switches half a second sooner then");
        }

        return new StepDownDecision.LowerFirst(plan, plan.Lower.IsEmpty
            ? $"Sentinel {pending!.Endpoint} does not show yet that only {best.Node.Address} can be elected"
            : $"{string.Join(", ", plan.Lower.Select(l => l.Endpoint))} could be elected instead of {best.Node.Address}");
    }

    private static StepDownPlan Plan(HandOverSnapshot s, HandOverNode own, SentinelQuorumDecision.Agreed agreed, List<HandOverObservation.Known> replicas, HandOverObservation.Known best) => new()
    {
        Master = own.Address,
        MasterRunId = own.RunId,
        ReplicationId = own.ReplicationId,
        TargetEndpoint = best.Endpoint,
        Target = best.Node.Address,
        TargetRunId = best.Node.RunId,
        Epoch = agreed.Epoch,
        Lower = [.. replicas.Where(r => r.Node.RunId != best.Node.RunId && r.Node.Priority > 0).Select(r => new LoweredReplica(r.Endpoint, r.Node.RunId, r.Node.Priority))],
        Pause = HandOverLimits.Pause(s.Settings.DownAfter),
        // A fence of ours here is what a coordinator left that died: this process holds its lock.
        MinReplicas = own.MinReplicas == HandOverLimits.Fence ? s.Settings.MinReplicas : (int)own.MinReplicas,
        Sentinels = SwitchTiming.Order(s.Voters, best.Node.Address),
    };

    private static string? Objection(HandOverObservation.Known target, HandOverNode own, HandOverSnapshot s)
    {
        var node = target.Node;
        if (node.Priority == 0) return $"{node.Address} has replica-priority 0";
        if (node.Loading) return $"{node.Address} loads its data";
        if (node.Syncing || !node.LinkUp) return $"{node.Address} has no live link to {own.Address}";
        if (node.ReplicationId != own.ReplicationId) return $"{node.Address} has another replication id";
        if (node.Silence is null || node.Silence > HandOverLimits.LongestSilence) return $"{node.Address} has heard nothing from {own.Address} for {node.Silence?.TotalSeconds ?? -1:0} s";
        if (own.Offset - node.Offset > HandOverLimits.LargestLag) return $"{node.Address} is {own.Offset - node.Offset} bytes behind";
        if (node.MaxLag == 0) return $"{node.Address} has min-replicas-max-lag 0, so that it could not be fenced";
        var unaware = s.Voters.FirstOrDefault(v => !v.View.Replicas.Any(r => r.Address == node.Address && r.Promotable));
        return unaware is null ? null : $"Sentinel {unaware.Endpoint} would not elect {node.Address}";
    }

    private static string Why(HandOverObservation observation) => observation switch
    {
        HandOverObservation.Unknown unknown => unknown.Why,
        HandOverObservation.Unreachable unreachable => unreachable.Why,
        _ => "",
    };
}
