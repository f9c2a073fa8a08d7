using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Sentinel.Leadership;
using Sidecars.Failover.Watch;

namespace Sidecars.Failover.LedAway;

/// <summary>
/// Sentinel believes any hello with a higher epoch, from whomever may publish on a Redis that it watches, and promotes any replica that its
/// master lists. Where a majority names an address that is no node of this group, while the master beside this process serves and nobody
/// has replaced it, they were led away, and are told back. Where the named server was a replica of this master, it has this master's data,
/// and maybe clients by now: that is a person's to decide. Pure.
/// </summary>
public static class LedAwayPolicy
{
    /// <summary>They name this master, which a server follows that is no node of the group.</summary>
    public const string ForeignReplica = "foreign-replica";

    /// <summary>
    /// A new node's sidecar records its address within seconds of its start. A replica that nobody has recorded by then is no node.
    /// </summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>Those that follow the own server and are no node of the group; nobody where not every node is known.</summary>
    public static IReadOnlyList<RedisEndpoint> Strangers(LedAwayFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        return facts.Group is { } group ? [.. facts.Replicas.Where(r => group.Excludes(r, facts.RedisCount))] : [];
    }

    /// <summary>Decides.</summary>
    public static LedAwayDecision Decide(LedAwayFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        var quorum = facts.Quorum;
        if (facts.Server is not OwnServer.Answers own) return Nothing("own-unknown", "the server does not answer");
        if (!own.IsMaster) return Nothing("not-master", "the server is not a master");
        if (facts.Address is not { } address) return Nothing("address-unknown", "the announced address of the server is not known yet");
        if (quorum.Named is not { } named) return Nothing("not-agreed", quorum.Reason);
        if (named == address) return OfNamed(facts, quorum);
        if (facts.Group is not { } group)
            return Refuse("record-unavailable", $"whose {named} is can't be told: {facts.Unread ?? "the record was not read yet"}");
        if (group.Has(named)) return Nothing("named-is-node", $"{quorum.Reason}, a node of this group");
        return OfStranger(facts, own, group, address, named);
    }

    private static LedAwayDecision OfNamed(LedAwayFacts facts, QuorumFacts quorum)
    {
        if (quorum.Epoch > EpochReading.MaxEpoch)
            return Refuse("epoch-not-believable", $"{quorum.Reason}: above {EpochReading.MaxEpoch}, and recorded nowhere");
        var strangers = Strangers(facts);
        return strangers.Count == 0 || facts.StrangerFor < Patience
            ? Nothing("named", quorum.Reason)
            : Refuse(
                ForeignReplica, $"{string.Join(", ", strangers)}: no node of this group, and Sentinel may promote what follows its master");
    }

    private static LedAwayDecision OfStranger(
        LedAwayFacts facts, OwnServer.Answers own, RecordedGroup group, RedisEndpoint address, RedisEndpoint named)
    {
        var quorum = facts.Quorum;
        if (group.Count < facts.RedisCount)
            return No("addresses-incomplete", $"the record knows {group.Count} nodes of {facts.RedisCount}");
        if (facts.HasImpostor) return No("address-is-another", $"another process answers at {address}");
        if (own.IsLoading) return No("loading", "the server loads its data");
        if (facts.Before is not { } before || before.RunId != own.RunId)
            return No("never-named", "no majority has named this process before");
        if (before.Replicas.Contains(named) || facts.Replicas.Contains(named))
            return No("replica-promoted", $"{named} was a replica of it: Sentinel promoted that, and clients may have written there");
        if (quorum.IsFailingOver) return No("failing-over", "a Sentinel runs a failover");
        if (facts.StepDownRuns != false || own.MinReplicas == WriteFence.StepDown)
            return No("step-down", "a step-down runs beside this server, or may run");
        if (facts.Token is not { } mine || group.Serving != facts.Node || (group.Candidate ?? facts.Node) != facts.Node
            || group.Term > mine.Term || group.Token > mine)
        {
            var recorded = $"the record has term {group.Term}, and {group.Serving ?? "nobody"} serving with token {group.Token}";
            return No("replaced", $"{recorded}; this server has {facts.Token?.ToString() ?? "none"}");
        }

        var needed = SentinelQuorumPolicy.Majority(facts.RedisCount);
        if (own.FreshReplicas + 1 < needed)
            return No("replicas-missing", $"{own.FreshReplicas} replicas follow this server, {needed - 1} are needed");
        if (quorum.Epoch >= LeadershipPolicy.EpochLimit)
            return No("epoch-beyond-reason", $"epoch {quorum.Epoch} can't be outbid: stop all Sentinels together (runbook RedisLedAway)");
        var serves = $"{address} serves with token {mine} and {own.FreshReplicas} replicas";
        return new LedAwayDecision.Tell(address, named, $"{quorum.Reason}, which no node of this group announces; {serves}");

        LedAwayDecision.Refuse No(string code, string why) =>
            Refuse(code, $"{quorum.Reason}, which no node of this group announces; {why}");
    }

    private static LedAwayDecision.Nothing Nothing(string code, string reason) => new(code, reason);

    private static LedAwayDecision.Refuse Refuse(string code, string reason) => new(code, reason);
}
