using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;
using Sidecars.Failover.HandOver;

namespace Sidecars.Failover.Strays;

/// <summary>
/// Sentinel learns of replicas from the master's INFO alone. A replica that follows another server when the Sentinels are replaced is
/// unknown to all of them: none repairs it, none can promote it, and it loses its source when that server ends. It is attached to the
/// master only where none of its data is lost by that, and only after the time in which Sentinel would learn of it. Anything else is left
/// to Sentinel, or to the bootstrap of the replica's next start, which keeps a rescue. Pure.
/// </summary>
public static class StrayReplicaPolicy
{
    /// <summary>
    /// A Sentinel reads the master's INFO every 10 s (0.6 s if a sidecar has set its period); a view of that Sentinel is up to 4 s old, and
    /// the loop looks once a second. A replica that no view lists for so long is not attached to the master.
    /// </summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    /// <summary>The stray that the own server is; null: it is none as far as is known. Asks nothing of the master.</summary>
    public static StrayLink? Find(HandOverSnapshot group, RedisEndpoint? address)
    {
        ArgumentNullException.ThrowIfNull(group);
        return Judge(group, address).Link;
    }

    /// <summary>Whether any Sentinel that answers has this server among its replicas.</summary>
    public static bool IsListed(HandOverSnapshot group, NodeObservation.Known node, RedisEndpoint? address = null)
    {
        ArgumentNullException.ThrowIfNull(group);
        ArgumentNullException.ThrowIfNull(node);
        return group.Sentinels.OfType<SentinelObservation.Known>().SelectMany(k => k.View.Replicas)
            .Any(r => r.Address == node.Address || r.Address == address || r.RunId == node.View.RunId);
    }

    /// <summary>Decides.</summary>
    public static StrayReplicaDecision Decide(StrayReplicaFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        var group = facts.Group;
        var (link, otherwise) = Judge(group, facts.Address);
        if (link is null) return otherwise!;
        var own = ((NodeObservation.Known)group.Own).View;
        var agreed = (SentinelQuorumDecision.Agreed)group.Quorum;
        var reason = $"no Sentinel lists {facts.Address}, a replica of {link.Follows}; {agreed.Reason}";
        if (facts.StandingFor < Patience)
            return new StrayReplicaDecision.Nothing("not-yet", $"{reason}; Sentinel has {DurationText.Of(Patience)} to learn of it");
        if (own.Loading) return new StrayReplicaDecision.Wait("loading", $"{reason}; it loads its data");
        if (own.SyncInProgress) return new StrayReplicaDecision.Wait("syncing", $"{reason}; it receives a full copy");
        return facts.StepDownRuns switch
        {
            true => new StrayReplicaDecision.Wait("step-down", $"{reason}; a step-down runs beside it"),
            null => new StrayReplicaDecision.Wait("step-down-unknown", $"{reason}; whether a step-down runs beside it can't be told"),
            _ when own.MinReplicas == HandOverLimits.Fence =>
                new StrayReplicaDecision.Wait("hand-over-fence", $"{reason}; it has the fence of a hand-over"),
            _ => OfMaster(group, agreed, link, own, reason),
        };
    }

