using Sidecars.Core.Lineage;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;

namespace Sidecars.Failover.HandOver;

/// <summary>
/// Finishes, or takes back, what a coordinator began that died: from what the servers say, and from the note for whom this server gives up
/// (<see cref="GivingUp"/>). Pure. One actor: the sidecar beside the old master, which knows by the lock that the coordinator is dead. Back
/// only where the target is a replica again, or its death is certain to a majority; forward otherwise.
/// </summary>
public static class HandOverRepairPolicy
{
    /// <summary>Longer than a living coordinator needs from one step to the next, and than what it sent is under way.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    /// <summary>
    /// A coordinator that lives and has left everything as it is for so long was stopped: the steps from the fence to the first
    /// announcement take 3 s at most (<see cref="HandOverLimits.LongestCatchUp"/>), and those after it change what the servers say. When it
    /// goes on, it looks whether its fence still stands before it announces anything.
    /// </summary>
    public static readonly TimeSpan StoppedGrace = TimeSpan.FromSeconds(8);

    /// <summary>
    /// Where the lock can't be asked: a fence stands for some 20 ms in a hand-over, and for seconds while it is taken back.
    /// </summary>
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
        var (s, coordinator, givenUp, unreadable) = facts;
        if (s.Own is not NodeObservation.Known own)
            return new HandOverRepairDecision.Nothing("own-unknown", $"{s.Own.Endpoint} did not answer");
        if (givenUp is null && unreadable is null && IsNothingLeft(s))
            return new HandOverRepairDecision.Nothing("nothing-left", "nothing is left of a hand-over");
        if (coordinator == true && givenUp is null)
            return new HandOverRepairDecision.Nothing("coordinator-alive", "a step-down runs beside this server");
        var patience = coordinator switch { true => StoppedGrace, false => Grace, null => BlindGrace };
        if (own.View.Role == NodeRole.Replica) return OfReplica(s, own, givenUp is not null || unreadable is not null, patience);
        if (unreadable is not null)
            return new HandOverRepairDecision.Refuse(
                "giving-up-unreadable", $"the note for whom {own.Address} gives up can't be read: {unreadable}");
        if (s.Quorum is not SentinelQuorumDecision.Agreed named)
            return new HandOverRepairDecision.Refuse(
                s.Quorum is SentinelQuorumDecision.Busy ? "failover-in-progress" : "no-majority", s.Quorum.Reason);
        return givenUp is null ? OfMaster(s, own, named, patience) : OfGivingUp(s, own, named, givenUp, patience);
    }

    /// <summary>Whether the own server shows no trace of a hand-over. What the other nodes say does not matter for that.</summary>
    public static bool IsNothingLeft(HandOverSnapshot s)
    {
        ArgumentNullException.ThrowIfNull(s);
        return s.Own is NodeObservation.Known own && !IsFenced(own) && !IsLax(s, own, s.Quorum as SentinelQuorumDecision.Agreed);
    }

    private static bool IsFenced(NodeObservation.Known own) => own.View.MinReplicas == HandOverLimits.Fence;

    private static bool IsLax(HandOverSnapshot s, NodeObservation.Known own, SentinelQuorumDecision.Agreed? named) =>
        named?.Address == own.Address && own.View.Role == NodeRole.Master && own.View.MinReplicas < s.Settings.MinReplicas
        && own.View.Attached >= s.Settings.MinReplicas;

    // A replica accepts no writes, whatever its settings; they are for the day on which it is promoted.
    private static HandOverRepairDecision OfReplica(HandOverSnapshot s, NodeObservation.Known own, bool hasNote, TimeSpan patience)
    {
        if (hasNote)
            return new HandOverRepairDecision.Forget($"{own.Address} is a replica of {own.View.MasterAddress}") { After = patience };
        return IsFenced(own)
            ? Restored("unfence-replica", s, own, $"{own.Address} is a replica with the fence of a hand-over", patience)
            : new HandOverRepairDecision.Nothing("nothing-left", "nothing is left of a hand-over");
    }

    private static HandOverRepairDecision OfMaster(
        HandOverSnapshot s, NodeObservation.Known own, SentinelQuorumDecision.Agreed named, TimeSpan patience)
    {
        if (named.Address != own.Address)
            return new HandOverRepairDecision.Nothing("displaced", $"{named.Reason}: Sentinel has {own.Address} follow it");
        if (OtherMaster(s, own) is { } other) return new HandOverRepairDecision.Refuse("second-master", $"{other.Address} says master too");
        return IsFenced(own)
            ? Restored("unfence", s, own,
                $"{own.Address} is the master that a majority names, and still fenced for a hand-over that came to nothing", patience)
            : Restored("restore-min-replicas", s, own,
                $"{own.View.Attached} replicas are attached to {own.Address}, and it asks for {own.View.MinReplicas}", RequirementGrace);
    }

    private static HandOverRepairDecision OfGivingUp(
        HandOverSnapshot s, NodeObservation.Known own, SentinelQuorumDecision.Agreed named, GivingUp givenUp, TimeSpan patience)
    {
        var target =
            s.Others.FirstOrDefault(o => o.Endpoint == givenUp.Target || (o is NodeObservation.Known k && k.Address == givenUp.Target));
        if (named.Address == own.Address && named.Epoch > givenUp.Epoch)
            return Void(s, own, $"{named.Reason}, later than epoch {givenUp.Epoch}", patience);
        if (named.Address == givenUp.Target && named.Address != own.Address)
        {
            return target is NodeObservation.Known { View.Role: NodeRole.Master }
                ? new HandOverRepairDecision.Demote(own.View.RunId, givenUp.Target, s.Settings.MinReplicas, named.Reason)
                { After = patience }
                : new HandOverRepairDecision.Refuse("target-silent", $"{named.Reason}, which does not say that it is master");
        }

        if (named.Address != own.Address)
            return new HandOverRepairDecision.Nothing("displaced", $"{named.Reason}: Sentinel has {own.Address} follow it");
        switch (target)
        {
            case NodeObservation.Known { View.Role: NodeRole.Replica }:
                return Void(s, own, $"{givenUp.Target} is a replica again", patience);
            case NodeObservation.Known known when !IsFenced(own) || !Continues(known.View, own.View, givenUp):
                return new HandOverRepairDecision.Refuse(
                    "second-master", $"{givenUp.Target} says master, and not as the one that was promoted");
            // Its container is terminating (TerminatingMark), and nobody was told of it.
            case NodeObservation.Known { View.Priority: 0 }:
                return new HandOverRepairDecision.Tell("tell-own", own.Address, own.Address, givenUp.Epoch,
                    $"{givenUp.Target}, for which {own.Address} gave up, is terminating")
                { After = patience };
            case NodeObservation.Known:
                return new HandOverRepairDecision.Tell("tell-target", givenUp.Target, own.Address, givenUp.Epoch,
                    $"{givenUp.Target} was promoted, and {own.Address} gave up for it")
                { After = patience };
            case NodeObservation.Unknown unknown:
                return new HandOverRepairDecision.Refuse("target-unclear", $"{givenUp.Target}: {unknown.Why}");
        }

        if (!IsFenced(own)) return new HandOverRepairDecision.Forget($"{own.Address} was never fenced for it") { After = patience };
        // Gone for this process alone it may be for nobody else.
        var down = s.Voters.Count(v => !v.View.Tilt && !v.View.Replicas.Any(r => r.Address == givenUp.Target && !r.Down));
        return down >= SentinelQuorumPolicy.Majority(s.Settings.SentinelCount)
            ? new HandOverRepairDecision.Tell(
                "tell-own", own.Address, own.Address, givenUp.Epoch, $"{givenUp.Target}, for which {own.Address} gave up, is down")
            { After = patience }
            : new HandOverRepairDecision.Refuse(
                "target-not-down", $"{down} of {s.Settings.SentinelCount} Sentinels see {givenUp.Target} down");
    }

    private static bool Continues(NodeLook target, NodeLook own, GivingUp givenUp) =>
        target.RunId == givenUp.TargetRunId || (own.ReplicationId.Length > 0 && target.PreviousReplicationId == own.ReplicationId);

    private static HandOverRepairDecision Void(HandOverSnapshot s, NodeObservation.Known own, string reason, TimeSpan patience) =>
        IsFenced(own)
            ? Restored("unfence", s, own, reason, patience)
            : new HandOverRepairDecision.Forget(reason) { After = patience };

    private static HandOverRepairDecision.SetMinReplicas Restored(
        string code, HandOverSnapshot s, NodeObservation.Known own, string reason, TimeSpan after) =>
        new(code, own.View.RunId, s.Settings.MinReplicas, reason) { After = after };

    private static NodeObservation.Known? OtherMaster(HandOverSnapshot s, NodeObservation.Known own) =>
        s.Peers.FirstOrDefault(p => p.View.Role == NodeRole.Master && p.View.RunId != own.View.RunId);
}
