using Sidecars.Core.Election;
using Sidecars.Core.Lineage;
using Sidecars.Core.Topology;

namespace Sidecars.Bootstrap.Election;

/// <summary>The replication ids that the data of a living master came through, by the group's record. Pure.</summary>
internal sealed class MasterLineage
{
    private readonly IReadOnlyList<LineageEntry> _entries;
    private readonly HashSet<string> _more;

    private MasterLineage(IReadOnlyList<LineageEntry> entries, params IEnumerable<string> more) => (_entries, _more) = (entries, [.. more]);

    /// <summary>
    /// What its sidecar reported; before the first report, what lay on its disk when it was elected. Null where neither is recorded,
    /// which is not the same as nothing: who restarted from its own AOF has a new replication id, and a history all the same.
    /// </summary>
    public static MasterLineage? Of(ElectionView view, NodeObservation.Known master)
    {
        var record = view.Record;
        if (record.History.Any(e => e.Id.ToString() == master.View.ReplicationId)) return new MasterLineage(record.History);
        var elected = record.Candidate is not null && record.CandidateAddress == master.Address
            ? view.Evidence.FirstOrDefault(e => e.Incarnation == record.CandidateIncarnation)
            : null;
        // Data without a marker have a lineage that nobody knows.
        return elected is null || (elected.Data != DataState.Absent && elected.History.Length == 0) ? null
            : new MasterLineage(elected.History, elected.Position is { } position ? [position.At.Id.ToString()] : []);
    }

    /// <summary>True where it has, or had, this id; also where that would be older than all that is kept.</summary>
    public bool Knows(ReplicationId id, LineagePosition? at) =>
        _more.Contains(id.ToString()) || _entries.Any(e => e.Id == id)
        || (_entries.Count >= LineageHistory.MaxEntries && at is { } position && position < _entries[0].Position);

    /// <summary>Where the id stands; null where it is not recorded.</summary>
    public LineagePosition? PositionOf(string id) => _entries.FirstOrDefault(e => e.Id.ToString() == id)?.Position;
}
