using System.Globalization;
using Sidecars.Core.Election;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;
using Sidecars.Failover.HandOver;

namespace Sidecars.Failover.Status;

/// <summary>What the group looks like, and what of it does not fit together. Pure; the disagreements are <see cref="StatusFindings"/>'s.</summary>
public static class StatusPolicy
{
    /// <summary>Decides.</summary>
    public static StatusReport Decide(StatusSnapshot s)
    {
        ArgumentNullException.ThrowIfNull(s);
        var named = (s.Group.Quorum as SentinelQuorumDecision.Agreed)?.Address;
        return new StatusReport
        {
            Cluster = s.Cluster.Value,
            Master = named?.ToString(),
            Summary = s.Group.Quorum.Reason,
            Nodes = [.. Nodes(s, named).OrderBy(n => n.Address, StringComparer.Ordinal)],
            Sentinels = [.. s.Group.Sentinels.Select(Row).OrderBy(r => r.Address, StringComparer.Ordinal)],
            Sources = [.. Sources(s)],
            Findings = [.. StatusFindings.Of(s).OrderByDescending(f => f.Kind)],
        };
    }

    private static IEnumerable<NodeRow> Nodes(StatusSnapshot s, RedisEndpoint? named)
    {
        var master = All(s).FirstOrDefault(k => k.Address == named)?.View;
        foreach (var known in All(s))
        {
            var node = known.View;
            var isMaster = node.Role == NodeRole.Master;
            var isOwn = s.Group.Own is NodeObservation.Known own && own.View.RunId == node.RunId;
            yield return new NodeRow(
                known.Address.ToString(), node.Loading ? "loading" : isMaster ? "master" : "replica", isMaster ? null : node.MasterAddress?.ToString() ?? "-",
                isMaster ? null : node.SyncInProgress ? "syncing" : node.MasterLinkUp ? "up" : "down", node.Offset,
                !isMaster && master?.ReplicationId == node.ReplicationId && master.Offset - node.Offset is { } lag ? Math.Max(0, lag) : null,
                isMaster ? Writes(node) : null, node.Priority, isOwn ? s.Marker?.Token.ToString() : null, node.RunId);
        }

        foreach (var other in s.Group.Others.Append(s.Group.Own))
        {
            if (other is NodeObservation.Unknown) yield return new NodeRow(other.Endpoint.ToString(), "unknown", null, null, null, null, null, null, null, null);
            if (other is NodeObservation.Unreachable) yield return new NodeRow(other.Endpoint.ToString(), "unreachable", null, null, null, null, null, null, null, null);
        }
    }

    /// <summary>Every Redis that answered, each process once.</summary>
    internal static IEnumerable<NodeObservation.Known> All(StatusSnapshot s) => s.Group.Own is NodeObservation.Known own ? s.Group.Peers.Prepend(own) : s.Group.Peers;

    private static string Writes(NodeLook node) => node.MinReplicas == HandOverLimits.Fence ? "hand-over"
        : WriteFence.IsFenced(node.MinReplicas) ? "fenced"
        : node.MaxLag > 0 && node.Attached < node.MinReplicas ? "refused"
        : "open";

    private static SentinelRow Row(SentinelObservation observation) => observation switch
    {
        SentinelObservation.Known { View: var view } known => new SentinelRow(
            known.Endpoint.ToString(), view.Tilt ? "tilt" : "up", view.Master?.Address.ToString() ?? "none", view.Master?.ConfigEpoch, view.Master?.Flags, view.Others.Length, view.Replicas.Length, view.MyId),
        SentinelObservation.Unknown => new SentinelRow(observation.Endpoint.ToString(), "unknown", null, null, null, null, null, null),
        _ => new SentinelRow(observation.Endpoint.ToString(), "unreachable", null, null, null, null, null, null),
    };

    private static IEnumerable<SourceRow> Sources(StatusSnapshot s)
    {
        yield return new SourceRow("record", s.Record switch
        {
            null => "not configured",
            ElectionObservation.Unavailable unavailable => $"not read: {unavailable.Why}",
            ElectionObservation.Known { View.Record: var record } => record.LastServing is { } serving
                ? $"term {record.Term}, epoch {record.HighestEpoch}; {serving.Node} served last at {serving.Address} with token {serving.Token}"
                : $"term {record.Term}, epoch {record.HighestEpoch}; nobody reported to serve",
            _ => "-",
        });
        foreach (var place in s.Places)
        {
            yield return new SourceRow(place.Name, place switch
            {
                PlaceReading.Known known => $"{known.Master.Address} with token {known.Master.Token}",
                PlaceReading.Empty => "nothing of ours",
                PlaceReading.Failed failed => $"not read: {failed.Why}",
                _ => "not configured",
            });
        }

        yield return new SourceRow("rescue", s.Rescues.IsEmpty ? "none on this node" : string.Join(", ", s.Rescues.Select(r => string.Create(CultureInfo.InvariantCulture, $"{r.Name} ({r.Bytes} bytes: {r.Reason})"))));
        yield return new SourceRow("backup", s.Backup switch
        {
            null => "not configured",
            { NotLookedAt: { } why } => $"not looked at: {why}",
            { Failure: { } why } => $"not read: {why}",
            { LastId: null } => "none",
            var b => $"{b.Count}, the last {b.LastId} {Ago(b.LastAge)}; tail until {Ago(b.TailAge)}; drill {Ago(b.VerifiedAge)}",
        });
    }

    /// <summary>An age for people: the largest unit.</summary>
    internal static string Ago(TimeSpan? age) => age switch
    {
        null => "never",
        { TotalSeconds: < 90 } a => string.Create(CultureInfo.InvariantCulture, $"{Math.Max(0, a.TotalSeconds):0} s ago"),
        { TotalMinutes: < 90 } a => string.Create(CultureInfo.InvariantCulture, $"{a.TotalMinutes:0} min ago"),
        { TotalHours: < 48 } a => string.Create(CultureInfo.InvariantCulture, $"{a.TotalHours:0} h ago"),
        { } a => string.Create(CultureInfo.InvariantCulture, $"{a.TotalDays:0} days ago"),
    };
}
