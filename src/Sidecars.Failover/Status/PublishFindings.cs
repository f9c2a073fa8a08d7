using Sidecars.Core.Election;
using Sidecars.Core.Sentinel;
using Sidecars.Failover.Publish.Targets.Slice;

namespace Sidecars.Failover.Status;

/// <summary>What does not fit in where the master is published, and in the group's record. Pure.</summary>
internal static class PublishFindings
{
    public static IEnumerable<Fault> Of(StatusView v) => [.. v.Snapshot.Places.SelectMany(place => OfPlace(v, place)), .. Record(v)];

    private static IEnumerable<Fault> OfPlace(StatusView v, PlaceReading place) => place switch
    {
        PlaceReading.Failed f => [new Fault(
            FindingCodes.PlaceUnreadable, f.Name, f.Why, "clients keep what they know; check its settings and rights",
            f.Name is SliceTarget.Kind or "dns-endpoint" && v.Snapshot.Record is ElectionObservation.Unavailable
                ? FindingCodes.RecordUnreadable : null)],
        PlaceReading.Empty e => [new Fault(
            FindingCodes.PlaceEmpty, e.Name, "names nobody",
            "the master's sidecar creates it within a second; if something that is not ours is there, it refuses: see its log (publish)",
            Master(v))],
        PlaceReading.Known k when v.Agreed is { } agreed => OfPublished(v, k, agreed),
        _ => [],
    };

    private static IEnumerable<Fault> OfPublished(StatusView v, PlaceReading.Known place, SentinelQuorumDecision.Agreed agreed)
    {
        var (published, because) = (place.Master, Master(v));
        var whose = v.Answering.Where(n => IsAt(v.Snapshot, n, place)).Select(n => n.Address).ToList();
        if (whose.Count == 0) yield return Foreign(v, place);
        else if (!whose.Contains(agreed.Address))
            yield return new Fault(
                FindingCodes.PublishedAnother, place.Name,
                $"names {Named(published.Address, whose[0].Host, $"{whose[0]}")}, Sentinels name {agreed.Address}",
                $"the sidecar of {agreed.Address} writes it within a second, the others after some; otherwise see its log (publish)",
                because);
        if (published.Token.Epoch < agreed.Epoch)
            yield return new Fault(
                FindingCodes.PublishedOld, place.Name, $"token {published.Token}, Sentinels are in epoch {agreed.Epoch}",
                "the master's sidecar writes it within a second; otherwise see its log (publish)", because);
        if (published.Token.Epoch > agreed.Epoch)
            yield return new Fault(
                FindingCodes.EpochWentBack, place.Name, $"token {published.Token}, Sentinels are in epoch {agreed.Epoch}",
                "the Sentinels' epoch restarted: restart them through redis-bootstrap, which seeds it with the highest known");
    }

    private static string Named(string published, string host, string node) => published == host ? node : $"{published}, which is {node}";

    // Why the master's sidecar can't write; null: nothing is in its way.
    private static FindingCode? Master(StatusView v) => v.Agreed is { } agreed ? v.SilenceAt(agreed.Address) : v.Quorum switch
    {
        SentinelQuorumDecision.NoMajority => FindingCodes.NoMajority,
        SentinelQuorumDecision.NoMaster => FindingCodes.NoMaster,
        SentinelQuorumDecision.Split => FindingCodes.SentinelsSplit,
        SentinelQuorumDecision.Spreading => FindingCodes.EpochSpreading,
        _ => FindingCodes.FailoverInProgress,
    };

    // A slice takes a pod's own address and nothing else: what the node announces, and is asked at, may be a Service's.
    private static bool IsAt(StatusSnapshot s, NodeSeen node, PlaceReading.Known place)
    {
        var address = place.Master.Address;
        var recorded = s.Addresses.Where(a => a.Announced == node.Address).ToList();
        if (place.Name == SliceTarget.Kind && recorded.Exists(a => a.Pod is not null)) return recorded.Exists(a => a.Pod?.Host == address);
        return node.Others.Any(o => o.Host == address) || node.Seen.Endpoint.Host == address || node.Address.Host == address
            || s.PublishedAs.GetValueOrDefault(node.Address) == address || recorded.Exists(a => a.Outside == address);
    }

    private static Fault Foreign(StatusView v, PlaceReading.Known place)
    {
        var (name, address) = (place.Name, place.Master.Address);
        if (name != SliceTarget.Kind)
            return new Fault(
                FindingCodes.PublishedUnknown, name, $"names {address}, which is not a known address of this group",
                "compare it with PUBLISH_ADDRESS of the master");
        const string toDo = "the master's sidecar writes its pod's address at its next look (PUBLISH_CHECK); until then the Service "
            + "leads nowhere: see that sidecar's log (publish)";
        var nodes = v.Answering.Select(n => n.Address).ToList();
        if (nodes.Find(n => n.Host == address) is { } announced)
            return new Fault(
                FindingCodes.SliceNamesNoPod, name,
                $"names {address}, which {announced} announces and which is not its pod's own: nothing routes to it", toDo, Master(v));
        return nodes.TrueForAll(n => v.Snapshot.Addresses.Any(a => a.Announced == n && a.Pod is not null))
            ? new Fault(FindingCodes.SliceNamesNoPod, name, $"names {address}, which no pod of the group has", toDo, Master(v))
            : new Fault(
                FindingCodes.PublishedUnknown, name, $"names {address}, and not every node has recorded its pod's address",
                "compare it with the addresses of the pods (kubectl get pods -o wide)");
    }

    private static IEnumerable<Fault> Record(StatusView v)
    {
        if (v.Snapshot.Record is ElectionObservation.Unavailable u)
            yield return new Fault(
                FindingCodes.RecordUnreadable, "record", u.Why,
                "Redis goes on without it; an election would wait: check the API server and the Role");
        if (v.Snapshot.Record is not ElectionObservation.Known { View.Record: var record } || v.Agreed is not { } agreed) yield break;
        if (record.LastServing is not { } serving)
            yield return new Fault(
                FindingCodes.RecordWithoutMaster, "record", "no master has reported that it serves",
                "check that redis-failover runs beside the master");
        else if (serving.Address != agreed.Address && serving.Token.Epoch >= agreed.Epoch)
            yield return new Fault(
                FindingCodes.RecordNamesAnother, "record",
                $"{serving.Node} served last, with token {serving.Token}; Sentinels name {agreed.Address} in epoch {agreed.Epoch}",
                "the master's sidecar reports within a second; otherwise compare the data of both before anything is restarted", Master(v));
        else if (serving.Address != agreed.Address)
            yield return new Fault(
                FindingCodes.RecordOld, "record", $"{serving.Node} served last; Sentinels name {agreed.Address}",
                "the master's sidecar reports within a second; otherwise see its log (keeper)", Master(v));
    }
}
