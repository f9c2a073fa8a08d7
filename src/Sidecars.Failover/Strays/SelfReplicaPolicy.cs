using Sidecars.Core.Primitives;
using Sidecars.Failover.Watch;

namespace Sidecars.Failover.Strays;

/// <summary>What is known where the server beside this sidecar may be a replica of itself.</summary>
public sealed record SelfReplicaFacts
{
    /// <summary>The server.</summary>
    public required OwnServer Server { get; init; }

    /// <summary>Its announced address; null: not known yet.</summary>
    public RedisEndpoint? Address { get; init; }

    /// <summary>What the Sentinels say.</summary>
    public required QuorumFacts Quorum { get; init; }
}

/// <summary>What to do about a replica of itself; a closed set.</summary>
public abstract record SelfReplicaDecision(string Code, string Reason) : IDecision
{
    /// <summary>Make this process master.</summary>
    public sealed record Promote(string RunId, RedisEndpoint Address, string Reason) : SelfReplicaDecision("promote", Reason);

    /// <summary>It follows itself, and nothing vouches for it as master. Counted.</summary>
    public sealed record Wait(string Code, string Reason) : SelfReplicaDecision(Code, Reason);

    /// <summary>It does not follow itself, as far as is known.</summary>
    public sealed record Nothing(string Reason) : SelfReplicaDecision("not-self", Reason);
}

/// <summary>
/// A pod can get the address that a dead master had, and a replica is then told to follow it: itself. Its link never comes up, and no
/// failover ends that while no other replica can be promoted. It is made master only where a Sentinel majority names exactly this address,
/// and this process; anything else is for Sentinel, or for the bootstrap of its next start. Pure.
/// </summary>
public static class SelfReplicaPolicy
{
    /// <summary>Decides.</summary>
    public static SelfReplicaDecision Decide(SelfReplicaFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        if (facts.Server is not OwnServer.Answers { IsMaster: false, MasterAddress: { } master } server || master != facts.Address)
            return new SelfReplicaDecision.Nothing("the server does not follow its own address");
        // Behind the address stands another process then, which this one replicates from.
        if (server.IsLinkUp)
            return new SelfReplicaDecision.Nothing($"the server follows {master}, its own address, with a live link to another process");
        var reason = $"the server is a replica of {master}, its own address; {facts.Quorum.Reason}";
        if (facts.Quorum.Named != facts.Address) return new SelfReplicaDecision.Wait("not-named", reason);
        if (facts.Quorum.IsFailingOver) return new SelfReplicaDecision.Wait("failing-over", $"{reason}; a Sentinel runs a failover");
        if (facts.Quorum.RunIds is { IsEmpty: false } ids && !ids.Contains(server.RunId))
            return new SelfReplicaDecision.Wait("another-process", $"{reason}, but they talk to another process there");
        return server.IsLoading
            ? new SelfReplicaDecision.Wait("loading", $"{reason}; it loads its data")
            : new SelfReplicaDecision.Promote(server.RunId, master, reason);
    }
}
