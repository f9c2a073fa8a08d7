using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;

namespace Sidecars.Failover.HandOver;

/// <summary>The right to publish the server beside this process before Sentinel names it.</summary>
/// <param name="From">The master that handed over and says itself that it is a replica of <paramref name="To"/>.</param>
/// <param name="To">The new master's address in the group (announced; what is published may be another one).</param>
/// <param name="Epoch">Sentinel's config-epoch of <paramref name="From"/>; Sentinel's own switch will have a greater one.</param>
/// <param name="RunId">The process at <paramref name="To"/>, which says ROLE=master.</param>
public sealed record HandOverClaim(RedisEndpoint From, RedisEndpoint To, long Epoch, string RunId)
{
    /// <summary>
    /// The token to publish with, from the one that is published now; null where that already says more than this claim.
    /// One rev more within the same term and epoch: newer than all that <see cref="From"/> published in its epoch, older than
    /// anything of the next, so that Sentinel's switch, or another one's, always overwrites it with one write.
    /// </summary>
    /// <param name="published">What is published; <see cref="FencingToken.None"/> where nothing is.</param>
    /// <param name="names">Whom it names in the group; null where that is not known.</param>
    public FencingToken? Token(FencingToken published, RedisEndpoint? names)
    {
        if (published.Epoch > Epoch || names == To) return null;
        return published.Epoch == Epoch ? published with { Rev = published.Rev + 1 } : new FencingToken(published.Term, Epoch, 1);
    }
}

/// <summary>What a signal was worth; a closed set.</summary>
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

/// <summary>
/// A place where the master is published, for the sidecar beside the new master. Contract: never an older token over a newer one
/// (<see cref="HandOverClaim.Token"/> gives this one's); one write; safe to be called twice; never throws for what the place does.
/// </summary>
public interface IHandOverPublisher
{
    /// <summary>For logs: kind and place.</summary>
    string Description { get; }

    /// <summary>Publishes the server beside this process; null where it is published, else why not.</summary>
    Task<string?> PublishAsync(HandOverClaim claim, CancellationToken cancellation);
}
