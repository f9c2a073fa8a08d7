using System.Globalization;
using Sidecars.Core.Election;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;
using Sidecars.Failover.HandOver;
using Sidecars.Failover.LedAway;
using Sidecars.Failover.Publish.Targets.Slice;
using Sidecars.Failover.Strays;

namespace Sidecars.Failover.Status;

/// <summary>What does not fit together, in words and with what to do. Pure.</summary>
internal static class StatusFindings
{
    private static readonly TimeSpan OldTail = TimeSpan.FromMinutes(5); // a flush a second while there are writes; an idle tenant's uploader renews its lease every 30 s
    private static readonly TimeSpan OldDrill = TimeSpan.FromDays(8); // a drill a week, and a day late

    public static IEnumerable<Finding> Of(StatusSnapshot s)
    {
        var agreed = s.Group.Quorum as SentinelQuorumDecision.Agreed;
        return [.. Quorum(s), .. Sentinels(s), .. Strangers(s, agreed), .. Nodes(s, agreed), .. Places(s, agreed), .. Record(s, agreed), .. Copies(s)];
    }

    private static IEnumerable<Finding> Quorum(StatusSnapshot s)
    {
        switch (s.Group.Quorum)
        {
            case SentinelQuorumDecision.Agreed { Down: true } a: yield return Bad("master-down", a.Reason, "nothing: Sentinel fails over after down-after, if a replica can be promoted"); break;
            case SentinelQuorumDecision.Busy b: yield return Bad("failover-in-progress", b.Reason, "nothing: look again in some seconds"); break;
            case SentinelQuorumDecision.Spreading p: yield return Bad("epoch-spreading", p.Reason, "nothing within 10 s; then see whether that Sentinel reaches the others"); break;
            case SentinelQuorumDecision.Split x: yield return Bad("sentinels-split", x.Reason, x.Majority is null ? "no majority: find out where the data are newest before anything else" : $"restart {string.Join(", ", x.Odd)}: redis-bootstrap rebuilds it from the others"); break;
            case SentinelQuorumDecision.NoMaster n: yield return Bad("no-master", n.Reason, "check MASTER_NAME and CLUSTER_ID of the Sentinels"); break;
            case SentinelQuorumDecision.NoMajority n: yield return Bad("no-majority", n.Reason, "no failover is possible until a majority of Sentinels lives; see their pods, and SENTINEL_COUNT"); break;
        }
    }

    private static IEnumerable<Finding> Sentinels(StatusSnapshot s)
    {
        var count = s.Group.Settings.SentinelCount;
        foreach (var one in s.Group.Sentinels)
        {
            switch (one)
            {
                case SentinelObservation.Unreachable u: yield return Bad("sentinel-unreachable", $"Sentinel {u.Endpoint}: {u.Why}", "see its pod; one of three may be missing, two may not"); break;
                case SentinelObservation.Unknown u: yield return Bad("sentinel-unknown", $"Sentinel {u.Endpoint}: {u.Why}", "a login error: check SIDECAR_PASSWORD and CLUSTER_ID on both sides"); break;
                case SentinelObservation.Known { View.Tilt: true } k: yield return Bad("sentinel-tilt", $"Sentinel {k.Endpoint} distrusts its clock (TILT)", "passes after 30 s; if it comes back, its node is starved of processor time"); break;
                case SentinelObservation.Known { View.Master: null } k: yield return Bad("sentinel-without-master", $"Sentinel {k.Endpoint} does not know {s.MasterName}", "restart it: redis-bootstrap rebuilds it"); break;
                case SentinelObservation.Known k when k.View.Others.Length > count - 1: yield return Bad("ghost-sentinels", $"Sentinel {k.Endpoint} knows {k.View.Others.Length} others, {count - 1} are configured: each ghost is a voter that never votes", "nothing while all else is healthy: the master's sidecar removes them; else heal that first"); break;
                case SentinelObservation.Known k when k.View.Others.Length < count - 1: yield return Bad("sentinels-not-met", $"Sentinel {k.Endpoint} knows {k.View.Others.Length} others of {count - 1}", "they meet through the master within seconds; else check that they reach it and may PUBLISH"); break;
                case SentinelObservation.Known k when k.View.Replicas.Count(r => !r.Down) < s.Group.Settings.RedisCount - 1: yield return Bad("replicas-not-seen", $"Sentinel {k.Endpoint} reaches {k.View.Replicas.Count(r => !r.Down)} replicas of {s.Group.Settings.RedisCount - 1}", "a Sentinel learns of a replica within 10 s; else see that replica"); break;
            }
        }

        var answered = s.Group.Sentinels.OfType<SentinelObservation.Known>().Select(k => k.View.MyId).Distinct(StringComparer.Ordinal).Count();
        if (s.Group.Sentinels.Length < count) yield return Bad("sentinels-missing", $"{answered} of {count} Sentinels are found", "their name resolves to fewer: see the pods, and SENTINEL_COUNT");
    }

