using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;
using Sidecars.Failover.Publish;

namespace Sidecars.Failover.HandOver;

/// <summary>What follows from a notification; a closed set.</summary>
public abstract record HandOverClaimDecision : IDecision
{
    private HandOverClaimDecision(string code, string reason) => (Code, Reason) = (code, reason);

    /// <summary>Stable.</summary>
    public string Code { get; }

    /// <summary>Why, in words.</summary>
    public string Reason { get; }

    /// <summary>Publish now.</summary>
    public sealed record Publish(HandOverClaim Claim, string Reason) : HandOverClaimDecision("hand-over", Reason);

    /// <summary>Leave it to Sentinel's switch.</summary>
    public sealed record Ignore(string Code, string Reason) : HandOverClaimDecision(Code, Reason);
}

/// <summary>
/// Whether the server beside this process may be published before Sentinel names it. Pure. It needs the demoted master's own word: where
/// that can't be had, Sentinel's switch a second later is soon enough.
/// </summary>
public static class HandOverClaimPolicy
{
    /// <summary>Decides.</summary>
    public static HandOverClaimDecision Decide(HandOverSnapshot s)
    {
        ArgumentNullException.ThrowIfNull(s);
        if (s.Own is not NodeObservation.Known { View.Role: NodeRole.Master } own) return new HandOverClaimDecision.Ignore("not-master", "the server beside this process does not say master");
        var masters = s.Voters.Select(v => v.View.Master!).ToList();
        if (masters.Count < SentinelQuorumPolicy.Majority(s.Settings.SentinelCount)) return new HandOverClaimDecision.Ignore("no-majority", $"{masters.Count} of {s.Settings.SentinelCount} Sentinels answer");
        var epoch = masters.Max(m => m.ConfigEpoch);
        // One of them may have switched already; nobody may name a third.
        var named = masters.Where(m => m.Address != own.Address).Select(m => m.Address).Distinct().ToList();
        if (named.Count != 1) return new HandOverClaimDecision.Ignore(named.Count == 0 ? "switched" : "sentinels-disagree", $"Sentinels name {string.Join(", ", masters.Select(m => m.Address).Distinct())}");
        epoch = masters.Where(m => m.Address == named[0]).Max(m => m.ConfigEpoch);
        var from = s.Peers.FirstOrDefault(p => p.Address == named[0]);
        if (from is null) return new HandOverClaimDecision.Ignore("old-master-silent", $"{named[0]} gives no usable answer");
        if (from.View.Role != NodeRole.Replica || from.View.MasterAddress != own.Address)
            return new HandOverClaimDecision.Ignore("not-demoted", $"{named[0]} does not say that it is a replica of {own.Address}");
        if (from.View.ReplicationId != own.View.ReplicationId && from.View.ReplicationId != own.View.PreviousReplicationId)
            return new HandOverClaimDecision.Ignore("other-lineage", $"{named[0]} and {own.Address} do not share a replication id");
        return new HandOverClaimDecision.Publish(new HandOverClaim(named[0], own.Address, epoch, own.View.RunId), $"{named[0]}, which Sentinels name in epoch {epoch}, is a replica of {own.Address}");
    }
}
