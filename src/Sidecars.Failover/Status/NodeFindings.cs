using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;
using Sidecars.Failover.HandOver;
using Sidecars.Failover.Strays;

namespace Sidecars.Failover.Status;

/// <summary>What does not fit in what the Redis servers say. Pure.</summary>
internal static class NodeFindings
{
    public static IEnumerable<Fault> Of(StatusView v)
    {
        var count = v.Snapshot.Group.Settings.RedisCount;
        foreach (var node in v.Nodes)
            foreach (var fault in v.SilenceOf(node) is { } code ? [Silent(v, node, code)] : OfNode(v, node, node.Look!)) yield return fault;
        if (v.Nodes.Length < count)
            yield return new Fault(
                FindingCodes.RedisMissing, null, $"{v.Nodes.Length} of {count} Redis nodes are found",
                "their name resolves to fewer: see the pods, and REDIS_COUNT");
        foreach (var spare in v.SpareNodes) yield return Spare(v, spare);
        var masters = Masters(v);
        if (masters.Count > 1)
            yield return new Fault(
                FindingCodes.SeveralMasters, null, $"{string.Join(" and ", masters.Select(m => m.Address))} say master",
                "a hand-over or failover heals within 20s; after that only the one that Sentinels name may take writes: fence the other "
                + "with CONFIG SET min-replicas-to-write 9999 there");
    }

    /// <summary>Why a replica that answers is not one that Sentinel or the master counts; null: none is so.</summary>
    public static FindingCode? Unfit(StatusView v) =>
        v.Answering.SelectMany(n => OfReplica(v, n, n.Look!)).FirstOrDefault()?.Code;

    private static List<NodeSeen> Masters(StatusView v) => [.. v.Answering.Where(n => n.Look!.Role == NodeRole.Master)];

    private static Fault Silent(StatusView v, NodeSeen node, FindingCode code)
    {
        var (at, why) = (node.Address.ToString(), Words.Why(node.Seen));
        if (v.WaitOf(node) is { } wait)
        {
            var whom = wait.WaitingFor.IsEmpty ? "" : $" (waits for {string.Join(", ", wait.WaitingFor)})";
            return new Fault(
                code, at, $"not started yet: {wait.Reason}{whom}",
                $"what it waits for comes by itself, or is a person's to bring: see {wait.Code} in the log of its pod");
        }

        if (code == FindingCodes.RedisUnreachable)
            return new Fault(code, at, why, "see its pod; if redis-bootstrap waits there, redis-failover status in that pod says for what");
        if (code == FindingCodes.RedisLoginRefused)
            return new Fault(code, at, why, "check SIDECAR_PASSWORD, CLUSTER_ID, and whether the address is another tenant's");
        if (code == FindingCodes.RedisTimedOut)
            return new Fault(code, at, why, "it hangs, runs a slow command, or its node is starved: see its pod and SLOWLOG");
        return new Fault(code, at, why, node.Seen is NodeObservation.Unknown { Failure: RedisFailure.Tls }
            ? Words.CheckTls
            : "check that this address is a Redis of this group, and that the sidecar's user may run INFO and CONFIG GET");
    }

    // Sentinel tries to reach what it lists, counts it, and may promote it.
    private static Fault Spare(StatusView v, NodeSeen spare)
    {
        var asked = spare.Others.Add(spare.Seen.Endpoint);
        var listed = v.Sentinels.Select(s => s.View).OfType<SentinelView>()
            .SelectMany(view => view.Replicas.Select(r => r.Address).Append(view.Master?.Address));
        return listed.Any(a => a is not null && asked.Contains(a))
            ? new Fault(
                FindingCodes.GhostReplicas, spare.Seen.Endpoint.ToString(),
                $"{Words.Why(spare.Seen)}; a Sentinel lists it, and all Redis nodes are elsewhere",
                "nothing while all else is healthy: the master's sidecar removes ghosts within two minutes; otherwise heal that first")
            : Words.SpareAddress(spare.Seen.Endpoint.ToString(), Words.Why(spare.Seen));
    }

    private static IEnumerable<Fault> OfNode(StatusView v, NodeSeen seen, NodeLook node)
    {
        var (at, agreed, isNamed) = (seen.Address.ToString(), v.Agreed, seen.Address == v.Agreed?.Address);
        if (isNamed && node.Role != NodeRole.Master)
            yield return new Fault(
                FindingCodes.NamedIsReplica, at, $"Sentinels name it, and it is a replica of {node.MasterAddress}",
                "a hand-over in its second half: the new master's sidecar tells the Sentinels within 3s; otherwise see its log");
        if (isNamed && agreed!.RunIds.Any(id => id != node.RunId))
            yield return new Fault(
                FindingCodes.AnotherProcess, at, "Sentinels talk to another process at this address",
                "connections outlived a pod: if it lasts, restart the Sentinels one by one");
        foreach (var fault in OfReplica(v, seen, node)) yield return fault;
        if (Writes(v, seen, node) is { } writes) yield return writes;
        if (node.MaxLag == 0)
            yield return new Fault(
                FindingCodes.FenceOff, at, "min-replicas-max-lag is 0: no fence works there",
                "CONFIG SET min-replicas-max-lag 3, and see the base configuration");
        if (node.Role == NodeRole.Replica && node.Priority == 0)
            yield return new Fault(
                FindingCodes.NeverPromoted, at, "replica-priority is 0: it is never promoted",
                "nothing if that is meant, or its pod is being deleted; else CONFIG SET replica-priority 100 there");
    }

