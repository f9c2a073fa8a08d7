using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Failover.Watch;

namespace Sidecars.Failover.Publish;

/// <summary>What publishing is decided on.</summary>
public sealed record PublishFacts
{
    /// <summary>The server beside this process, looked at after the Sentinels.</summary>
    public required OwnServer Server { get; init; }

    /// <summary>Its announced address.</summary>
    public required RedisEndpoint Address { get; init; }

    /// <summary>What the Sentinels say.</summary>
    public required QuorumFacts Quorum { get; init; }

    /// <summary>Term of the group as far as it is known here.</summary>
    public long Term { get; init; }

    /// <summary>Highest token that was accepted here before, with its address; null: none yet.</summary>
    public AcceptedMaster? Accepted { get; init; }

    /// <summary>A process other than this server answers at its announced address.</summary>
    public bool HasImpostor { get; init; }

    /// <summary>1 for the first sidecar after the master's own, and so on.</summary>
    public int Rank { get; init; } = 1;

    /// <summary>For how long the majority has named this master.</summary>
    public TimeSpan NamedFor { get; init; }

    /// <summary>What a sidecar waits, times its rank, before it looks for another's master.</summary>
    public TimeSpan RankDelay { get; init; }
}

/// <summary>A master that was accepted once.</summary>
/// <param name="Address">Announced.</param>
/// <param name="Term">Term then.</param>
/// <param name="Epoch">Epoch.</param>
public sealed record AcceptedMaster(RedisEndpoint Address, long Term, long Epoch);

/// <summary>Whether this sidecar publishes, and what. Closed.</summary>
public abstract record PublishDecision(string Code, string Reason) : IDecision
{
    /// <summary>Publish the server beside this process, which is the process <paramref name="RunId"/>.</summary>
    public sealed record Own(long Term, long Epoch, string RunId, string Reason) : PublishDecision("own-master", Reason);

    /// <summary>Look whether another's master is published, and publish it where it is not.</summary>
    public sealed record ForAnother(RedisEndpoint Master, long Term, long Epoch, string Reason) : PublishDecision("for-another", Reason);

    /// <summary>Not now.</summary>
    public sealed record Wait(string Code, string Reason) : PublishDecision(Code, Reason);

    /// <summary>Not on this evidence: what was published stands.</summary>
    public sealed record Refuse(string Code, string Reason) : PublishDecision(Code, Reason);
}

/// <summary>Who publishes which master. Pure.</summary>
public static class PublishPolicy
{
    /// <summary>Decides.</summary>
    public static PublishDecision Decide(PublishFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        var quorum = facts.Quorum;
        if (!quorum.HasMajority) return new PublishDecision.Refuse("no-majority", quorum.Reason);
        if (quorum.Named is not { } named) return new PublishDecision.Refuse("no-agreement", quorum.Reason);
        if (quorum.Epoch > EpochReading.MaxEpoch)
            return new PublishDecision.Refuse("epoch-not-believable", $"{quorum.Reason}: above {EpochReading.MaxEpoch}");
        if (facts.Accepted is { } accepted && (facts.Term, quorum.Epoch).CompareTo((accepted.Term, accepted.Epoch)) < 0)
            return new PublishDecision.Refuse("token-went-back",
                $"{quorum.Reason}, below {accepted.Term}.{accepted.Epoch} of {accepted.Address}, which was accepted before");
        return named == facts.Address ? OfOwn(facts, quorum) : OfAnother(facts, quorum, named);
    }

    /// <summary>
    /// Whether what is desired still is, where no newer decision replaces it: false where something contradicts it. What is not known
    /// contradicts nothing.
    /// </summary>
    /// <param name="desired">What was decided before.</param>
    /// <param name="facts">What is known now.</param>
    public static bool Stands(DesiredMaster desired, PublishFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        return desired switch
        {
            DesiredMaster.Own own => (facts.Quorum.Named ?? own.Master) == own.Master
                && MayBeMaster(facts.Server, facts.HasImpostor, own.Role.RunId),
            _ => (facts.Quorum.Named ?? desired.Master) == desired.Master,
        };
    }

    /// <summary>Whether the server beside this process may still be the master: it says so, or says nothing.</summary>
    /// <param name="server">The last look.</param>
    /// <param name="hasImpostor">See <see cref="PublishFacts.HasImpostor"/>.</param>
    /// <param name="runId">The process that said so before.</param>
    public static bool MayBeMaster(OwnServer server, bool hasImpostor, string runId) =>
        server is OwnServer.Silent ? !hasImpostor : IsMaster(server, hasImpostor, runId);

    // It says ROLE=master, is that process, and is alone at its address.
    private static bool IsMaster(OwnServer server, bool hasImpostor, string runId) =>
        !hasImpostor && server is OwnServer.Answers { IsMaster: true } master && master.RunId == runId;

    /// <summary>
    /// The process that these facts prove to be the desired master; null: none. It says ROLE=master, is the process that said so before,
    /// and the one that a majority of the Sentinels names and talks to.
    /// </summary>
    /// <param name="desired">Whom.</param>
    /// <param name="facts">With a look at the server that was taken for this question.</param>
    public static string? Proof(DesiredMaster desired, PublishFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        return desired switch
        {
            DesiredMaster.Own { Role.RunId: var runId, Token: var token }
                when Decide(facts) is PublishDecision.Own own && own.RunId == runId
                    && (own.Term, own.Epoch) == (token.Term, token.Epoch) && facts.Quorum.RunIds.Contains(runId) => runId,
            _ => null,
        };
    }

    private static PublishDecision OfOwn(PublishFacts facts, QuorumFacts quorum) => facts.Server switch
    {
        OwnServer.Answers when facts.HasImpostor => new PublishDecision.Refuse(
            "address-is-another", $"{quorum.Reason}, where another process answers than the one beside this sidecar"),
        OwnServer.Answers { IsMaster: true, IsLoading: true } =>
            new PublishDecision.Wait("own-loading", "the server reads its data from disk"),
        OwnServer.Answers { IsMaster: true } master when !quorum.RunIds.IsEmpty && !quorum.RunIds.Contains(master.RunId) =>
            new PublishDecision.Wait("run-id-differs", $"{quorum.Reason}, and talk to another process there than {master.RunId}"),
        OwnServer.Answers { IsMaster: true } master => new PublishDecision.Own(facts.Term, quorum.Epoch, master.RunId, quorum.Reason),
        OwnServer.Answers => new PublishDecision.Wait("own-not-master", $"{quorum.Reason}, and this server is still a replica"),
        OwnServer.Dead => new PublishDecision.Wait("own-dead", $"{quorum.Reason}, whose process has died"),
        _ => new PublishDecision.Wait("own-silent", $"{quorum.Reason}, which does not answer"),
    };

    private static PublishDecision OfAnother(PublishFacts facts, QuorumFacts quorum, RedisEndpoint named)
    {
        var delay = facts.RankDelay * facts.Rank;
        return facts.NamedFor < delay
            ? new PublishDecision.Wait(
                "rank", $"{quorum.Reason}; its own sidecar publishes, this one looks after {DurationText.About(delay)}")
            : new PublishDecision.ForAnother(named, facts.Term, quorum.Epoch, quorum.Reason);
    }
}
