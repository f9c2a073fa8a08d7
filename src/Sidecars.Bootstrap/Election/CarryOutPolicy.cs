using System.Collections.Immutable;
using Sidecars.Core.Sentinel;

namespace Sidecars.Bootstrap.Election;

/// <summary>
/// How an election's result comes about while a Sentinel majority names another address, which would undo whatever it does not know of.
/// Where it lists the winner as a replica and the named node is only silent, Sentinel promotes it; where it can't, it is told; where it
/// can't be told, it is made to look again. Pure.
/// </summary>
internal static class CarryOutPolicy
{
    /// <summary>Wait: the named address may be the node's that is not here, so nobody is elected in its place.</summary>
    public const string NamedUnaccounted = "named-unaccounted";

    /// <summary>Decides for a node that is to claim the term (<paramref name="claim"/>) or already holds it (null).</summary>
    public static MasterDecision Decide(
        BootstrapSnapshot s, SentinelQuorumDecision.Agreed agreed, NamedAddress named, MasterDecision.Claim? claim, string reason)
    {
        reason = $"{reason}; {named.Reason}";
        var sentinels = s.Sentinels.OfType<SentinelObservation.Known>().ToList();
        var isListed =
            sentinels.Exists(k => k.View.Master?.Address == agreed.Address && k.View.Replicas.Any(r => r.Address == s.Me.Address));
        // A replica of an address that answers no more, which Sentinel does not know, is found by nobody: it would follow it for ever.
        if (named is NamedAddress.Unproven unproven && !isListed)
            return new MasterDecision.Wait(unproven.WaitingFor, NamedUnaccounted, reason);
        if (claim is not null) return claim;
        var isToBeTold = named is NamedAddress.Nobodys || (named is NamedAddress.OfNode && !isListed);
        if (!isToBeTold || (s.TellingDenied is not null && isListed))
            return new MasterDecision.FollowNamed(agreed.Address, "elected-through-sentinel", $"{reason}; Sentinel carries it out");
        if (s.TellingDenied is not { } denied)
            return new MasterDecision.TellSentinels(
                agreed.Address, named.Reason, "elected-and-telling", $"{reason}; the Sentinels are told");
        var all = sentinels.Select(k => k.Endpoint).ToImmutableArray();
        return new MasterDecision.RestartSentinels(all, "sentinels-not-told", $"{reason}; the Sentinels can't be told: {denied}")
        { Together = true };
    }
}