    private static IEnumerable<Fault> OfReplica(StatusView v, NodeSeen seen, NodeLook node)
    {
        var (at, master) = (seen.Address.ToString(), node.MasterAddress);
        if (node.Loading)
            yield return new Fault(FindingCodes.Loading, at, "loads its data from disk", "nothing: its progress is in INFO persistence");
        if (node.Role != NodeRole.Replica) yield break;
        if (v.Agreed is { } agreed && seen.Address != agreed.Address && master != agreed.Address)
            yield return FollowsAnother(v, seen, agreed);
        else if (node.SyncInProgress)
            yield return new Fault(
                FindingCodes.Syncing, at, "receives a full copy", "nothing: until it is done the group has one copy less");
        else if (!node.MasterLinkUp)
            yield return new Fault(
                FindingCodes.LinkDown, at, $"no link to {master}",
                "see both logs: WRONGPASS is another tenant's master or an old password", v.SilenceAt(master));
    }

    // Sentinel repairs a replica that it lists, and no other.
    private static Fault FollowsAnother(StatusView v, NodeSeen seen, SentinelQuorumDecision.Agreed agreed)
    {
        var (at, text) = (seen.Address.ToString(), $"follows {seen.Look!.MasterAddress}, Sentinels name {agreed.Address}");
        return StrayReplicaPolicy.IsListed(v.Snapshot.Group, (NodeObservation.Known)seen.Seen)
            ? new Fault(FindingCodes.FollowsAnother, at, text, "Sentinel repoints it within 20s; otherwise see that node's log")
            : new Fault(
                FindingCodes.StrayReplica, at, $"{text}, and no Sentinel lists it: Sentinel neither repairs nor promotes it",
                "its sidecar attaches it within 20s if the master has all of its data; otherwise see that sidecar's log (stray-replica) "
                + "and restart the pod: redis-bootstrap decides then, and keeps a rescue");
    }

    private static Fault? Writes(StatusView v, NodeSeen seen, NodeLook node)
    {
        var (at, wanted, isNamed) = (seen.Address.ToString(), v.Snapshot.Group.Settings.MinReplicas, seen.Address == v.Agreed?.Address);
        if (node.MinReplicas == HandOverLimits.Fence)
            return v.Snapshot.SteppingDown == true
                ? new Fault(FindingCodes.SteppingDown, at, "hands over now", "nothing")
                : new Fault(
                    FindingCodes.HandOverFence, at, "has the fence of a hand-over that no longer runs",
                    "nothing: its sidecar lifts it within 30s of a majority confirming the master");
        if (node.MinReplicas == WriteFence.MinReplicas) return Fenced(v, seen, isNamed);
        if (WriteFence.IsFenced(node.MinReplicas))
            return new Fault(
                FindingCodes.FencedByHand, at, $"min-replicas-to-write is {node.MinReplicas}: a person fenced it",
                $"when that is no longer wanted: CONFIG SET min-replicas-to-write {wanted}");
        if (node.Role != NodeRole.Master || !isNamed) return null;
        if (node.MaxLag > 0 && node.Attached < node.MinReplicas)
            return new Fault(
                FindingCodes.WritesRefused, at, $"refuses writes: it needs {node.MinReplicas} replicas in sync and has {node.Attached}",
                "bring a replica back; or, if it is gone for good and the risk is accepted, lower min-replicas-to-write",
                v.MissingNodes ?? Unfit(v));
        return node.MinReplicas < wanted
            ? new Fault(
                FindingCodes.RequirementLow, at, $"min-replicas-to-write is {node.MinReplicas}, configured is {wanted}",
                "its sidecar restores it once replicas are attached, unless a person lowered it: then remember to")
            : null;
    }

    // What a fence means depends on who else takes writes.
    private static Fault Fenced(StatusView v, NodeSeen seen, bool isNamed)
    {
        var at = seen.Address.ToString();
        if (isNamed)
            return new Fault(
                FindingCodes.Fenced, at, "fenced: it takes no writes",
                "its sidecar lifts the fence while a majority confirms it; see that sidecar's log (fence)");
        var others = Masters(v).Where(m => m != seen).ToList();
        if (others.Count > 0 && v.Agreed is { } agreed && others.Exists(m => m.Address == agreed.Address))
            return new Fault(
                FindingCodes.Fenced, at, $"fenced: it takes no writes, {agreed.Address} is the master",
                "nothing: it comes back as a replica",
                FindingCodes.SeveralMasters);
        return new Fault(
            FindingCodes.Fenced, at, others.Count > 0
                ? "fenced: it takes no writes"
                : "fenced, and no other master is seen: the group takes no writes",
            v.Agreed is { } named
                ? $"bring {named.Address} back, which the Sentinels name; this one then becomes its replica"
                : "bring a majority of the Sentinels back: its sidecar lifts the fence once a majority names it",
            v.Quorum is SentinelQuorumDecision.NoMajority ? FindingCodes.NoMajority : v.SilenceAt(v.Agreed?.Address));
    }
}
