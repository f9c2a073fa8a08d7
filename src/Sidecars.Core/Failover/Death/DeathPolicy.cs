using Sidecars.Core.Failover.Watch;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Failover.Death;

/// <summary>What is known when the process beside this sidecar may have died.</summary>
public sealed record DeathFacts
{
    /// <summary>The server.</summary>
    public required OwnServer Server { get; init; }

    /// <summary>Its announced address.</summary>
    public required RedisEndpoint Address { get; init; }

    /// <summary>What the Sentinels say.</summary>
    public required QuorumFacts Quorum { get; init; }

    /// <summary>
    /// redis-bootstrap has beaten its heart since the death: the container is back, and asks for the fail-over itself where it is due.
    /// </summary>
    public bool BootstrapLives { get; init; }

    /// <summary>Time since a Sentinel accepted our request for this death; null: none has.</summary>
    public TimeSpan? AcceptedAgo { get; init; }
}

/// <summary>What to do about a death. Closed.</summary>
public abstract record DeathDecision(string Code, string Reason)
{
    /// <summary>Ask this one Sentinel to fail over.</summary>
    public sealed record RequestFailover(RedisEndpoint Sentinel, string Reason) : DeathDecision("request-failover", Reason);

    /// <summary>Dead, and not now: ask again soon.</summary>
    public sealed record Wait(string Code, string Reason) : DeathDecision(Code, Reason);

    /// <summary>No concern of ours.</summary>
    public sealed record Nothing(string Code, string Reason) : DeathDecision(Code, Reason);
}

/// <summary>
/// Whether a death is handed to Sentinel at once instead of after down-after. Pure. One actor: until bootstrap is back it is this
/// sidecar, then bootstrap, and both ask the same Sentinel, which refuses a second request while the first one runs.
/// </summary>
public static class DeathPolicy
{
    /// <summary>An accepted request is not repeated within this: the failover must show at the Sentinels first.</summary>
    public static readonly TimeSpan ShowsWithin = TimeSpan.FromSeconds(3);

    /// <summary>Decides.</summary>
    public static DeathDecision Decide(DeathFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        if (facts.Server is not OwnServer.Dead dead) return new DeathDecision.Nothing("not-dead", "the server is not known to be dead");
        if (!dead.WasMaster) return new DeathDecision.Nothing("was-replica", "a replica died: Sentinel has nothing to do");
        var quorum = facts.Quorum;
        if (quorum.Named is not { } named) return new DeathDecision.Wait("no-agreement", quorum.Reason);
        if (named != facts.Address) return new DeathDecision.Nothing("another-named", quorum.Reason);
        if (quorum.IsFailingOver) return new DeathDecision.Wait("failing-over", "a Sentinel runs the failover");
        if (facts.AcceptedAgo < ShowsWithin) return new DeathDecision.Wait("accepted", "a Sentinel has accepted the request");
        if (facts.BootstrapLives) return new DeathDecision.Nothing("bootstrap-acts", "redis-bootstrap is back, and asks for it where it is due");
        if (quorum.Promotable.IsEmpty) return new DeathDecision.Wait("no-promotable-replica", $"{quorum.Reason}, and no replica can be promoted");
        return quorum.Executor is { } sentinel
            ? new DeathDecision.RequestFailover(sentinel, $"the process {dead.RunId} at {facts.Address} has died, and {quorum.Promotable[0]} can be promoted")
            : new DeathDecision.Wait("no-executor", "every Sentinel that names this server distrusts its clock");
    }
}
