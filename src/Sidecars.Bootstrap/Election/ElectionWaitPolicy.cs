using Sidecars.Core.Election;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;

namespace Sidecars.Bootstrap.Election;

/// <summary>
/// Whom an election waits for. Pure. The last serving master, present and with everything: nobody, or a majority of nodes where
/// no Sentinel majority vouches for it, since a promotion that reached no record has its data on two nodes at least
/// (<c>min-replicas-to-write</c>), and any majority holds one of them. Without it: those that were in sync with it, each with what it
/// had acknowledged, and for LAST_MASTER_WAIT the master itself. Where it is not recorded who was in sync: everybody. With all nodes
/// here and data on each, nobody is left to come. With DURABILITY=rdb all nodes are waited for until LAST_MASTER_WAIT, whoever served.
/// </summary>
/// <remarks>
/// Without a lineage (no sidecar has run): the node that Sentinels name, if its data are there; else all nodes. DURABILITY=none: a
/// majority, only to avoid duels.
/// </remarks>
internal static class ElectionWaitPolicy
{
    /// <summary>What is missing, or null where nothing is.</summary>
    public static ElectionDecision.Wait? Missing(ElectionFacts facts, List<CandidateEvidence> live, GroupLineage lineage)
    {
        if (facts.Durability == Durability.None)
            return TooFew(facts, live, SentinelQuorumPolicy.Majority(facts.GroupSize), ", only to avoid duels");
        if (lineage.IsEmpty) return WithoutLineage(facts, live);

        if (live.Count(e => e.HasData) >= facts.GroupSize) return null; // nobody is left to come
        var majority = SentinelQuorumPolicy.Majority(facts.GroupSize);
        var serving = ServingNode(facts, live, lineage);
        // Snapshots are of different moments: the last master's may be older than a replica's that is not here yet. Not for ever, since
        // none of them promises what was acknowledged.
        if (facts.Durability == Durability.Rdb && !facts.IsLastMasterOverdue
            && TooFew(facts, live, facts.GroupSize,
                ": each snapshot is of its own moment, and the newest may be another's; goes on without it after LAST_MASTER_WAIT")
                is { } newer)
            return newer;
        if (serving is not null && lineage.IsCurrent(serving, live))
            return serving.Address == facts.Named?.Address
                ? null
                : TooFew(facts, live, majority, $": {serving.Node} served last, but no Sentinels say that nobody did after it");

        var servedBy = ServedBy(facts, live, lineage);
        var about = serving is null
            ? $"{servedBy}, which served last, is not here"
            : $"the disk of {serving.Node}, which served last, is {State(serving)}";
        if (lineage.IsRecordLatest && facts.View.Record.InSync is { Length: > 0 } inSync && servedBy == lineage.Served!.Node)
        {
            var absent = inSync.Where(r => !live.Any(e => e.Node == r.Node && Holds(facts, lineage, e, r))).ToList();
            if (absent.Count == 0 && serving is null && !facts.IsLastMasterOverdue)
                return new ElectionDecision.Wait(
                    [servedBy], $"{about}; those that were in sync with it are, and go on without it after LAST_MASTER_WAIT");
            if (absent.Count == 0) return TooFew(facts, live, majority, $": {about}");
            var names = absent.Select(r => r.Node).Order(StringComparer.Ordinal).ToList();
            if (serving is null) names.Insert(0, servedBy);
            return new ElectionDecision.Wait([.. names],
                $"{about}; in sync with it were {string.Join(", ", inSync.Select(r => r.Node).Order(StringComparer.Ordinal))}, "
                + $"of which {string.Join(", ", absent.Select(r => Absent(r, live)))}");
        }

        return Suspects(live) ?? TooFew(facts, live, facts.GroupSize, $": {about}, and who was in sync with it is not recorded");
    }

    /// <summary>
    /// The live node that served last: whom Sentinels name in an epoch that is not older than what is recorded, else the recorded one.
    /// </summary>
    public static CandidateEvidence? ServingNode(ElectionFacts facts, IEnumerable<CandidateEvidence> live, GroupLineage lineage) =>
        NamedIsLatest(facts, lineage) && !IsReused(facts, live)
            ? live.FirstOrDefault(e => e.Address == facts.Named!.Address)
            : live.FirstOrDefault(e => e.Node == lineage.Served?.Node);

