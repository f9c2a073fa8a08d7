using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;

namespace Sidecars.Failover.HandOver;

/// <summary>
/// Finishes, or takes back, what a coordinator began that died, from what the servers say: no note of it is needed. Pure. Each sidecar
/// touches its own server only, with two exceptions that have one actor each: the promoted one's sidecar tells Sentinel, and the
/// named master's, which knows by the lock that its coordinator is dead, takes a promotion back.
/// </summary>
public static class HandOverRepairPolicy
{
    /// <summary>Longer than a living coordinator needs from one step to the next; shorter than Sentinel's own way out (down-after, two INFO periods and an election, so about 7 s by sentinel.c; 20 to 36 s with its own period, measured).</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    /// <summary>Where the lock can't be asked: a fence stands for some 5 ms in a hand-over, and for seconds while it is taken back.</summary>
    public static readonly TimeSpan BlindGrace = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long <c>min-replicas-to-write</c> may be too low with enough replicas attached: the coordinator restores it itself. With fewer
    /// attached it is left, so that a person who lowers it while nodes are gone is not overruled.
    /// </summary>
    public static readonly TimeSpan RequirementGrace = TimeSpan.FromSeconds(10);

    /// <summary>Decides; the caller sees to <see cref="HandOverRepairDecision.After"/>.</summary>
    public static HandOverRepairDecision Decide(HandOverRepairFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        var (s, coordinator) = facts;
        if (s.Own is not NodeObservation.Known own) return new HandOverRepairDecision.Nothing("own-unknown", $"{s.Own.Endpoint} gives no usable answer");
        var named = s.Quorum as SentinelQuorumDecision.Agreed;
        var (fenced, lowered, lax) = (IsFenced(own), IsLowered(s, own), IsLax(s, own, named));
        if (IsNothingLeft(s)) return new HandOverRepairDecision.Nothing("nothing-left", "nothing is left of a hand-over");
        if (coordinator == true) return new HandOverRepairDecision.Nothing("coordinator-alive", "a step-down runs beside this server");
        if (named is null) return new HandOverRepairDecision.Refuse(s.Quorum is SentinelQuorumDecision.Busy ? "failover-in-progress" : "no-majority", s.Quorum.Reason);
        var patience = coordinator is null ? BlindGrace : Grace;
        return (own.View.Role, named.Address == own.Address) switch
        {
            (NodeRole.Master, true) => OfMaster(s, own, fenced, lax, patience) ?? Lowered(s, own, named, lowered),
            (NodeRole.Master, false) => OfPromoted(s, own, named),
            (_, true) => OfDemoted(s, own, patience),
            _ when fenced => new HandOverRepairDecision.SetMinReplicas("unfence-replica", own.View.RunId, s.Settings.MinReplicas, $"{own.Address} is a replica with the fence of a hand-over") { After = patience },
            _ => Lowered(s, own, named, lowered),
        };
    }

    /// <summary>Whether the own server shows no trace of a hand-over. What the other nodes say does not matter for that.</summary>
    public static bool IsNothingLeft(HandOverSnapshot s)
    {
        ArgumentNullException.ThrowIfNull(s);
        if (s.Own is not NodeObservation.Known own) return false;
        var named = s.Quorum as SentinelQuorumDecision.Agreed;
        var displaced = named is not null && (own.View.Role == NodeRole.Master) != (named.Address == own.Address);
        return !IsFenced(own) && !IsLowered(s, own) && !displaced && !IsLax(s, own, named);
    }

    private static bool IsFenced(NodeObservation.Known own) => own.View.MinReplicas == HandOverLimits.Fence;

    private static bool IsLowered(HandOverSnapshot s, NodeObservation.Known own) => own.View.Priority == 0 && s.Settings.Priority is > 0;

    private static bool IsLax(HandOverSnapshot s, NodeObservation.Known own, SentinelQuorumDecision.Agreed? named) =>
        named?.Address == own.Address && own.View.Role == NodeRole.Master && own.View.MinReplicas < s.Settings.MinReplicas && own.View.Attached >= s.Settings.MinReplicas;

    private static HandOverRepairDecision? OfMaster(HandOverSnapshot s, NodeObservation.Known own, bool fenced, bool lax, TimeSpan patience)
    {
        if (!fenced && !lax) return null;
        if (OtherMaster(s, own) is { } other)
        {
            return fenced && other.View.PreviousReplicationId == own.View.ReplicationId
                ? new HandOverRepairDecision.TakeBack(other.Endpoint, other.View.RunId, own.Address, $"{other.Address} was promoted and {own.Address}, which Sentinels name, never demoted: no client was sent there") { After = patience }
                : new HandOverRepairDecision.Refuse("second-master", $"{other.Address} says master too");
        }

        return fenced
            ? new HandOverRepairDecision.SetMinReplicas("unfence", own.View.RunId, s.Settings.MinReplicas, $"{own.Address} is the master that a majority names, and still fenced for a hand-over that came to nothing") { After = patience }
            : new HandOverRepairDecision.SetMinReplicas("restore-min-replicas", own.View.RunId, s.Settings.MinReplicas, $"{own.View.Attached} replicas are attached to {own.Address}, and it asks for {own.View.MinReplicas}") { After = RequirementGrace };
    }

