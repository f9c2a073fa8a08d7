using Sidecars.Core.Election;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;

namespace Sidecars.Bootstrap.Election;

/// <summary>
/// Chooses the master where none lives. Pure, and independent of the order of the evidence: every node that sees the same
/// evidence comes to the same winner, and the record's compare-and-swap settles the rest. Whom it waits for is
/// <see cref="ElectionWaitPolicy"/>. The ranking: position in the lineage; the last serving master if current; estimated offset; its
/// upper bound; bytes; name.
/// </summary>
/// <remarks>
/// A durable group starts empty only if it has never had a master and every configured node is empty in this round. One that has had a
/// master refuses, until a backup is restored or a person says <c>redis-bootstrap allow-empty</c>. With RESTORE_ON_EMPTY the winner
/// restores a backup before it serves, once a term, and only where every node is here and none has any file.
/// </remarks>
public static class ElectionPolicy
{
    /// <summary>Refusal: every disk of a durable group is empty, though the group has had a master.</summary>
    public const string AllEmpty = "all-disks-empty";

    /// <summary>Refusal: the backend names a leader but knows no data, and there is data.</summary>
    public const string BlindBackend = "backend-knows-no-data";

    /// <summary>Refusal: a disk holds a replication id that the group's history does not know; it may be the newest.</summary>
    public const string LineageUnknown = "lineage-unknown";

    /// <summary>Refusal: two nodes served in one term and epoch.</summary>
    public const string LineageConflict = "lineage-conflict";

    /// <summary>Refusal: several disks were filled on purpose (a restore, an adoption), and only one of them can be meant.</summary>
    public const string FilledTwice = "filled-twice";

    /// <summary>Refusal: a person trusts a node whose disk has no data that a server would load.</summary>
    public const string TrustedWithoutData = "trusted-without-data";

    /// <summary>Decides for <see cref="ElectionFacts.Me"/>.</summary>
    public static ElectionDecision Decide(ElectionFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        var (view, me, _, durability, _, _, _) = facts;
        if (!view.CarriesEvidence) return BlindElectionPolicy.Decide(facts);
        if (view.Record.Candidate is { } candidate && view.CandidateAlive)
        {
            return view.Record.CandidateIncarnation == me.Incarnation
                ? new ElectionDecision.Won(view.Record.Term, $"I am the candidate of term {view.Record.Term}")
                : new ElectionDecision.Lost(
                    candidate, view.Record.CandidateAddress, $"{candidate} is the candidate of term {view.Record.Term} and lives");
        }

        // One incarnation a node: the live one; several live ones of one name are a fault that is never resolved by choosing.
        var live = view.Evidence.Where(e => e.Live).OrderBy(e => e.Node, StringComparer.Ordinal).ToList();
        var twice = live.GroupBy(e => e.Node, StringComparer.Ordinal)
            .FirstOrDefault(g => g.Select(e => e.Incarnation).Distinct(StringComparer.Ordinal).Count() > 1);
        if (twice is not null)
            return new ElectionDecision.Refuse("node-alive-twice", $"{twice.Key} is alive twice; each node needs a name of its own");
        var lineage = GroupLineage.Of(view.Record, view.Evidence);
        if (durability != Durability.None && ByWord(facts, live, lineage) is { } said) return said;
        if (AllLost(facts, live, lineage)) return FirstToRestore(facts, live);
        var missing = ElectionWaitPolicy.Missing(facts, live, lineage);
        if (missing is not null && !facts.IsUnclean) return missing;
        var unclean = missing is null ? "" : $"UNCLEAN, by UNCLEAN_ELECTION_AFTER, though {missing.Reason}: ";
        var chosen = Choose(facts, live, lineage, unclean);
        // Also where it went on although a disk is of no known stream.
        return facts.IsUnclean && chosen is ElectionDecision.Claim claim ? claim with { Word = PersonsWordKind.Unclean } : chosen;
    }

