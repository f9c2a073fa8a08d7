using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;

namespace Sidecars.Failover.Keeper;

/// <summary>
/// The next marker from the last one and what the server says now. Pure. A marker only ever claims what the disk beside it
/// holds: while a server loads, or copies its master, the last claim stands or is withdrawn.
/// </summary>
public static class MarkerPlan
{
    /// <summary>Calculates it.</summary>
    /// <param name="last">The marker on disk; null where there is none.</param>
    /// <param name="cluster">The group.</param>
    /// <param name="node">This node.</param>
    /// <param name="bootId">Of the machine or pod.</param>
    /// <param name="server">What the server says.</param>
    /// <param name="group">What Sentinels and the record say of its master.</param>
    /// <param name="earlierOffset">See <see cref="Marker.EarlierOffset"/>; of the server's present replication id.</param>
    public static Marker Next(
        Marker? last, ClusterId cluster, NodeIdentity node, string bootId, ServerFacts server, GroupKnowledge group, long? earlierOffset)
    {
        ArgumentNullException.ThrowIfNull(server);
        ArgumentNullException.ThrowIfNull(group);
        var token = Token(last?.Token ?? FencingToken.None, server, group);
        // A version before this one took any number from a Sentinel: what nobody can have reached is not handed on to the record.
        long[] seen = [0, last?.HighestEpoch ?? 0, token.Epoch, group.HighestEpoch];
        var highest = seen.Where(e => e <= EpochReading.MaxEpoch).Max();
        var basis = new Marker(cluster, node, bootId, token, last?.History ?? LineageHistory.Empty, server.Role, highest)
        {
            // Of a process that has served these data: redis-bootstrap counts the starts that never came to it.
            RunId = server.IsLoading && last?.RunId != server.RunId ? null : server.RunId,
            MasterLinkUp = server.IsLinkUp,
            AofRewriteInProgress = server.IsRewriting,
            Position = last?.Position,
            StillOf = last?.StillOf,
            EarlierOffset = last?.EarlierOffset,
            Aof = last?.Aof,
            FullSyncInProgress = last?.FullSyncInProgress ?? false,
            LastServing = last?.LastServing,
            Announced = last?.Announced,
        };
        if (server.IsLoading) return basis;
        return server.Role == MarkerRole.Master
            ? OfMaster(basis, server, group, node, earlierOffset) with { StillOf = StillOf(last, server) }
            : OfReplica(basis, last, server, group, earlierOffset);
    }

    private static Marker OfMaster(Marker basis, ServerFacts server, GroupKnowledge group, NodeIdentity node, long? earlierOffset)
    {
        var serving = new LastServing(node, basis.Token);
        return basis with
        {
            History = Append(basis, server, group, IsPromotedUnseen(basis, server, group, node) ? NodeIdentity.Unknown : node),
            // A promotion ends whatever copy was under way; with the AOF on its manifest tells whether that was whole.
            FullSyncInProgress = StillUnsynced(basis, server),
            Position = server.Position,
            EarlierOffset = earlierOffset,
            Aof = Mark(server),
            LastServing = basis.LastServing is { } other && other.Token > serving.Token ? other : serving,
        };
    }

    private static Marker OfReplica(Marker basis, Marker? last, ServerFacts server, GroupKnowledge group, long? earlierOffset)
    {
        if (server.IsSyncing) return basis with { FullSyncInProgress = true };
        // Until it has heard from its master, its replication id is one that it made up at its start.
        if (!server.IsLinkUp) return basis;
        var replaced = last?.Position is { } noted && noted.Id != server.Position.Id && server.IsRewriting;
        var unsynced = replaced || StillUnsynced(basis, server);
        // A majority names its master in this epoch: that master serves.
        var serving = group.Epoch is not null && group.Master is { } master ? new LastServing(master, basis.Token) : null;
        return basis with
        {
            // Not by whom it is followed: in a hand-over a replica learns the new master's id through the old one, which is a replica
            // itself by then, and two accounts of one id stop an election. Who serves says so itself, in the record.
            History = Append(basis, server, group, group.Author ?? NodeIdentity.Unknown),
            FullSyncInProgress = unsynced,
            Position = server.Position,
            StillOf = null,
            EarlierOffset = earlierOffset,
            Aof = unsynced ? basis.Aof : Mark(server),
            LastServing =
                serving is not null && (basis.LastServing is null || serving.Token > basis.LastServing.Token) ? serving : basis.LastServing,
        };
    }

    // Nobody had asked for its stream at the first look at this process, no replica has counted since, and the AOF has not grown by a byte.
    private static ReplicationId? StillOf(Marker? last, ServerFacts server)
    {
        if (last is not { Position: { } position, FullSyncInProgress: false } || server.GoodReplicas != 0
            || Mark(server)?.Total is not { } size)
            return null;
        var same = last.Aof?.Total == size ? last.StillOf : null;
        if (last.RunId == server.RunId) return same;
        return server.HasBacklog ? null : same ?? position.Id;
    }

    // Promoted, and the epoch of that is not seen yet: the newest one is another's, who must not be contradicted.
    private static bool IsPromotedUnseen(Marker basis, ServerFacts server, GroupKnowledge group, NodeIdentity node) =>
        group.Epoch is null && basis.History.Newest is { } newest && newest.Id != server.Position.Id && newest.Master.Name != node.Name
        && basis.Token.Term <= newest.Position.Term;

    // After a full sync the manifest names the dataset before it until the first rewrite has ended.
    private static bool StillUnsynced(Marker basis, ServerFacts server) =>
        basis.FullSyncInProgress && (server.IsSyncing
            || (server.AofBuffered is not null && (server.IsRewriting || server.Aof is null || server.Aof.File == basis.Aof?.File)));

    // An id that is recorded rises only to the epoch in which a majority names its master now. The token may be of another's: a replacement
    // that this server has not seen yet, or a start beside it that went no further.
    private static LineageHistory Append(Marker basis, ServerFacts server, GroupKnowledge group, NodeIdentity master)
    {
        var newest = basis.History.Newest;
        var served = newest?.Id != server.Position.Id ? basis.Token
            : group.Epoch is { } epoch ? new FencingToken(group.Term, epoch, 0)
            : FencingToken.None;
        return basis.History.Append(
            server.Position.Id, server.Position.Offset,
            Math.Max(served.Term, newest?.Position.Term ?? 0), Math.Max(served.Epoch, newest?.Position.Epoch ?? 0), master)
            ?? basis.History;
    }

    private static AofMark? Mark(ServerFacts server) => server is { Aof: { } aof, AofBuffered: { } buffered }
        ? new AofMark(aof.File, aof.After + buffered, aof.Before == aof.After && buffered == 0,
            server.AofSize is { } size && aof.Confirms(size) ? size + buffered : null)
        : null;

    // Terms are the record's, and reach a replica with the epoch that a majority gave its master; an epoch of another master is not ours.
    private static FencingToken Token(FencingToken mine, ServerFacts server, GroupKnowledge group)
    {
        var follows = server.Role == MarkerRole.Master || server.IsLinkUp;
        return follows && group.Epoch is { } epoch
            ? mine with { Term = Math.Max(mine.Term, group.Term), Epoch = Math.Max(mine.Epoch, epoch) }
            : mine;
    }
}