    // Only where the record knows what every node announces.
    private static IEnumerable<Finding> Strangers(StatusSnapshot s, SentinelQuorumDecision.Agreed? agreed)
    {
        if (s.Record is not ElectionObservation.Known known) yield break;
        var group = RecordedGroup.Of(known.View, s.Addresses);
        if (group.Count < s.Group.Settings.RedisCount) yield break;
        if (agreed is not null && !group.Has(agreed.Address))
        {
            yield return Bad(
                "led-away", $"{agreed.Reason}, which no node of this group announces",
                "the master's sidecar tells the Sentinels back within 2 s; else its log (led-away) says why not: see RedisLedAway");
        }

        var listed = s.Group.Sentinels.OfType<SentinelObservation.Known>().SelectMany(k => k.View.Replicas);
        foreach (var stranger in listed.Where(r => !r.Down).Select(r => r.Address).Distinct().Where(r => !group.Has(r)))
        {
            yield return Bad(
                "foreign-replica", $"{stranger} follows the master and is no node of this group: Sentinel may promote it",
                "REPLICAOF NO ONE there, or replica-priority 0 for a migration: see RedisLedAway");
        }
    }

    private static IEnumerable<Finding> Nodes(StatusSnapshot s, SentinelQuorumDecision.Agreed? agreed)
    {
        var settings = s.Group.Settings;
        foreach (var one in s.Group.Others.Append(s.Group.Own))
        {
            if (one is NodeObservation.Unreachable u) yield return Bad("redis-unreachable", $"Redis {u.Endpoint}: {u.Why}", "see its pod's log: redis-bootstrap says what it waits for");
            if (one is NodeObservation.Unknown n) yield return Bad("redis-unknown", $"Redis {n.Endpoint}: {n.Why}", "a login error: check SIDECAR_PASSWORD, CLUSTER_ID, and whether the address is another tenant's");
        }

        var all = StatusPolicy.All(s).ToList();
        var found = all.Count + s.Group.Others.Append(s.Group.Own).Count(o => o is not NodeObservation.Known);
        if (found < settings.RedisCount) yield return Bad("redis-missing", $"{found} of {settings.RedisCount} Redis nodes are found", "their name resolves to fewer: see the pods, and REDIS_COUNT");
        var masters = all.Where(k => k.View.Role == NodeRole.Master).Select(k => k.Address).ToList();
        if (masters.Count > 1) yield return Bad("several-masters", $"{string.Join(" and ", masters)} say master", "a hand-over or failover heals within 20 s; else only the one that Sentinels name may take writes: fence the other with CONFIG SET min-replicas-to-write 9999 there");
        foreach (var known in all)
            foreach (var finding in OfNode(s, known, agreed)) yield return finding;
    }

