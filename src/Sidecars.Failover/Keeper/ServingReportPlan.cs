using System.Collections.Immutable;
using Sidecars.Core.Election;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;

namespace Sidecars.Failover.Keeper;

/// <summary>What the sidecar of a master reports to the group's record, and when. Pure.</summary>
public static class ServingReportPlan
{
    /// <summary>
    /// The report; null where this node does not serve: it is no master, or neither a Sentinel majority names it nor the record's
    /// election chose it.
    /// </summary>
    /// <param name="marker">This node's marker, as it was just written durably.</param>
    /// <param name="address">Its announced address.</param>
    /// <param name="isNamed">
    /// A Sentinel majority names it, or no majority answers and it is the record's candidate or last serving master.
    /// </param>
    /// <param name="settled">
    /// Offsets that its replicas had acknowledged <see cref="Marker.EarlierBy"/> ago, by address; online ones only.
    /// </param>
    /// <param name="nodes">Who listens at an address, where known.</param>
    /// <param name="durability">With snapshots only, a disk holds less than was acknowledged by nature: no offset is promised.</param>
    public static ServingReport? Calculate(
        Marker marker, RedisEndpoint address, bool isNamed, IReadOnlyList<InfoReplica> settled, Func<RedisEndpoint, NodeIdentity?> nodes,
        Durability durability)
    {
        ArgumentNullException.ThrowIfNull(marker);
        ArgumentNullException.ThrowIfNull(settled);
        ArgumentNullException.ThrowIfNull(nodes);
        if (marker.Role != MarkerRole.Master || marker.Position is not { } position || !isNamed) return null;
        var promised = durability == Durability.Aof;
        var serving = new ServingMaster(
            marker.Node.Name, marker.Node.Uid, address, marker.Token, position.Id, promised ? position.Offset : 0);
        var inSync = ImmutableArray.CreateBuilder<InSyncReplica>();
        foreach (var replica in settled)
        {
            // A replica in sync that can't be named: the set is unknown, and an election waits for every node.
            if (replica.Endpoint is not { } endpoint || nodes(endpoint) is not { } node)
                return new ServingReport(serving, null, [.. marker.History], marker.HighestEpoch);
            inSync.Add(new InSyncReplica(node.Name, node.Uid, promised ? replica.Offset : 0));
        }

        inSync.Sort((a, b) => string.CompareOrdinal(a.Node, b.Node));
        return new ServingReport(serving, inSync.ToImmutable(), [.. marker.History], marker.HighestEpoch);
    }

    /// <summary>
    /// True where a report says something else than the last one: token, replication id, address, or who is in sync. Offsets alone wait for
    /// the renewal.
    /// </summary>
    public static bool IsNews(ServingReport? last, ServingReport next)
    {
        ArgumentNullException.ThrowIfNull(next);
        if (last is null) return true;
        if (last.Serving with { Offset = 0 } != next.Serving with { Offset = 0 } || last.HighestEpoch != next.HighestEpoch
            || last.History.Length != next.History.Length)
            return true;
        return !Names(last).SequenceEqual(Names(next));
    }

    private static IEnumerable<string> Names(ServingReport report) => report.InSync is { } inSync ? inSync.Select(r => r.Node) : ["?"];
}
