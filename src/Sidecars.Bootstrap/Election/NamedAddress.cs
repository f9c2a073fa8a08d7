using System.Collections.Immutable;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;

namespace Sidecars.Bootstrap.Election;

/// <summary>Whose the address is that a Sentinel majority names while no Redis of the group runs; a closed set.</summary>
internal abstract record NamedAddress
{
    private NamedAddress(string reason) => Reason = reason;

    /// <summary>Why, in words.</summary>
    public string Reason { get; }

    /// <summary>A node that takes part in the election announces it, so nobody serves there.</summary>
    public sealed record OfNode(string Node, string Reason) : NamedAddress(Reason);

    /// <summary>
    /// Every node of the group takes part in the election with another address: it was a pod's that is gone. Nobody of the group will ever
    /// answer there.
    /// </summary>
    public sealed record Nobodys(string Reason) : NamedAddress(Reason);

    /// <summary>It may be a node's that is not seen, or it may be alive elsewhere.</summary>
    public sealed record Unproven(ImmutableArray<string> WaitingFor, string Reason) : NamedAddress(Reason);

    /// <summary>The backend carries no evidence of who announces what.</summary>
    public sealed record Untold(string Reason) : NamedAddress(Reason);

    /// <summary>
    /// Judges it. A pod that is gone from the API server may still run on a machine that is cut off, so a majority of the Sentinels must
    /// see the address down, too, unless it refuses this group's login: then it is somebody else's already.
    /// </summary>
    public static NamedAddress Of(BootstrapSnapshot s, RedisEndpoint named, ElectionFacts facts)
    {
        var view = facts.View;
        var known = s.Sentinels.OfType<SentinelObservation.Known>().DistinctBy(k => k.View.MyId, StringComparer.Ordinal).ToList();
        var down = known.Count(k => k.View.Master is { SubjectivelyDown: true } m && m.Address == named);
        var needed = SentinelQuorumPolicy.Majority(Math.Max(s.SentinelCount, known.Count));
        // Without evidence there is what Sentinel itself fails over by; good enough where no data can be lost.
        if (!view.CarriesEvidence)
        {
            return s.Durability == Durability.None && down >= needed
                ? new Nobodys($"{down} Sentinels see {named} down, and no data can be lost")
                : new Untold("the elector does not say who announces which address");
        }

        var live = view.Evidence.Where(e => e.Live).OrderBy(e => e.Node, StringComparer.Ordinal).ToList();
        if (live.Find(e => e.Address == named) is { } owner)
            return new OfNode(owner.Node, $"{owner.Node}, which takes part in the election, announces {named}");
        var missing = ElectionWaitPolicy.TooFew(facts, live, facts.GroupSize, $" before {named} is known to be nobody's");
        if (missing is not null && !facts.IsUnclean) return new Unproven(missing.WaitingFor, missing.Reason);

        var all =
            $"{string.Join(", ", live.Select(e => $"{e.Node} at {e.Address}"))} take part in the election, and none announces {named}";
        if (missing is null && s.Peers.OfType<NodeObservation.Unknown>().Any(p => p.Endpoint == named && p.LoginRefused))
            return new Nobodys($"{all}, where another group answers");
        return down >= needed
            ? new Nobodys($"{all}; {down} Sentinels see it down")
            : new Unproven(
                [$"{needed - down} more Sentinel(s) to see {named} down"],
                $"{all}, but only {down} Sentinels see it down, {needed} are needed");
    }
}
