using Sidecars.Core.Primitives;
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
        if (facts.Accepted is { } accepted && (facts.Term, quorum.Epoch).CompareTo((accepted.Term, accepted.Epoch)) < 0)
            return new PublishDecision.Refuse("token-went-back", $"{quorum.Reason}, below {accepted.Term}.{accepted.Epoch} of {accepted.Address}, which was accepted before");
        return named == facts.Address ? OfOwn(facts, quorum) : OfAnother(facts, quorum, named);
    }

    /// <summary>
    /// Whether what was to be published still is, where no new decision replaces it: false where something contradicts it. What is not
    /// known contradicts nothing.
    /// </summary>
    /// <param name="master">Whom: its announced address.</param>
    /// <param name="runId">The process that said ROLE=master there; null for another node's.</param>
    /// <param name="facts">What is known now.</param>
    public static bool Stands(RedisEndpoint master, string? runId, PublishFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        if (facts.Quorum.Named is { } named && named != master) return false;
        if (master != facts.Address) return true;
        return !facts.HasImpostor && MayBeMaster(facts.Server, runId);
    }

    /// <summary>Whether the own server may still be the master of this process, by the last look: it says so, or says nothing.</summary>
    public static bool MayBeMaster(OwnServer server, string? runId) => server switch
    {
        OwnServer.Answers answers => answers.IsMaster && answers.RunId == runId,
        OwnServer.Silent => true,
        _ => false,
    };

    /// <summary>
    /// Whether these facts prove that the own server is the master of this token: it says ROLE=master, it is that process, and it is the
    /// process that the Sentinels of the majority talk to.
    /// </summary>
    /// <param name="facts">With a look at the server that was taken for this question.</param>
    /// <param name="runId">The process.</param>
    /// <param name="term">Of the token.</param>
    /// <param name="epoch">Of the token.</param>
    public static bool Confirms(PublishFacts facts, string? runId, long term, long epoch) =>
        Decide(facts) is PublishDecision.Own own && own.RunId == runId && (own.Term, own.Epoch) == (term, epoch) && facts.Quorum.RunIds.Contains(own.RunId);

    private static PublishDecision OfOwn(PublishFacts facts, QuorumFacts quorum) => facts.Server switch
    {
        OwnServer.Answers when facts.HasImpostor => new PublishDecision.Refuse("address-is-another", $"{quorum.Reason}, where another process answers than the one beside this sidecar"),
        OwnServer.Answers { IsMaster: true, IsLoading: true } => new PublishDecision.Wait("own-loading", "the server reads its data from disk"),
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
            ? new PublishDecision.Wait("rank", $"{quorum.Reason}; its own sidecar publishes, this one looks after {delay.TotalSeconds:F1} s")
            : new PublishDecision.ForAnother(named, facts.Term, quorum.Epoch, quorum.Reason);
    }
}
