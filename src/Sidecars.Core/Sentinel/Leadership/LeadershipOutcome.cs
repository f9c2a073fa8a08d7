using System.Collections.Immutable;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Sentinel.Leadership;

/// <summary>What a step of telling the Sentinels came to; a closed set, each with a stable code and a reason for people.</summary>
public abstract record LeadershipOutcome : IDecision
{
    private LeadershipOutcome(string code, string reason) => (Code, Reason) = (code, reason);

    /// <summary>Stable, for logs, metrics and tests.</summary>
    public string Code { get; }

    /// <summary>Why, in words.</summary>
    public string Reason { get; }

    /// <summary>The highest epoch that was met: the next attempt starts above it.</summary>
    public long HighestEpoch { get; init; }

    /// <summary>An epoch is won, and the announcements may be sent for <see cref="LeadershipPolicy.WonEpochIsGoodFor"/>.</summary>
    /// <param name="Epoch">The epoch.</param>
    /// <param name="Announcements">One for each Sentinel that can be told.</param>
    /// <param name="Needed">How many Sentinels must confirm it.</param>
    /// <param name="Reason">Why.</param>
    public sealed record Won(long Epoch, ImmutableArray<Announcement> Announcements, int Needed, string Reason)
        : LeadershipOutcome("epoch-won", Reason)
    {
        /// <summary>When the votes were asked for, as a timestamp of the caller's clock.</summary>
        public long At { get; init; }
    }

    /// <summary>A majority names the target in the won epoch.</summary>
    public sealed record Confirmed(long Epoch, string Reason) : LeadershipOutcome("told", Reason);

    /// <summary>Announcements were sent and a majority has not confirmed them: look again before anything else.</summary>
    public sealed record Unconfirmed(long Epoch, string Reason) : LeadershipOutcome("told-unconfirmed", Reason);

    /// <summary>Another coordinator holds an epoch; nothing was announced. Back off.</summary>
    public sealed record Rival(string Reason) : LeadershipOutcome("rival", Reason);

    /// <summary>Nothing was announced.</summary>
    /// <param name="Code">Stable.</param>
    /// <param name="Reason">Why.</param>
    /// <param name="IsLasting">True: another attempt comes to the same until something else changes, so a fallback is due.</param>
    public sealed record Refused(string Code, string Reason, bool IsLasting = false) : LeadershipOutcome(Code, Reason);
}

/// <summary>A hello for one Sentinel.</summary>
/// <param name="Endpoint">Who is told.</param>
/// <param name="MyId">Its id.</param>
/// <param name="Hello">The message.</param>
public sealed record Announcement(RedisEndpoint Endpoint, string MyId, HelloMessage Hello);

/// <summary>How one round of votes ended; closed.</summary>
public abstract record VoteCount
{
    private VoteCount()
    {
    }

    /// <summary>The epoch is ours.</summary>
    /// <param name="Voters">Ids of those that voted for us.</param>
    public sealed record Won(ImmutableHashSet<string> Voters) : VoteCount;

    /// <summary>The Sentinels are in a later epoch than the one asked for: ask for this one.</summary>
    public sealed record AskAgain(long Epoch) : VoteCount;

    /// <summary>Not won, and not to be asked for again now.</summary>
    public sealed record Ended(LeadershipOutcome Outcome) : VoteCount;
}
