using System.Collections.Immutable;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;

namespace Sidecars.Failover.Ghosts;

/// <summary>
/// What all Sentinels and all Redis nodes show together, once it is complete: every configured one is there, answers, and is
/// known by every Sentinel as alive, and all agree on one exactly healthy master.
/// </summary>
/// <param name="Sentinels">All of them, in the order of their ids.</param>
/// <param name="MasterRunId">The process that is master.</param>
/// <param name="Replicas">Addresses of the living replicas.</param>
internal sealed record GhostView(
    ImmutableArray<SentinelObservation.Known> Sentinels, string MasterRunId, ImmutableArray<RedisEndpoint> Replicas)
{
    /// <summary>The view, or the first thing that makes it incomplete.</summary>
    public static GhostView? Of(GhostSnapshot s, out GhostDecision.Refuse? gap)
    {
        gap = null;
        var sentinels = s.Sentinels.OfType<SentinelObservation.Known>().OrderBy(k => k.View.MyId, StringComparer.Ordinal)
            .ToImmutableArray();
        gap = SentinelGap(s, sentinels);
        if (gap is not null) return null;
        var master = sentinels[0].View.Master!;
        var nodes = s.Nodes.OfType<NodeObservation.Known>().DistinctBy(n => n.View.RunId, StringComparer.Ordinal).ToList();
        gap = NodeGap(s, nodes, master);
        if (gap is not null) return null;
        var view = new GhostView(sentinels, master.RunId, [.. nodes.Where(n => n.View.Role == NodeRole.Replica).Select(n => n.Address)]);
        gap = view.ListGap();
        return gap is null ? view : null;
    }

    /// <summary>Entries of one Sentinel that are neither one of the other Sentinels nor one of the replicas.</summary>
    public IEnumerable<string> GhostsOf(SentinelObservation.Known sentinel)
    {
        foreach (var peer in sentinel.View.Others)
            if (peer.MyId == sentinel.View.MyId || !IsSentinel(peer.MyId))
                yield return $"Sentinel {peer.MyId[..Math.Min(8, peer.MyId.Length)]} at {peer.Address}";
        foreach (var replica in sentinel.View.Replicas)
            if (!Replicas.Contains(replica.Address)) yield return $"replica {replica.Address}";
    }

    private static GhostDecision.Refuse? SentinelGap(GhostSnapshot s, ImmutableArray<SentinelObservation.Known> known)
    {
        foreach (var other in s.Sentinels)
            if (other is SentinelObservation.Unknown unknown)
                return new GhostDecision.Refuse("sentinel-unknown", $"Sentinel {unknown.Endpoint}: {unknown.Why}");
        if (known.Length < s.SentinelCount)
            return new GhostDecision.Refuse("sentinels-missing", $"{known.Length} of {s.SentinelCount} Sentinels answer");
        if (known.Length > s.SentinelCount)
            return new GhostDecision.Refuse("sentinels-too-many", $"{known.Length} Sentinels answer, {s.SentinelCount} are configured");
        for (var i = 1; i < known.Length; i++)
            if (known[i].View.MyId == known[i - 1].View.MyId)
                return new GhostDecision.Refuse("sentinel-id-twice", $"{known[i - 1].Endpoint} and {known[i].Endpoint} have one id");
        var first = known[0].View.Master;
        foreach (var one in known)
        {
            if (one.View.Master is not { } master) return new GhostDecision.Refuse("no-master", $"Sentinel {one.Endpoint} knows no master");
            if (one.View.Tilt) return new GhostDecision.Refuse("tilt", $"Sentinel {one.Endpoint} is in TILT");
            if (master.FailoverInProgress)
                return new GhostDecision.Refuse("failover-in-progress", $"Sentinel {one.Endpoint} runs a failover");
            if (!master.Healthy)
                return new GhostDecision.Refuse(
                    "master-not-healthy", $"Sentinel {one.Endpoint} sees the master as {master.Flags}, role {master.RoleReported}");
            if (master.Address != first!.Address || master.ConfigEpoch != first.ConfigEpoch || master.RunId != first.RunId
                || master.RunId.Length == 0)
                return new GhostDecision.Refuse(
                    "sentinels-disagree", $"Sentinels {known[0].Endpoint} and {one.Endpoint} do not agree on master, epoch and run id");
        }

        return null;
    }

    private static GhostDecision.Refuse? NodeGap(GhostSnapshot s, List<NodeObservation.Known> nodes, SentinelMaster named)
    {
        foreach (var other in s.Nodes)
            if (other is NodeObservation.Unknown unknown)
                return new GhostDecision.Refuse("redis-unknown", $"Redis {unknown.Endpoint}: {unknown.Why}");
        var masters = nodes.Where(n => n.View.Role == NodeRole.Master).ToList();
        if (masters.Count != 1 || masters[0].View.RunId != named.RunId || masters[0].Address != named.Address)
            return new GhostDecision.Refuse("master-not-confirmed",
                $"{masters.Count} node(s) say master; the Sentinels name {named.Address} with run id {named.RunId}");
        if (nodes.Count != s.RedisCount)
            return new GhostDecision.Refuse("replicas-missing", $"{nodes.Count} Redis nodes answer, {s.RedisCount} are configured");
        foreach (var node in nodes)
        {
            if (node.View.Role == NodeRole.Replica
                && (node.View.MasterAddress != named.Address || !node.View.MasterLinkUp || node.View.SyncInProgress || node.View.Loading))
                return new GhostDecision.Refuse(
                    "replica-not-in-sync", $"{node.Address} is not a replica of {named.Address} with a live link");
        }

        return nodes.Select(n => n.Address).Distinct().Count() == nodes.Count
            ? null
            : new GhostDecision.Refuse("address-twice", "two Redis nodes announce one address");
    }

    // A Sentinel that was just reset, or does not know everybody yet, makes the view incomplete: so one is reset at a time.
    private GhostDecision.Refuse? ListGap()
    {
        foreach (var one in Sentinels)
        {
            foreach (var other in Sentinels)
            {
                if (other.View.MyId != one.View.MyId && !one.View.Others.Any(o => o.MyId == other.View.MyId && o.Alive))
                    return new GhostDecision.Refuse("peer-not-seen", $"Sentinel {one.Endpoint} does not see {other.Endpoint} alive");
            }

            foreach (var replica in Replicas)
            {
                if (!one.View.Replicas.Any(r => r.Address == replica && r.Linked))
                    return new GhostDecision.Refuse(
                        "replica-not-seen", $"Sentinel {one.Endpoint} does not see replica {replica} alive and linked");
            }

            foreach (var peer in one.View.Others)
                if (!IsSentinel(peer.MyId) && !peer.Down && !IsReplaced(peer))
                    return new GhostDecision.Refuse(
                        "extra-sentinel-alive", $"Sentinel {one.Endpoint} reaches one more at {peer.Address}: is SENTINEL_COUNT right?");
            foreach (var replica in one.View.Replicas)
                if (!Replicas.Contains(replica.Address) && !replica.Down)
                    return new GhostDecision.Refuse("extra-replica-alive",
                        $"Sentinel {one.Endpoint} reaches one more replica at {replica.Address}: is REDIS_COUNT right?");
        }

        return null;
    }

    // Sentinel pings an address, and does not ask again whose it is: an id that has moved to the address of an older one leaves that one
    // listed there, alive for ever (+sentinel-address-switch, sentinelProcessHelloMessage). A fresh connection has met who lives there.
    private bool IsReplaced(SentinelPeer peer) => Sentinels.Any(s => s.Endpoint == peer.Address);

    private bool IsSentinel(string id) => Sentinels.Any(s => s.View.MyId == id);
}
