using Sidecars.Core.Primitives;
using Sidecars.Core.Topology;

namespace Sidecars.Core.Succession;

/// <summary>
/// Which replica succeeds a dead master: the one with the best priority, and of those the one with the most data. Offsets count only within
/// one replication id, and only once a replica has read all that the dead master sent. Pure.
/// </summary>
public static class SuccessionPolicy
{
    /// <summary>
    /// How long a listed replica that does not answer is waited for: it may have the most. Longer would be paid with the writes that nobody
    /// accepts meanwhile.
    /// </summary>
    public static readonly TimeSpan AnswersWithin = TimeSpan.FromMilliseconds(500);

    /// <summary>
    /// How long a replica is waited for that reads no end of its link, since the dead process' connections are still open.
    /// </summary>
    public static readonly TimeSpan ReadsWithin = TimeSpan.FromMilliseconds(50);

    /// <summary>After so long a link that is still up is no reason to wait: it leads to another process behind the same address.</summary>
    public static readonly TimeSpan LinkEndsWithin = TimeSpan.FromMilliseconds(750);

    // A replica reads what it has received within milliseconds.
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(3);

    /// <summary>Decides.</summary>
    public static SuccessionDecision Decide(SuccessionFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        var known = facts.Replicas.OfType<NodeObservation.Known>().DistinctBy(r => r.View.RunId, StringComparer.Ordinal).ToList();
        if (PromotedOf(facts, known) is { } promoted)
            return Succeed(facts, promoted, known, $"{promoted.Address} was promoted, and not every Sentinel knows it yet");

        var awaited = facts.Listed.IsEmpty ? facts.Unreached : facts.Listed;
        var silent = awaited.Where(address => !known.Exists(r => r.Address == address || r.Endpoint == address)).ToList();
        if (silent.Count > 0 && facts.DeadFor < AnswersWithin)
            return new SuccessionDecision.Refuse("replica-silent", $"{silent[0]} does not answer yet, and may have the most data", Soon);
        if (known.Find(r => r.View.Role == NodeRole.Master) is { } master)
            return new SuccessionDecision.Refuse("other-master", $"{master.Address} is master already");

        var candidates = known.Where(
            r => IsCandidate(facts, r) && r.View is { Role: NodeRole.Replica, Loading: false, SyncInProgress: false, Priority: not 0 }
                && r.View.MasterAddress == facts.Master && !r.FollowsItself).ToList();
        if (candidates.Count == 0)
            return new SuccessionDecision.Refuse("no-promotable-replica", $"no replica of {facts.Master} that answers can be promoted");
        var isRead = facts.DeadFor >= LinkEndsWithin || (facts.HoldsConnections && facts.DeadFor >= ReadsWithin);
        if (!isRead && candidates.Find(r => r.View.MasterLinkUp) is { } reading)
            return new SuccessionDecision.Wait("replica-reads", $"{reading.Address} has not read all that the dead master sent", Soon);

        // Without the dead master's word, a replica of another history may be the one that is newer.
        if (facts.ReplicationId is { } id && candidates.Exists(r => r.View.ReplicationId == id))
            candidates.RemoveAll(r => r.View.ReplicationId != id);
        if (candidates.DistinctBy(r => r.View.ReplicationId, StringComparer.Ordinal).Count() > 1)
            return new SuccessionDecision.Refuse(
                "histories-differ", $"{string.Join(", ", candidates.Select(r => r.Address))} have different replication ids");
        var best = candidates.OrderBy(r => r.View.Priority ?? int.MaxValue).ThenByDescending(r => r.View.Offset)
            .ThenBy(r => r.Address.ToString(), StringComparer.Ordinal).First();
        var unheard = silent.Count > 0 ? $"; {string.Join(", ", silent)} did not answer within {DurationText.Of(AnswersWithin)}" : "";
        return Succeed(facts, best, known, $"{best.Address} has the most data of {candidates.Count} at offset {best.View.Offset}{unheard}");
    }

    // A process that has just been started may never have been in sync: it counts where its data are provably the dead master's.
    private static bool IsCandidate(SuccessionFacts facts, NodeObservation.Known node) =>
        facts.Listed.Contains(node.Address)
        || (facts.Unreached.Contains(node.Address) && facts.ReplicationId is { } id && node.View.ReplicationId == id);

    private static bool IsListed(SuccessionFacts facts, NodeObservation.Known node) =>
        facts.Listed.Contains(node.Address) || facts.Unreached.Contains(node.Address);

    // By an earlier attempt, of this process or of one that has died since: a listed replica that goes on with the dead master's data.
    private static NodeObservation.Known? PromotedOf(SuccessionFacts facts, List<NodeObservation.Known> known)
    {
        var masters = known.Where(r => r.View.Role == NodeRole.Master).ToList();
        if (masters.Find(m => m.View.RunId == facts.Promoted) is { } ours) return ours;
        var id = facts.ReplicationId
            ?? known.Find(r => r.View.Role == NodeRole.Replica && r.View.MasterAddress == facts.Master)?.View.ReplicationId;
        return masters is [var only] && IsListed(facts, only) && id is { Length: > 0 } && only.View.PreviousReplicationId == id
            ? only
            : null;
    }

    private static SuccessionDecision.Succeed Succeed(
        SuccessionFacts facts, NodeObservation.Known target, List<NodeObservation.Known> known, string reason)
    {
        var others = known.Where(r => r != target && r.View is { Role: NodeRole.Replica } && r.View.MasterAddress == facts.Master);
        return new SuccessionDecision.Succeed(new SuccessionPlan(facts.Master, NodeOf(target), [.. others.Select(NodeOf)]), reason);
    }

    private static SuccessionNode NodeOf(NodeObservation.Known node) => new(node.Endpoint, node.Address, node.View.RunId);
}
