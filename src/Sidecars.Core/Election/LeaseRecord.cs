using Sidecars.Core.Kubernetes;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Election;

/// <summary>The election's record from and to what the group's Lease says.</summary>
internal static class LeaseRecord
{
    public static ElectionRecord Of(GroupLeaseDocument group) => new()
    {
        Term = group.Term,
        HighestEpoch = group.HighestEpoch,
        Candidate = group.Candidate?.PodName,
        CandidateUid = group.Candidate?.PodUid,
        CandidateIncarnation = group.Candidate?.Incarnation,
        CandidateAddress = group.Candidate?.Address,
        EmptyStartAllowedInTerm = group.EmptyStartAllowedInTerm,
        Trusted = group.Trusted,
        Word = group.Word is { } word && PersonsWord.TryParse(word.Kind, out var kind) ? new PersonsWord(kind, word.PodName, word.Term) : null,
        LastServing = group.LastServing is { } s && ReplicationId.TryParse(s.ReplicationId, out var id)
            ? new ServingMaster(s.PodName, s.PodUid, s.Address, new FencingToken(s.Term, s.Epoch, s.Rev), id, s.Offset)
            : null,
        InSync = group.InSync is { } pods ? [.. pods.Select(p => new InSyncReplica(p.Name, p.Uid, p.Offset))] : null,
        History = [.. group.Lineage.Select(Entry).OfType<LineageEntry>()],
        Round = group.Round,
    };

    public static GroupLeaseDocument Apply(GroupLeaseDocument before, ElectionRecord record) => before with
    {
        Term = record.Term,
        HighestEpoch = Math.Max(before.HighestEpoch, record.HighestEpoch),
        Candidate = record.Candidate is { } name
            ? new LeaseCandidate(record.CandidateUid!, name, record.CandidateAddress!, record.Term, record.CandidateIncarnation!)
            : null,
        EmptyStartAllowedInTerm = record.EmptyStartAllowedInTerm,
        Trusted = record.Trusted,
        Word = record.Word is { } word ? new LeaseWord(PersonsWord.Text(word.Kind), word.Node, word.Term) : null,
        LastServing = record.LastServing is { } s
            ? new LeaseServing(s.Uid, s.Node, s.Address, s.Token.Term, s.Token.Epoch, s.Token.Rev, s.ReplicationId.ToString(), s.Offset)
            : null,
        InSync = record.InSync?.Select(r => new InSyncPod(r.Uid, r.Node, r.Offset)).ToList(),
        Lineage = [.. record.History.Select(e => new LineagePoint(e.Id.ToString(), e.StartOffset, e.Position.Term, e.Position.Epoch, e.Position.Generation, e.Master.Uid, e.Master.Name))],
        Round = record.Round,
    };

    private static LineageEntry? Entry(LineagePoint p) => ReplicationId.TryParse(p.ReplicationId, out var id)
        ? new LineageEntry(id, p.Offset, new LineagePosition(p.Term, p.Epoch, p.Generation), new NodeIdentity(p.MasterName, p.MasterUid))
        : null;
}