    private static HandOverRepairDecision OfPromoted(HandOverSnapshot s, NodeObservation.Known own, SentinelQuorumDecision.Agreed named)
    {
        var old = s.Peers.FirstOrDefault(p => p.Address == named.Address);
        if (old is null) return new HandOverRepairDecision.Refuse("named-silent", $"{named.Address}, which Sentinels name, gives no usable answer");
        if (old.View.Role == NodeRole.Master) return new HandOverRepairDecision.Nothing("not-demoted", $"{named.Address} was not demoted: its sidecar, or Sentinel, takes {own.Address} back");
        if (old.View.MasterAddress != own.Address) return new HandOverRepairDecision.Refuse("named-follows-another", $"{named.Address} follows {old.View.MasterAddress}, not {own.Address}");
        if (old.View.ReplicationId != own.View.ReplicationId && old.View.ReplicationId != own.View.PreviousReplicationId)
            return new HandOverRepairDecision.Refuse("other-lineage", $"{named.Address} and {own.Address} do not share a replication id");
        // Sentinel promotes by priority and offset: only where it can choose nobody else is the outcome certain.
        foreach (var voter in s.Voters)
            foreach (var replica in voter.View.Replicas)
                if (replica.Promotable && replica.Address != own.Address)
                    return new HandOverRepairDecision.Refuse("others-promotable", $"Sentinel {voter.Endpoint} might elect {replica.Address} instead of {own.Address}");
        return new HandOverRepairDecision.TellSentinel(s.Voters[0].Endpoint, $"{named.Address}, which Sentinels name, is a replica of {own.Address}") { After = Grace };
    }

    private static HandOverRepairDecision OfDemoted(HandOverSnapshot s, NodeObservation.Known own, TimeSpan patience)
    {
        var target = s.Others.Append(s.Own).FirstOrDefault(o => o.Endpoint == own.View.MasterAddress || (o is NodeObservation.Known k && k.Address == own.View.MasterAddress));
        if (target is NodeObservation.Known { View.Role: NodeRole.Master }) return new HandOverRepairDecision.Nothing("left-to-promoted", $"the sidecar of {own.View.MasterAddress} tells Sentinel");
        if (target is not (null or NodeObservation.Unreachable)) return new HandOverRepairDecision.Refuse("target-unclear", $"{own.View.MasterAddress}, which {own.Address} follows, is neither master nor gone");
        if (OtherMaster(s, own) is { } other) return new HandOverRepairDecision.Refuse("second-master", $"{other.Address} says master");
        // Cut off from us alone is not dead: a majority must not reach it either.
        var down = s.Voters.Count(v => !v.View.Tilt && !v.View.Replicas.Any(r => r.Address == own.View.MasterAddress && !r.Down));
        if (down < SentinelQuorumPolicy.Majority(s.Settings.SentinelCount)) return new HandOverRepairDecision.Refuse("target-not-down", $"{down} of {s.Settings.SentinelCount} Sentinels see {own.View.MasterAddress} down");
        return new HandOverRepairDecision.Resume(own.View.RunId, s.Settings.MinReplicas, $"{own.Address}, which Sentinels name, follows {own.View.MasterAddress}, which is down") { After = patience };
    }

    // Not before every hand-over that may be going on is over, whoever runs it. A whole group is not asked for: with one node lost for
    // good, a leftover 0 on the other would leave nobody to elect. Named, alive, unfenced, and no other master is enough.
    private static HandOverRepairDecision Lowered(HandOverSnapshot s, NodeObservation.Known own, SentinelQuorumDecision.Agreed named, bool lowered)
    {
        if (!lowered) return new HandOverRepairDecision.Nothing("nothing-left", "nothing is left of a hand-over");
        var master = own.Address == named.Address ? own : s.Peers.FirstOrDefault(p => p.Address == named.Address);
        if (master is null) return new HandOverRepairDecision.Refuse("named-silent", $"{named.Address}, which Sentinels name, gives no usable answer");
        if (master.View.Role != NodeRole.Master) return new HandOverRepairDecision.Refuse("named-no-master", $"{named.Address}, which Sentinels name, is a replica");
        if (master.View.MinReplicas == HandOverLimits.Fence) return new HandOverRepairDecision.Refuse("hand-over-under-way", $"{named.Address} is fenced for a hand-over");
        return s.Peers.Any(p => p.View.Role == NodeRole.Master && p.View.RunId != master.View.RunId)
            ? new HandOverRepairDecision.Refuse("second-master", "two servers say master")
            : new HandOverRepairDecision.SetPriority(own.View.RunId, s.Settings.Priority!.Value, $"replica-priority of {own.Address} is 0, longer than any hand-over lasts") { After = HandOverLimits.LongestTimeout };
    }

    private static NodeObservation.Known? OtherMaster(HandOverSnapshot s, NodeObservation.Known own) => s.Peers.FirstOrDefault(p => p.View.Role == NodeRole.Master && p.View.RunId != own.View.RunId);
}