    private static IEnumerable<Finding> OfNode(StatusSnapshot s, NodeObservation.Known known, SentinelQuorumDecision.Agreed? agreed)
    {
        var (address, node) = (known.Address, known.View);
        var (wanted, isNamed) = (s.Group.Settings.MinReplicas, address == agreed?.Address);
        if (isNamed && node.Role != NodeRole.Master) yield return Bad("named-is-replica", $"Sentinels name {address}, which is a replica of {node.MasterAddress}", "a hand-over in its second half: the sidecar of the new master tells Sentinel within 3 s; else see that sidecar");
        if (isNamed && agreed!.RunIds.Any(id => id != node.RunId)) yield return Bad("another-process", $"Sentinels talk to another process at {address} than answers here", "an address is not a process: connections outlived a pod; restart the Sentinels one by one if it lasts");
        if (node.Role == NodeRole.Replica && agreed is not null && !isNamed && node.MasterAddress != agreed.Address) yield return FollowsAnother(s, known, agreed);
        else if (node.Role == NodeRole.Replica && node.SyncInProgress) yield return Bad("syncing", $"{address} receives a full copy", "nothing: until it is done the group has one copy less");
        else if (node.Role == NodeRole.Replica && !node.MasterLinkUp) yield return Bad("link-down", $"{address} has no link to {node.MasterAddress}", "see both logs: WRONGPASS is another tenant's master or an old password");
        if (node.Loading) yield return Bad("loading", $"{address} loads its data from disk", "nothing: its progress is in INFO persistence");
        if (node.MaxLag == 0) yield return Bad("fence-off", $"min-replicas-max-lag is 0 on {address}: no fence works there", "CONFIG SET min-replicas-max-lag 3, and see the base configuration");
        if (node.MinReplicas == HandOverLimits.Fence && s.SteppingDown != true) yield return Bad("hand-over-fence", $"{address} has the fence of a hand-over that runs no more", "nothing: its sidecar lifts it once a majority confirms the master, within 30 s");
        else if (node.MinReplicas == HandOverLimits.Fence) yield return Note("stepping-down", $"{address} hands over now", "nothing");
        else if (node.MinReplicas == WriteFence.MinReplicas) yield return Bad("fenced", $"{address} is fenced: it takes no writes", isNamed ? "its sidecar lifts it while a majority confirms it; see that sidecar's log" : "nothing: it was isolated or contradicted, and comes back as a replica");
        else if (WriteFence.IsFenced(node.MinReplicas)) yield return Bad("fenced-by-hand", $"min-replicas-to-write is {node.MinReplicas} on {address}: a person's fence", $"when it is no longer wanted: CONFIG SET min-replicas-to-write {wanted}");
        else if (node.Role == NodeRole.Master && isNamed && node.MaxLag > 0 && node.Attached < node.MinReplicas) yield return Bad("writes-refused", $"{address} needs {node.MinReplicas} replicas to write and has {node.Attached}", "bring a replica back; or, where it is gone for good and its risk is known, lower min-replicas-to-write");
        else if (node.Role == NodeRole.Master && isNamed && node.MinReplicas < wanted) yield return Bad("requirement-low", $"min-replicas-to-write is {node.MinReplicas} on {address}, configured is {wanted}", "its sidecar restores it once replicas are attached, unless a person lowered it: then remember to");
        if (node.Role == NodeRole.Replica && node.Priority == 0) yield return Note("never-promoted", $"replica-priority is 0 on {address}: it is never promoted", "if that is not configured, a hand-over left it: its sidecar restores it after two minutes");
    }

    // Sentinel repairs a replica that it lists, and no other.
    private static Finding FollowsAnother(StatusSnapshot s, NodeObservation.Known node, SentinelQuorumDecision.Agreed agreed)
    {
        var text = $"{node.Address} follows {node.View.MasterAddress}, Sentinels name {agreed.Address}";
        return StrayReplicaPolicy.IsListed(s.Group, node)
            ? Bad("follows-another", text, "Sentinel repoints it within 20 s; else see that node's log")
            : Bad(
                "stray-replica",
                $"{text}, and none of them lists it: Sentinel neither repairs nor promotes it",
                "its sidecar attaches it within 20 s where the master has all of its data; else see that sidecar's log (stray-replica), and restart "
                + "the pod: redis-bootstrap decides then, and keeps a rescue");
    }

    private static IEnumerable<Finding> Places(StatusSnapshot s, SentinelQuorumDecision.Agreed? agreed)
    {
        foreach (var place in s.Places)
        {
            switch (place)
            {
                case PlaceReading.Failed f: yield return Bad("place-unreadable", $"{f.Name}: {f.Why}", "clients keep what they know; check its settings and rights"); break;
                case PlaceReading.Empty e: yield return Bad("place-empty", $"{e.Name} names nobody", "the master's sidecar creates it within a second; where something not ours stands there, it refuses: see its log"); break;
                case PlaceReading.Known { Master: var published } k when agreed is not null:
                    var whose = StatusPolicy.All(s).Where(n => IsAt(s, n, k)).Select(n => n.Address).ToList();
                    if (whose.Count > 0 && !whose.Contains(agreed.Address)) yield return Bad("published-another", $"{k.Name} names {published.Address}, which is {whose[0]}; Sentinels name {agreed.Address}", $"the sidecar of {agreed.Address} writes it within a second, the others after some; else see its log (publish)");
                    if (whose.Count == 0) yield return Foreign(s, k);
                    if (published.Token.Epoch < agreed.Epoch) yield return Bad("published-old", $"{k.Name} has token {published.Token}, Sentinels are in epoch {agreed.Epoch}", "the sidecar of the master writes it within a second; else see its log (publish)");
                    if (published.Token.Epoch > agreed.Epoch) yield return Bad("epoch-went-back", $"{k.Name} has token {published.Token}, Sentinels are in epoch {agreed.Epoch}", "the Sentinels' epoch restarted: restart them through redis-bootstrap, which seeds it with the highest known");
                    break;
            }
        }
    }