    // A person's word stands before every wait: it was said because of one.
    private static ElectionDecision? ByWord(ElectionFacts facts, List<CandidateEvidence> live, GroupLineage lineage)
    {
        var record = facts.View.Record;
        if (record.Trusted is { } trusted)
        {
            return live.FirstOrDefault(e => e.Node == trusted) switch
            {
                null => new ElectionDecision.Wait([trusted], $"a person trusts the data of {trusted}, and it is not here"),
                { HasData: true } node => Result(facts, node, $"a person trusts the data of {trusted}", PersonsWordKind.Trust),
                var node => new ElectionDecision.Refuse(TrustedWithoutData, $"a person trusts the data of {trusted}, whose disk is "
                    + $"{(node.Data == DataState.Absent ? "empty" : $"not to be trusted ({node.Why})")}; "
                    + "'redis-bootstrap trust NODE' names another, 'redis-bootstrap allow-empty' starts without data"),
            };
        }

        var filled = live.Where(e => e.Filled is not null && e.HasData).ToList();
        if (filled.Count > 1)
        {
            return new ElectionDecision.Refuse(FilledTwice,
                $"the disks of {string.Join(", ", filled.Select(e => e.Node))} were filled on purpose, "
                + "and only one can be the group's: 'redis-bootstrap trust NODE' says which");
        }

        if (filled is [var one])
            return Result(facts, one,
                $"the disk of {one.Node} was filled on purpose ({(one.Filled == FilledBy.Adopt ? "adopted" : "restored")}): "
                + "nobody else may win",
                one.Filled == FilledBy.Adopt ? PersonsWordKind.Adopt : PersonsWordKind.Restore);
        if (record.EmptyStartAllowedInTerm != record.Term || live.Exists(e => e.Data == DataState.Suspect || Counts(e, lineage)))
            return null;
        var first = First(facts, live);
        return Result(
            facts, first, $"a person allows an empty start, and no disk that is here holds data; {first.Node} is first of {live.Count}",
            PersonsWordKind.AllowEmpty);
    }

    // Valid files of no keys that no history knows are what a replica leaves that died before its first full sync.
    private static bool Counts(CandidateEvidence e, GroupLineage lineage) =>
        e.Data == DataState.Present || (e.Data == DataState.Empty && (lineage.IsEmpty || lineage.PositionOf(e) is not null));

    private static CandidateEvidence First(ElectionFacts facts, List<CandidateEvidence> live) =>
        live.OrderByDescending(e => e.Address == facts.Named?.Address).ThenBy(e => e.Node, StringComparer.Ordinal).First();

    // Every node is here, and none of them has any file: whom else to wait for? With one disk unseen or unreadable this is no case for a
    // backup, which is older than what was acknowledged.
    private static bool AllLost(ElectionFacts facts, List<CandidateEvidence> live, GroupLineage lineage) =>
        facts.RestoresBackups && facts.Durability != Durability.None && live.Count >= facts.GroupSize
        && live.All(e => e.Data == DataState.Absent)
        && HasHadAMaster(facts, lineage);

    private static ElectionDecision FirstToRestore(ElectionFacts facts, List<CandidateEvidence> live)
    {
        var first = First(facts, live);
        var result = Result(facts, first,
            $"all {live.Count} disks are empty, though this group has had a master (term {facts.View.HighestTerm}); "
            + $"{first.Node} restores a backup",
            PersonsWordKind.Restore);
        return result is ElectionDecision.Claim claim ? claim with { RestoreFirst = true } : result;
    }

    private static ElectionDecision Choose(ElectionFacts facts, List<CandidateEvidence> live, GroupLineage lineage, string unclean)
    {
        var counts = facts.Durability != Durability.None;
        var intact = counts ? live.Where(e => Counts(e, lineage)).ToList() : [];
        if (intact.Count == 0)
        {
            if (counts && HasHadAMaster(facts, lineage))
            {
                return new ElectionDecision.Refuse(AllEmpty,
                    $"{unclean}every disk is empty, though this group has had a master (term {facts.View.HighestTerm}); "
                    + "restore a backup, bring a disk back, or allow it with 'redis-bootstrap allow-empty'");
            }

            var first = First(facts, live);
            return Result(facts, first, $"{unclean}no disk holds data that counts; {first.Node} is first of {live.Count}");
        }

        return lineage.IsEmpty ? ByLength(facts, intact, unclean) : ByLineage(facts, intact, lineage, unclean);
    }

    // No sidecar has recorded anything: whom Sentinels name, else the longest file. All nodes are here.
    private static ElectionDecision ByLength(ElectionFacts facts, List<CandidateEvidence> intact, string unclean)
    {
        var winner = intact.OrderByDescending(e => e.Address == facts.Named?.Address).ThenByDescending(e => e.DataBytes)
            .ThenBy(e => e.Node, StringComparer.Ordinal).First();
        return Result(facts, winner, $"{unclean}{winner.Node} has the best disk of {intact.Count} ({winner.DataBytes} "
            + $"bytes{(winner.Address == facts.Named?.Address ? ", and was the last to serve" : "")}); no lineage is recorded");
    }