    // What the Sentinels and the own server show.
    private static (StrayLink? Link, StrayReplicaDecision? Otherwise) Judge(HandOverSnapshot group, RedisEndpoint? address)
    {
        if (group.Own is not NodeObservation.Known { View: var own } known) return Nothing("own-unknown", "the server does not answer");
        if (own.Role != NodeRole.Replica || own.MasterAddress is not { } follows)
            return Nothing("not-replica", "the server is not a replica");
        var views = group.Sentinels.OfType<SentinelObservation.Known>().Where(k => k.View.Master is not null).ToList();
        if (views.TrueForAll(k => k.View.Master!.Address == follows))
            return Nothing("follows-named", $"no Sentinel names another master than {follows}");
        switch (group.Quorum)
        {
            case SentinelQuorumDecision.Agreed agreed:
                if (agreed.Address == follows) return Nothing("follows-named", agreed.Reason);
                if (agreed.Address == address || agreed.Address == known.Address) return Nothing("named-itself", agreed.Reason);
                if (IsListed(group, known, address))
                    return Nothing("listed", $"a Sentinel lists this replica of {follows}, and repairs it; {agreed.Reason}");
                if (address is null) return Wait("address-unknown", "the announced address of the server is not known yet");
                if (views.Exists(k => k.View.Master!.Address != agreed.Address || k.View.Master.ConfigEpoch != agreed.Epoch))
                    return Wait("epoch-spreading", $"{agreed.Reason}; another Sentinel holds an older epoch");
                if (agreed.Down) return Wait("master-down", agreed.Reason);
                return IsMajority(group, views)
                    ? (new StrayLink(own.RunId, follows, agreed.Address), null)
                    : Wait("tilt", $"{agreed.Reason}; too many of them distrust their clock (TILT)");
            case SentinelQuorumDecision.Busy busy: return Wait("failing-over", busy.Reason);
            case SentinelQuorumDecision.Split split: return Wait("split", split.Reason);
            case SentinelQuorumDecision.Spreading spreading: return Wait("epoch-spreading", spreading.Reason);
            case var none: return Wait("no-majority", none.Reason);
        }
    }

    // More may answer than there should be: while a group grows or shrinks, the larger number decides, as in SentinelQuorumPolicy.
    private static bool IsMajority(HandOverSnapshot group, List<SentinelObservation.Known> views)
    {
        var answered = Count(group.Sentinels.OfType<SentinelObservation.Known>());
        return Count(views.Where(k => !k.View.Tilt)) >= SentinelQuorumPolicy.Majority(Math.Max(answered, group.Settings.SentinelCount));

        static int Count(IEnumerable<SentinelObservation.Known> some) =>
            some.Select(k => k.View.MyId).Distinct(StringComparer.Ordinal).Count();
    }

    private static StrayReplicaDecision OfMaster(
        HandOverSnapshot group, SentinelQuorumDecision.Agreed agreed, StrayLink link, NodeLook own, string reason)
    {
        if (group.Others.FirstOrDefault(o => o.Endpoint == link.Master) is not NodeObservation.Known { View: var master })
            return Waits("master-silent", $"{link.Master} did not answer");
        if (master.Role != NodeRole.Master) return Waits("named-is-replica", $"{link.Master} is a replica of {master.MasterAddress}");
        if (agreed.RunIds is not [var runId] || runId != master.RunId)
            return Waits("another-process", "they do not talk to the process that answers there");
        if (master.Loading) return Waits("master-loading", $"{link.Master} loads its data");
        var handsOver = master.FailingOver || master.MinReplicas == HandOverLimits.Fence;
        if (handsOver) return Waits("master-hands-over", $"{link.Master} hands over");
        if (own.ReplicationId.Length == 0) return OtherHistory("its replication id is not known");
        if (own.ReplicationId == master.ReplicationId)
            return own.Offset <= master.Offset ? Attach(null) : OtherHistory($"it is at {own.Offset}, {link.Master} at {master.Offset}");
        if (own.ReplicationId != master.PreviousReplicationId || master.PreviousEnded is not { } ended)
            return OtherHistory($"{link.Master} does not know its replication id");
        // The first byte after the promotion has the offset at which the previous id ended (PSYNC, FollowPolicy).
        return own.Offset < ended ? Attach(ended) : OtherHistory($"it is at {own.Offset}, and {link.Master} was promoted at {ended}");

        StrayReplicaDecision Attach(long? below) =>
            new StrayReplicaDecision.Attach(link, own.ReplicationId, below, $"{reason}; {link.Master} has all of its data");
        StrayReplicaDecision Waits(string code, string why) => new StrayReplicaDecision.Wait(code, $"{reason}; {why}");
        StrayReplicaDecision OtherHistory(string why) => Waits("other-lineage", $"{why}: its next start decides, and keeps a rescue");
    }

    private static (StrayLink? Link, StrayReplicaDecision? Otherwise) Nothing(string code, string reason) =>
        (null, new StrayReplicaDecision.Nothing(code, reason));

    private static (StrayLink? Link, StrayReplicaDecision? Otherwise) Wait(string code, string reason) =>
        (null, new StrayReplicaDecision.Wait(code, reason));
}