    // The named address is another node's by now than the one that the record says served there in that epoch: pods get addresses of dead
    // ones.
    private static bool IsReused(ElectionFacts facts, IEnumerable<CandidateEvidence> live) =>
        facts.Named is { } named && facts.View.Record.LastServing is { } last && last.Address == named.Address
        && last.Token.Epoch == named.Epoch
        && live.FirstOrDefault(e => e.Address == named.Address) is { } owner && owner.Node != last.Node;

    private static string ServedBy(ElectionFacts facts, List<CandidateEvidence> live, GroupLineage lineage)
    {
        if (!NamedIsLatest(facts, lineage) || IsReused(facts, live)) return lineage.Served?.Node ?? "the last master";
        var address = facts.Named!.Address;
        return live.FirstOrDefault(e => e.Address == address)?.Node ?? facts.View.Evidence.FirstOrDefault(e => e.Address == address)?.Node
            ?? (facts.View.Record.LastServing is { } last && last.Address == address ? last.Node : address.ToString());
    }

    private static bool NamedIsLatest(ElectionFacts facts, GroupLineage lineage) =>
        facts.Named is { } named && named.Epoch >= (lineage.Served?.Token.Epoch ?? 0);

    // A snapshot is older than what was acknowledged by nature.
    private static bool Holds(ElectionFacts facts, GroupLineage lineage, CandidateEvidence evidence, InSyncReplica replica) =>
        facts.Durability == Durability.Rdb ? evidence.HasData : lineage.Holds(evidence, replica);

    private static ElectionDecision.Wait? WithoutLineage(ElectionFacts facts, List<CandidateEvidence> live)
    {
        // The node that a Sentinel majority names was the last to serve: with its data there, nobody else can have more.
        if (live.Any(e => e.Address == facts.Named?.Address && e.HasData) && !IsReused(facts, live)) return null;
        if (Suspects(live) is { } suspects) return suspects;
        // A majority of empty disks says nothing of a filled one that comes a second later (4 of 6 starts made an empty master of one).
        return TooFew(facts, live, facts.GroupSize, live.All(e => e.Data == DataState.Absent)
            ? ": no disk that is here holds data, and one that is not may ('redis-bootstrap allow-empty' says that none does)"
            : " to compare disks");
    }

    private static ElectionDecision.Wait? Suspects(List<CandidateEvidence> live)
    {
        var suspect = live.Where(e => e.Data == DataState.Suspect).ToList();
        return suspect.Count == 0 ? null : new ElectionDecision.Wait([.. suspect.Select(e => e.Node)],
            $"the data of {string.Join(", ", suspect.Select(e => $"{e.Node} ({e.Why})"))} can't be trusted");
    }

    /// <summary>Fewer nodes than needed are here; names those that are known and are not.</summary>
    internal static ElectionDecision.Wait? TooFew(ElectionFacts facts, List<CandidateEvidence> live, int needed, string why)
    {
        var here = live.Select(e => e.Node).Distinct(StringComparer.Ordinal).ToList();
        if (here.Count >= needed) return null;
        var record = facts.View.Record;
        var known = facts.View.Evidence.Select(e => e.Node).Concat(record.LastServing is { } last ? [last.Node] : [])
            .Concat((record.InSync ?? []).Select(r => r.Node));
        return new ElectionDecision.Wait(MissingNodes.Of(here, known, facts.GroupSize),
            $"{here.Count} of {facts.GroupSize} nodes are here ({string.Join(", ", here)}), {needed} are needed{why}");
    }

    private static string State(CandidateEvidence serving) => serving.Data switch
    {
        DataState.Absent => "empty",
        DataState.Suspect => $"not to be trusted ({serving.Why})",
        _ => serving.Position is null ? "of unknown position" : $"not the newest ({serving.Position.At})",
    };

    private static string Absent(InSyncReplica replica, List<CandidateEvidence> live) =>
        live.FirstOrDefault(e => e.Node == replica.Node) is { } here
            ? $"{replica.Node} does not hold what it had acknowledged (offset {replica.Offset}; its disk is {State(here)})"
            : $"{replica.Node} is not here";
}
