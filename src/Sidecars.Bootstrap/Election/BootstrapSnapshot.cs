using System.Collections.Immutable;
using Sidecars.Core.Election;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Succession;
using Sidecars.Core.Topology;

namespace Sidecars.Bootstrap.Election;

/// <summary>Everything a starting Redis knows in one round; immutable, and complete: what is missing here was not asked.</summary>
public sealed record BootstrapSnapshot
{
    /// <summary>My evidence; its address is the one I announce.</summary>
    public required CandidateEvidence Me { get; init; }

    /// <summary>Configured number of Redis nodes.</summary>
    public required int RedisCount { get; init; }

    /// <summary>Configured number of Sentinels.</summary>
    public required int SentinelCount { get; init; }

    /// <summary>What the tenant expects of its disks.</summary>
    public required Durability Durability { get; init; }

    /// <summary>One per Sentinel address asked.</summary>
    public required ImmutableArray<SentinelObservation> Sentinels { get; init; }

    /// <summary>One per Redis address asked, except mine. The address that Sentinels name is among them.</summary>
    public required ImmutableArray<NodeObservation> Peers { get; init; }

    /// <summary>The election backend; null where this round did not need it.</summary>
    public ElectionObservation? Election { get; init; }

    /// <summary>For how long this node has waited for an election.</summary>
    public TimeSpan ElectionWaitedFor { get; init; }

    /// <summary>How long it waits for the last serving master while those in sync with it are there.</summary>
    public TimeSpan LastMasterWait { get; init; }

    /// <summary>After which an election goes on without what is missing; null (the default) for never.</summary>
    public TimeSpan? UncleanElectionAfter { get; init; }

    /// <summary>See <see cref="ElectionFacts.RestoresBackups"/>.</summary>
    public bool RestoresBackups { get; init; }

    /// <summary>
    /// Why the Sentinels can't be told, until something else changes; null where they were not told yet, or may be told again.
    /// </summary>
    public string? TellingDenied { get; init; }

    /// <summary>
    /// For how long every look has shown Sentinels that disagree: split, or a minority in the highest epoch. Zero where this one shows
    /// neither.
    /// </summary>
    public TimeSpan SplitFor { get; init; }

    /// <summary>
    /// Why no replica could be promoted by telling the Sentinels, so that one of them is asked; null where it was not tried yet, or may be
    /// again.
    /// </summary>
    public string? SuccessionFailed { get; init; }

    /// <summary>For how long this node, which does not listen, has looked for its role.</summary>
    public TimeSpan SilentFor { get; init; }
}

/// <summary>What a starting Redis does next; a closed set, each with a stable code for machines and a reason for people.</summary>
public abstract record MasterDecision : IDecision
{
    private MasterDecision(string code, string reason) => (Code, Reason) = (code, reason);

    /// <summary>Stable, for logs, metrics and tests.</summary>
    public string Code { get; }

    /// <summary>Why, in words.</summary>
    public string Reason { get; }

    /// <summary>Start as replica of a master that was verified to live.</summary>
    /// <param name="Master">Its address.</param>
    /// <param name="Token">What is known of the token that it serves under; at least mine.</param>
    /// <param name="Code">Stable.</param>
    /// <param name="Reason">Why.</param>
    public sealed record Follow(RedisEndpoint Master, FencingToken Token, string Code, string Reason) : MasterDecision(Code, Reason)
    {
        /// <summary>
        /// Why my data must be kept before the master's replace them; null where it provably has them, or there are none.
        /// </summary>
        public string? RescueFirst { get; init; }
    }

    /// <summary>
    /// Start as replica of the address that Sentinels name although it is dead: I hold the election's result, and Sentinel,
    /// which keeps its authority, promotes me. Starting as master instead would be undone by it later.
    /// </summary>
    public sealed record FollowNamed(RedisEndpoint Named, string Code, string Reason) : MasterDecision(Code, Reason);

    /// <summary>Start as master.</summary>
    public sealed record StartAsMaster(string Code, string Reason) : MasterDecision(Code, Reason);

    /// <summary>Do not listen; promote a replica of the named address, and tell the Sentinels.</summary>
    public sealed record Succeed(SuccessionPlan Plan, string Code, string Reason) : MasterDecision(Code, Reason);

    /// <summary>Do not listen; the Sentinels can't be told: ask this one to fail over the master that it names.</summary>
    public sealed record RequestFailover(RedisEndpoint Sentinel, RedisEndpoint Replaces, string Code, string Reason)
        : MasterDecision(Code, Reason);

    /// <summary>End these Sentinels, which a majority and ROLE contradict in the same epoch; they rebuild themselves.</summary>
    public sealed record RestartSentinels(ImmutableArray<RedisEndpoint> Sentinels, string Code, string Reason)
        : MasterDecision(Code, Reason)
    {
        /// <summary>All in one round: one by one they would learn again what the others still name.</summary>
        public bool Together { get; init; }
    }

    /// <summary>
    /// I hold the election's result, and the Sentinels can't carry it out: have them vote, and announce me to them. Only once a majority
    /// names me do I start.
    /// </summary>
    /// <param name="Named">The address that a majority names now.</param>
    /// <param name="Evidence">Why my address need not be among the replicas that they list.</param>
    /// <param name="Code">Stable.</param>
    /// <param name="Reason">Why.</param>
    public sealed record TellSentinels(RedisEndpoint Named, string Evidence, string Code, string Reason) : MasterDecision(Code, Reason);

    /// <summary>Claim the election record.</summary>
    public sealed record Claim(string Code, string Reason) : MasterDecision(Code, Reason)
    {
        /// <summary>See <see cref="ElectionDecision.Claim.RestoreFirst"/>.</summary>
        public bool RestoreFirst { get; init; }

        /// <summary>See <see cref="ElectionDecision.Claim.Word"/>.</summary>
        public PersonsWordKind? Word { get; init; }
    }

    /// <summary>Read the election backend too, then decide again.</summary>
    public sealed record ConsultElection(string Code, string Reason) : MasterDecision(Code, Reason);

    /// <summary>Facts are missing that come by themselves.</summary>
    public sealed record Wait(ImmutableArray<string> WaitingFor, string Code, string Reason) : MasterDecision(Code, Reason);

    /// <summary>What is known forbids to start. Looked at again every round, and counted.</summary>
    public sealed record Refuse(string Code, string Reason) : MasterDecision(Code, Reason);
}