    // A slice takes a pod's own address and nothing else: what the node announces may be a Service's, and so may the address it was asked at.
    private static bool IsAt(StatusSnapshot s, NodeObservation.Known node, PlaceReading.Known place)
    {
        var address = place.Master.Address;
        var recorded = s.Addresses.Where(a => a.Announced == node.Address).ToList();
        if (place.Name == SliceTarget.Kind && recorded.Exists(a => a.Pod is not null)) return recorded.Exists(a => a.Pod?.Host == address);
        return node.Endpoint.Host == address || node.Address.Host == address || s.PublishedAs.GetValueOrDefault(node.Address) == address || recorded.Exists(a => a.Outside == address);
    }

    private static Finding Foreign(StatusSnapshot s, PlaceReading.Known place)
    {
        var address = place.Master.Address;
        if (place.Name != SliceTarget.Kind) return Note("published-unknown", $"{place.Name} names {address}, which is no address of this group that is known here", "compare it with PUBLISH_ADDRESS of the master");
        const string toDo = "the master's sidecar writes its pod's address at its next look (PUBLISH_CHECK_MS); until then the Service leads nowhere: see that sidecar's log (publish)";
        var nodes = StatusPolicy.All(s).Select(n => n.Address).ToList();
        if (nodes.Find(n => n.Host == address) is { } announced)
            return Bad("slice-names-no-pod", $"{place.Name} names {address}, which {announced} announces and which is not its pod's own: nothing routes to it", toDo);
        return nodes.TrueForAll(n => s.Addresses.Any(a => a.Announced == n && a.Pod is not null))
            ? Bad("slice-names-no-pod", $"{place.Name} names {address}, which no pod of the group has", toDo)
            : Note("published-unknown", $"{place.Name} names {address}, and not every node has recorded its pod's address", "compare it with the addresses of the pods (kubectl get pods -o wide)");
    }

    private static IEnumerable<Finding> Record(StatusSnapshot s, SentinelQuorumDecision.Agreed? agreed)
    {
        switch (s.Record)
        {
            case ElectionObservation.Unavailable u:
                yield return Bad("record-unreadable", $"the group's record: {u.Why}", "Redis goes on without it; an election would wait: check the API server and the Role");
                break;
            case ElectionObservation.Known { View.Record: var record } when agreed is not null:
                if (record.LastServing is null) yield return Note("record-without-master", "no master has reported to the group's record", "runs redis-failover beside the master?");
                else if (record.LastServing.Address != agreed.Address && record.LastServing.Token.Epoch >= agreed.Epoch)
                    yield return Bad("record-names-another", $"the record says that {record.LastServing.Node} served last, with token {record.LastServing.Token}; Sentinels name {agreed.Address} in epoch {agreed.Epoch}", "the master's sidecar reports within a second; else compare the data of both before anything is restarted");
                else if (record.LastServing.Address != agreed.Address) yield return Bad("record-old", $"the record says that {record.LastServing.Node} served last; Sentinels name {agreed.Address}", "the master's sidecar reports within a second; else see its log (keeper)");
                break;
        }
    }

    private static IEnumerable<Finding> Copies(StatusSnapshot s)
    {
        if (!s.Rescues.IsEmpty)
            yield return Note("rescues", string.Create(CultureInfo.InvariantCulture, $"{s.Rescues.Length} rescue copies, {s.Rescues.Sum(r => r.Bytes)} bytes, on this node"), "data that a master overwrote and may not have had: compare them, then delete their folders");
        switch (s.Backup)
        {
            case { NotLookedAt: { } why }: yield return Note("backup-not-looked-at", why, "redis-backup list, in the container that has the store's credentials"); break;
            case { Failure: { } why }: yield return Bad("backup-unreadable", $"the backup store: {why}", "check BACKUP_STORE"); break;
            case { LastId: null }: yield return Bad("no-backup", "there is no backup", "runs redis-backup run beside a replica?"); break;
            case { } b:
                if (b.TailAge is null || b.TailAge > OldTail) yield return Bad("backup-old", $"what was written is in the store until {StatusPolicy.Ago(b.TailAge)}", "see the log of redis-backup of every node: one of them uploads");
                if (b.VerifiedAge is null || b.VerifiedAge > OldDrill) yield return Note("drill-old", $"the last drill passed {StatusPolicy.Ago(b.VerifiedAge)}", "redis-backup verify");
                break;
        }
    }

    private static Finding Bad(string code, string text, string toDo) => new(FindingKind.Disagreement, code, text, toDo);

    private static Finding Note(string code, string text, string toDo) => new(FindingKind.Note, code, text, toDo);
}
