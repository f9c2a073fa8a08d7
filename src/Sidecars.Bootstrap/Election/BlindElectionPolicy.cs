using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;

namespace Sidecars.Bootstrap.Election;

/// <summary>
/// An election by a backend that names a leader and knows no data (the leader-elector side-car). The leader asks its peers what lies
/// on their disks, and starts only where every configured one has answered and none has more than it. Pure.
/// </summary>
internal static class BlindElectionPolicy
{
    /// <summary>Decides for <see cref="ElectionFacts.Me"/>.</summary>
    public static ElectionDecision Decide(ElectionFacts facts)
    {
        var (view, me) = (facts.View, facts.Me);
        if (view.Record.Candidate is not { } leader) return new ElectionDecision.Wait(["a leader"], "the elector names no leader yet");
        if (leader != me.Node) return new ElectionDecision.Lost(leader, view.Record.CandidateAddress, $"the elector names {leader}");
        if (facts.Durability == Durability.None) return new ElectionDecision.Won(0, "the elector names me, and no disk counts");
        if (me.Data == DataState.Suspect)
            return new ElectionDecision.Refuse(ElectionPolicy.BlindBackend, $"the elector names me, but my disk is unreadable ({me.Why})");

        var peers = view.Evidence.Where(e => e.Live && e.Node != me.Node).OrderBy(e => e.Node, StringComparer.Ordinal)
            .DistinctBy(e => e.Node).ToList();
        var full = peers.Where(PersonsWordPolicy.MayHoldData).ToList();
        if (full.Count > 0)
        {
            return new ElectionDecision.Refuse(ElectionPolicy.BlindBackend,
                $"the elector names me, but it knows no data: {PersonsWordPolicy.Describe(full)}, "
                + $"and my disk is {(me.HasData ? "not empty either" : "empty")}; "
                + "Sentinels must say who served last, or the elector name the one node with data");
        }

        if (me.Data == DataState.Absent && view.Record.EmptyStartAllowedInTerm == view.Record.Term)
            return new ElectionDecision.Won(0, "the elector names me, a person allows an empty start, and no disk that is here holds data");
        if (peers.Count + 1 < facts.GroupSize)
        {
            var missing = MissingNodes.Of([me.Node, .. peers.Select(e => e.Node)], [], facts.GroupSize);
            return new ElectionDecision.Wait(missing,
                $"the elector names me, but it knows no data, and {peers.Count + 1} of {facts.GroupSize} nodes have said what is on "
                + "their disks: "
                + "one that is not here may have more than mine");
        }

        return new ElectionDecision.Won(0, $"the elector names me, and no disk of the {facts.GroupSize} nodes has more than mine");
    }
}
