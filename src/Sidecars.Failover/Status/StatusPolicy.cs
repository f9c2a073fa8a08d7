using Sidecars.Core.Election;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;
using Sidecars.Failover.HandOver;

namespace Sidecars.Failover.Status;

/// <summary>What the group looks like, and what of it does not fit together. Pure.</summary>
public static class StatusPolicy
{
    /// <summary>Decides.</summary>
    public static StatusReport Decide(StatusSnapshot s)
    {
        ArgumentNullException.ThrowIfNull(s);
        var (v, settings) = (new StatusView(s), s.Group.Settings);
        var master = v.Answering.FirstOrDefault(n => n.Address == v.Agreed?.Address)?.Look;
        return new StatusReport
        {
            At = s.At,
            Cluster = s.Cluster.Value,
            Findings = FaultOrder.Of([.. NodeFindings.Of(v), .. SentinelFindings.Of(v), .. PublishFindings.Of(v), .. CopyFindings.Of(v)]),
            Quorum = Quorum(v),
            Configured = new ConfiguredRow(
                settings.RedisCount, settings.SentinelCount, settings.MinReplicas, (long)settings.DownAfter.TotalMilliseconds),
            Redis = [.. v.Nodes.Select(n => n.Look is { } look ? Row(v, n, look, master) : Row(v, n))],
            Sentinels = [.. v.Sentinels.Select(Row)],
            Record = Record(s.Record),
            Places = [.. s.Places.Select(Row)],
            Rescues = [.. s.Rescues.Select(r => new RescueRow(r.Name, r.Bytes, r.Reason))],
            Backup = Backup(s.Backup),
        };
    }

    private static QuorumRow Quorum(StatusView v)
    {
        var agreed = v.Agreed;
        var naming = agreed is null ? (int?)null : v.Sentinels.Select(s => s.View)
            .Where(view => view?.Master is { } m && m.Address == agreed.Address && m.ConfigEpoch == agreed.Epoch)
            .Select(view => view!.MyId).Distinct(StringComparer.Ordinal).Count();
        var code = v.Quorum switch
        {
            SentinelQuorumDecision.Agreed => "agreed",
            SentinelQuorumDecision.Busy => FindingCodes.FailoverInProgress.Name,
            SentinelQuorumDecision.Spreading => FindingCodes.EpochSpreading.Name,
            SentinelQuorumDecision.Split => FindingCodes.SentinelsSplit.Name,
            SentinelQuorumDecision.NoMaster => FindingCodes.NoMaster.Name,
            _ => FindingCodes.NoMajority.Name,
        };
        var needed = SentinelQuorumPolicy.Majority(Math.Max(v.Snapshot.Group.Settings.SentinelCount, v.AnsweringSentinels));
        return new QuorumRow(code, agreed?.Address.ToString(), agreed?.Epoch, v.AnsweringSentinels, naming, needed);
    }

    private static NodeRow Row(StatusView v, NodeSeen seen, NodeLook node, NodeLook? named)
    {
        var isMaster = node.Role == NodeRole.Master;
        var isOwn = v.Snapshot.Group.Own is NodeObservation.Known own && own.View.RunId == node.RunId;
        return new NodeRow(seen.Address.ToString(), node.Loading ? "loading" : "up")
        {
            OtherAddresses = Texts(seen.Others),
            Role = isMaster ? "master" : "replica",
            Follows = isMaster ? null : node.MasterAddress?.ToString(),
            Link = isMaster ? null : node.SyncInProgress ? "syncing" : node.MasterLinkUp ? "up" : "down",
            OffsetBytes = node.Offset,
            LagBytes = !isMaster && named?.ReplicationId == node.ReplicationId && named.Offset - node.Offset is { } lag
                ? Math.Max(0, lag)
                : null,
            Writes = isMaster ? Writes(node) : null,
            ReplicasInSync = isMaster ? node.Attached : null,
            MinReplicasToWrite = node.MinReplicas,
            Priority = node.Priority,
            Keys = node.Keys,
            Token = isOwn ? v.Snapshot.Marker?.Token : null,
            RunId = node.RunId,
        };
    }

    private static NodeRow Row(StatusView v, NodeSeen silent) =>
        new(silent.Address.ToString(), v.SilenceOf(silent)!.Name["redis-".Length..])
        {
            OtherAddresses = Texts(silent.Others),
            Waiting =
                v.WaitOf(silent) is { } wait ? new WaitRow(wait.Code, wait.Reason, wait.WaitingFor, (long)wait.For.TotalSeconds) : null,
            Why = Words.Why(silent.Seen),
        };

    private static SentinelRow Row(SentinelSeen seen) => seen.View is { } view
        ? new SentinelRow(seen.Address.ToString(), view.Tilt ? "tilt" : "up")
        {
            OtherAddresses = Texts(seen.Others),
            Master = view.Master?.Address.ToString(),
            Epoch = view.Master?.ConfigEpoch,
            Flags = view.Master?.Flags.Split(',', StringSplitOptions.RemoveEmptyEntries),
            OtherSentinels = view.Others.Length,
            Replicas = view.Replicas.Length,
            ReplicasUp = view.Replicas.Count(r => !r.Down),
            Id = view.MyId,
        }
        : new SentinelRow(seen.Address.ToString(), StatusView.SilenceOf(seen)!.Name["sentinel-".Length..]) { Why = Words.Why(seen.Seen) };

    private static string Writes(NodeLook node) => node.MinReplicas == HandOverLimits.Fence ? "hand-over"
        : WriteFence.IsFenced(node.MinReplicas) ? "fenced"
        : node.MaxLag > 0 && node.Attached < node.MinReplicas ? "refused"
        : "open";

    private static RecordRow Record(ElectionObservation? record) => record switch
    {
        ElectionObservation.Known { View.Record: var r } => new RecordRow(
            "read", r.Term, r.HighestEpoch, r.LastServing?.Node, r.LastServing?.Address.ToString(), r.LastServing?.Token),
        ElectionObservation.Unavailable u => new RecordRow("unreadable", Why: u.Why),
        _ => new RecordRow("not-configured"),
    };

    private static PlaceRow Row(PlaceReading place) => place switch
    {
        PlaceReading.Known k => new PlaceRow(k.Name, "published", k.Master.Address, k.Master.Token),
        PlaceReading.Empty => new PlaceRow(place.Name, "empty"),
        PlaceReading.Failed f => new PlaceRow(f.Name, "unreadable", Why: f.Why),
        _ => new PlaceRow(place.Name, "not-configured"),
    };

    private static BackupRow Backup(BackupReading? backup) => backup switch
    {
        null => new BackupRow("not-configured"),
        { NotLookedAt: { } why } => new BackupRow("not-looked-at", Why: why),
        { Failure: { } why } => new BackupRow("unreadable", Why: why),
        var b => new BackupRow(
            "read", b.Count, b.LastId, CopyFindings.Seconds(b.LastAge), CopyFindings.Seconds(b.TailAge),
            CopyFindings.Seconds(b.VerifiedAge)),
    };

    private static IReadOnlyList<string>? Texts(IReadOnlyCollection<RedisEndpoint> addresses) =>
        addresses.Count == 0 ? null : [.. addresses.Select(a => a.ToString())];
}
