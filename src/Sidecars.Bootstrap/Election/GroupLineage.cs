using Sidecars.Core.Election;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;

namespace Sidecars.Bootstrap.Election;

/// <summary>The master that served last, by the best account there is.</summary>
/// <param name="Node">Its name.</param>
/// <param name="Token">The token it served under.</param>
internal sealed record Served(string Node, FencingToken Token);

/// <summary>What the record and everybody's evidence say together about who held which data. Pure.</summary>
internal sealed class GroupLineage
{
    // "*1\r\n$4\r\nPING\r\n": the master's ping moves the stream every other second and is in no AOF, so of an idle group's disks the one
    // whose marker is a moment later seems to be ahead. No write is as short (20 bytes at least).
    private const long Ping = 14;

    private readonly ElectionRecord _record;
    private readonly LineageMerge _merge;

    private GroupLineage(ElectionRecord record, LineageMerge merge, Served? served) => (_record, _merge, Served) = (record, merge, served);

    /// <summary>No master was ever recorded: no sidecar has run.</summary>
    public bool IsEmpty => _merge.History.Count == 0;

    /// <summary>Who served last; null where nobody knows.</summary>
    public Served? Served { get; }

    /// <summary>True where the record's own account of the last serving master is the latest.</summary>
    public bool IsRecordLatest =>
        _record.LastServing is { } last && Served is { } served && last.Node == served.Node && last.Token == served.Token;

    /// <summary>Of the record and all evidence, dead or alive: memory does not age.</summary>
    public static GroupLineage Of(ElectionRecord record, IReadOnlyCollection<CandidateEvidence> all)
    {
        var histories = new List<LineageHistory> { Create(record.History) };
        var served = record.LastServing is { } last ? new Served(last.Node, last.Token) : null;
        foreach (var evidence in all.OrderBy(e => e.Node, StringComparer.Ordinal).ThenBy(e => e.Uid, StringComparer.Ordinal))
        {
            histories.Add(Create(evidence.History));
            // With equal tokens the record, written by compare-and-swap, is believed.
            if (evidence.LastServing is { } seen && (served is null || seen.Token > served.Token))
                served = new Served(seen.Node.Name, seen.Token);
        }

        return new GroupLineage(record, LineageMerge.Of(histories), served);
    }

    /// <summary>Where the node's data stand in the group's history; null where that does not know them.</summary>
    public LineagePosition? PositionOf(CandidateEvidence evidence) =>
        evidence.Position is { } position && _merge.History.Find(position.At.Id) is LineageLookup.Recorded recorded
            ? recorded.Entry.Position
            : null;

    /// <summary>
    /// True where this node, which served last, has everything that was acknowledged: its data are of the newest replication id,
    /// nothing shows that they were rolled back, and nobody provably has more.
    /// </summary>
    public bool IsCurrent(CandidateEvidence serving, IEnumerable<CandidateEvidence> others)
    {
        if (!serving.HasData || serving.Position is not { } mine || PositionOf(serving) is not { } position) return false;
        if (_merge.History.Newest is { } newest && position < newest.Position) return false;
        // Its marker was durable before it was reported: below the report the disk is an older one.
        if (_record.LastServing is { } last && last.Node == serving.Node && last.ReplicationId == mine.At.Id
            && mine.At.Offset < last.Offset)
            return false;
        foreach (var other in others)
        {
            if (other.Node == serving.Node || !other.HasData || other.Position is not { } theirs || theirs.At.Id != mine.At.Id) continue;
            if (mine.Upper + Ping < theirs.Lower || mine.At.Offset < other.EarlierOffset) return false;
        }

        return true;
    }

    /// <summary>True where the node holds at least what the record says that it had acknowledged.</summary>
    public bool Holds(CandidateEvidence evidence, InSyncReplica replica)
    {
        if (!evidence.HasData || evidence.Position is not { } position || _record.LastServing is not { } last) return false;
        if (position.At.Id == last.ReplicationId) return position.At.Offset >= replica.Offset;
        return PositionOf(evidence) is { } own && _merge.History.Find(last.ReplicationId) is LineageLookup.Recorded recorded
            && own > recorded.Entry.Position;
    }

    /// <summary>The contradictions that are not older than this position.</summary>
    public List<LineageConflict> ConflictsFrom(LineagePosition position)
    {
        var found = new List<LineageConflict>();
        foreach (var c in _merge.Conflicts)
        {
            if (c.First.Position >= position || c.Second.Position >= position
                || (c.First.Position.Term, c.First.Position.Epoch) == (position.Term, position.Epoch))
                found.Add(c);
        }

        return found;
    }

    private static LineageHistory Create(IReadOnlyList<LineageEntry> entries) =>
        LineageHistory.TryCreate(entries, out var history) ? history : LineageHistory.Empty;
}
