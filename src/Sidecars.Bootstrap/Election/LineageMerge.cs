using Sidecars.Core.Lineage;

namespace Sidecars.Bootstrap.Election;

/// <summary>What two recorded histories cannot both be right about.</summary>
public enum LineageConflictKind
{
    /// <summary>
    /// Two nodes served in one term and epoch: two failovers at once, or a lost Lease. A pod of the same name with another UID is no
    /// conflict: it is the same volume, resumed.
    /// </summary>
    TwoMasters,

    /// <summary>One replication id that two nodes are said to have served under.</summary>
    TwoAccounts,

    /// <summary>Two replication ids at one place in history.</summary>
    TwoIds,
}

/// <summary>A contradiction between histories.</summary>
/// <param name="Kind">The kind of contradiction.</param>
/// <param name="First">One account.</param>
/// <param name="Second">The other.</param>
public sealed record LineageConflict(LineageConflictKind Kind, LineageEntry First, LineageEntry Second);

/// <summary>
/// The union of what several nodes recorded. Independent of the order of the histories. With conflicts the order of entries is
/// still total, but the election must refuse between the nodes that a conflict names.
/// </summary>
/// <param name="History">All ids, ascending by position.</param>
/// <param name="Conflicts">Contradictions; empty when the histories agree.</param>
public sealed record LineageMerge(LineageHistory History, IReadOnlyList<LineageConflict> Conflicts)
{
    /// <summary>Merges histories.</summary>
    public static LineageMerge Of(params IEnumerable<LineageHistory> histories)
    {
        // A total order first, so that neither result nor conflicts depend on who was asked first.
        var all = histories.SelectMany(h => h).Distinct()
            .OrderBy(e => e.Position).ThenBy(e => e.Id.ToString(), StringComparer.Ordinal)
            .ThenBy(e => e.Master.Name, StringComparer.Ordinal).ThenBy(e => e.Master.Uid, StringComparer.Ordinal).ThenBy(e => e.StartOffset)
            .ToList();
        var conflicts = new List<LineageConflict>();
        // The higher account of an id wins: an entry is only ever re-written with better knowledge of its term and epoch, and a
        // node that was away counted fewer generations. Accounts by nodes that did not know the master contradict nobody.
        var known = new List<LineageEntry>();
        foreach (var accounts in all.GroupBy(e => e.Id))
        {
            known.Add(accounts.Last() is { } last && last.Master == NodeIdentity.Unknown
                && accounts.LastOrDefault(e => e.Master != NodeIdentity.Unknown) is { } named
                ? last with { Master = named.Master }
                : accounts.Last());
            var names = accounts.Where(e => e.Master != NodeIdentity.Unknown).DistinctBy(e => e.Master.Name).ToList();
            if (names.Count > 1) conflicts.Add(new LineageConflict(LineageConflictKind.TwoAccounts, names[0], names[1]));
        }

        foreach (var epoch in known.Where(e => e.Master != NodeIdentity.Unknown).GroupBy(e => (e.Position.Term, e.Position.Epoch)))
        {
            var first = epoch.First();
            conflicts.AddRange(epoch.Where(e => e.Master.Name != first.Master.Name).DistinctBy(e => e.Master.Name)
                .Select(e => new LineageConflict(LineageConflictKind.TwoMasters, first, e)));
        }

        foreach (var place in known.GroupBy(e => e.Position))
        {
            var first = place.First();
            conflicts.AddRange(place.Where(e => e.Id != first.Id).DistinctBy(e => e.Id)
                .Select(e => new LineageConflict(LineageConflictKind.TwoIds, first, e)));
        }

        var sorted = known.OrderBy(e => e.Position).ThenBy(e => e.Id.ToString(), StringComparer.Ordinal).ToArray();
        return new LineageMerge(LineageHistory.OfSorted(sorted), conflicts);
    }
}