    private static ElectionDecision ByLineage(ElectionFacts facts, List<CandidateEvidence> intact, GroupLineage lineage, string unclean)
    {
        var unknown = intact.Where(e => lineage.PositionOf(e) is null).ToList();
        if (unknown.Count > 0 && !facts.IsUnclean)
        {
            return new ElectionDecision.Refuse(LineageUnknown,
                $"the data of {string.Join(", ", unknown.Select(e => $"{e.Node} ({e.Position?.At.ToString() ?? "no marker"})"))} are "
                + "of no replication id that the group's history knows: they may be the newest, or another group's; "
                + "'redis-bootstrap trust NODE' says whose data count, and the others keep theirs as a rescue");
        }

        var serving = ElectionWaitPolicy.ServingNode(facts, intact, lineage);
        var current = serving is not null && lineage.IsCurrent(serving, intact) ? serving.Node : null;
        var known = intact.Where(e => lineage.PositionOf(e) is not null).ToList();
        if (known.Count == 0) return ByLength(facts, intact, unclean);
        var winner = known
            .OrderByDescending(e => lineage.PositionOf(e)!.Value)
            .ThenByDescending(e => e.Node == current)
            .ThenByDescending(e => Math.Max(e.Position!.Estimate, e.Position.Lower))
            .ThenByDescending(e => e.Position!.Upper ?? long.MaxValue)
            .ThenByDescending(e => e.DataBytes)
            .ThenBy(e => e.Node, StringComparer.Ordinal)
            .First();
        var position = lineage.PositionOf(winner)!.Value;
        // A Sentinel majority has settled a split of the past, or the nodes themselves, which all follow one side of it by now.
        var isSettled = facts.Named?.Address == winner.Address || IsOneStream(facts, intact, winner);
        if (!isSettled && !facts.IsUnclean && lineage.ConflictsFrom(position) is [var conflict, ..] conflicts)
        {
            return new ElectionDecision.Refuse(LineageConflict,
                $"{string.Join(" and ", Sides(facts, conflicts))} served at {conflict.Second.Position}, each on its own ({conflict.Kind}); "
                + "a person must say whose writes count: 'redis-bootstrap trust NODE', and the others keep theirs as a rescue");
        }

        var why = winner.Node == current ? "served last and nobody has more" : "holds the newest data";
        return Result(facts, winner, $"{unclean}{winner.Node} {why} of {intact.Count} ({winner.Position!.At} at {position})");
    }

    // Every node that a person may have to choose: whoever is said to have served, or, where that is not known, who has those data.
    private static IEnumerable<string> Sides(ElectionFacts facts, List<LineageConflict> conflicts)
    {
        var sides = new List<string>();
        foreach (var conflict in conflicts)
        {
            Add(conflict.First);
            Add(conflict.Second);
        }

        if (sides.Count == 0) AddName("several nodes that nobody names");
        return sides.Order(StringComparer.Ordinal);

        void Add(LineageEntry entry)
        {
            if (entry.Master != NodeIdentity.Unknown) AddName(entry.Master.Name);
            else
            {
                foreach (var evidence in facts.View.Evidence)
                    if (evidence.Position?.At.Id == entry.Id) AddName(evidence.Node);
            }
        }

        void AddName(string name)
        {
            if (!sides.Contains(name)) sides.Add(name);
        }
    }

    // Every node is here with data of the winner's replication id: no disk holds the other side's writes any more. With snapshots the
    // marker's id is not the dump's, and says nothing of the kind.
    private static bool IsOneStream(ElectionFacts facts, List<CandidateEvidence> intact, CandidateEvidence winner) =>
        facts.Durability == Durability.Aof && intact.Count >= facts.GroupSize
        && intact.TrueForAll(e => e.Position?.At.Id == winner.Position!.At.Id);

    private static ElectionDecision Result(ElectionFacts facts, CandidateEvidence winner, string why, PersonsWordKind? word = null) =>
        winner.Incarnation == facts.Me.Incarnation
            ? new ElectionDecision.Claim(why) { Word = word }
            : new ElectionDecision.Lost(winner.Node, winner.Address, $"{why}; it is to claim term {facts.View.HighestTerm + 1}");

    internal static bool HasHadAMaster(ElectionFacts facts, GroupLineage lineage) =>
        facts.View.HighestTerm > 0 || !lineage.IsEmpty || lineage.Served is not null;
}
