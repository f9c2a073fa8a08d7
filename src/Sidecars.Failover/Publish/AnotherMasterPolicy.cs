using System.Collections.Immutable;
using Sidecars.Core.Primitives;
using Sidecars.Core.Topology;
using Sidecars.Failover.Publish.Addresses;
using Sidecars.Failover.Watch;

namespace Sidecars.Failover.Publish;

/// <summary>What is known of another node's master that is to be published here. Null is not known.</summary>
public sealed record AnotherMasterFacts
{
    /// <summary>Whom: its announced address.</summary>
    public required RedisEndpoint Master { get; init; }

    /// <summary>In which epoch.</summary>
    public required long Epoch { get; init; }

    /// <summary>What the Sentinels say now.</summary>
    public required QuorumFacts Quorum { get; init; }

    /// <summary>What nodes of this announced address have recorded.</summary>
    public ImmutableArray<NodeAddresses> Recorded { get; init; } = [];

    /// <summary>Why some of what nodes have recorded is not known; null: all was read.</summary>
    public string? Unread { get; init; }

    /// <summary>What PUBLISH_ADDRESSES says that clients outside reach it at; null: nothing.</summary>
    public string? Listed { get; init; }

    /// <summary>A login taken for this question at <see cref="AnotherMasterPolicy.AskAt"/>; null: none was.</summary>
    public NodeObservation? Login { get; init; }
}

/// <summary>Whether another node's master may be published here, and as what. Closed.</summary>
public abstract record AnotherMasterDecision(string Code, string Reason) : IDecision
{
    /// <summary>It may.</summary>
    /// <param name="Inside">The pod's own address; null: not known, and not published in the cluster.</param>
    /// <param name="Outside">What clients outside reach it at; null: not known, and not published there.</param>
    /// <param name="Reason">In words.</param>
    public sealed record Publish(RedisEndpoint? Inside, string? Outside, string Reason) : AnotherMasterDecision("another-verified", Reason);

    /// <summary>It may not: its own sidecar does.</summary>
    public sealed record Refuse(string Code, string Reason) : AnotherMasterDecision(Code, Reason);
}

/// <summary>
/// Another node's master is published only at addresses that it has recorded itself, or that a person has listed, and only while the
/// desired process answers a login at the pod's own address with ROLE=master. Pure. An announced address is never published for another:
/// it is a Service's, whose route was not checked; a recorded one may be a dead pod's, which another tenant's pod has by now.
/// </summary>
public static class AnotherMasterPolicy
{
    /// <summary>
    /// Where the login is to be tried: at the pod, or where only a person's list is known, at the announced address; null: nowhere.
    /// </summary>
    public static RedisEndpoint? AskAt(AnotherMasterFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        return facts.Recorded switch
        {
            [var one] => one.Pod ?? one.Announced,
            [] when facts.Listed is not null => facts.Master,
            _ => null,
        };
    }

    /// <summary>Decides.</summary>
    public static AnotherMasterDecision Decide(AnotherMasterFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        var quorum = facts.Quorum;
        if (quorum.Named != facts.Master || quorum.Epoch != facts.Epoch)
            return No("not-named", $"Sentinels do not name {facts.Master} in epoch {facts.Epoch} any more: {quorum.Reason}");
        if (facts.Recorded.Length > 1)
            return No(
                "address-ambiguous", $"{string.Join(" and ", facts.Recorded.Select(r => r.Node))} have both recorded to be {facts.Master}");
        if (AskAt(facts) is not { } at)
        {
            return facts.Unread is { } why
                ? No("addresses-unread", $"what {facts.Master} is reached at can't be read: {why}")
                : No("address-not-recorded",
                    $"{facts.Master} has not recorded what it is reached at (its sidecar is of an older version or has not run yet)");
        }

        if (quorum.RunIds is not [var runId])
            return No(
                "run-id-unknown", $"Sentinels talk to {(quorum.RunIds.IsEmpty ? "no process" : "several processes")} at {facts.Master}");
        return facts.Login switch
        {
            NodeObservation.Known known when known.Endpoint == at => OfLogin(facts, known, at, runId),
            NodeObservation.Unknown { LoginRefused: true } refused =>
                No("login-refused", $"{at} refuses this group's login: another tenant's, or another password: {refused.Why}"),
            NodeObservation.Unknown unclear => No("login-unclear", $"{at}: {unclear.Why}"),
            NodeObservation.Unreachable silent => No("login-unreachable", $"{at}: {silent.Why}"),
            _ => No("login-missing", $"nobody has logged in at {at}"),
        };
    }

    private static AnotherMasterDecision OfLogin(AnotherMasterFacts facts, NodeObservation.Known login, RedisEndpoint at, string runId)
    {
        var view = login.View;
        if (view.RunId != runId) return No("another-process", $"{view.RunId} answers at {at}, Sentinels talk to {runId} at {facts.Master}");
        if (view.Role != NodeRole.Master) return No("not-master", $"{at} says that it is a replica of {view.MasterAddress}");
        if (view.Loading) return No("loading", $"{at} reads its data from disk");
        var recorded = facts.Recorded is [var one] ? one : null;
        return new AnotherMasterDecision.Publish(
            recorded?.Pod, recorded?.Outside ?? facts.Listed, $"{facts.Quorum.Reason}, and {at} answers as that master");
    }

    private static AnotherMasterDecision.Refuse No(string code, string reason) => new(code, reason + "; its own sidecar publishes it");
}
