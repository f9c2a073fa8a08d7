using System.Collections.Immutable;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Sentinel.Leadership;

/// <summary>What the Sentinels are to be told.</summary>
/// <param name="Target">The new master: an IP literal and a port, as Redis announces them.</param>
/// <param name="Replaces">The address that a majority names now.</param>
/// <param name="SentinelCount">Configured number of Sentinels.</param>
public sealed record LeadershipRequest(RedisEndpoint Target, RedisEndpoint Replaces, int SentinelCount)
{
    /// <summary>
    /// Why <see cref="Target"/> need not be among a Sentinel's replicas; null: a Sentinel that does not list it is not told. Sentinel takes
    /// any address, so this is the caller's evidence that a node of the group announces it.
    /// </summary>
    public string? UnlistedBecause { get; init; }

    /// <summary>The highest epoch that an earlier attempt met; no command shows a Sentinel's current epoch.</summary>
    public long LearntEpoch { get; init; }
}

/// <summary>A Sentinel that can vote and be told.</summary>
/// <param name="Endpoint">The address that was asked.</param>
/// <param name="MyId">Its id: one id is one vote.</param>
/// <param name="Named">The master that it monitors; it votes for no other.</param>
/// <param name="Epoch">Its config epoch.</param>
/// <param name="Sender">Another Sentinel exactly as this one lists it: an announcement by anybody else would become a new voter.</param>
/// <param name="Others">Ids of the Sentinels that it lists.</param>
public sealed record Elector(
    RedisEndpoint Endpoint, string MyId, RedisEndpoint Named, long Epoch, SentinelPeer Sender, ImmutableArray<string> Others);

/// <summary>Who votes, and how many votes make an epoch ours.</summary>
/// <param name="Electors">Those that can vote and be told.</param>
/// <param name="Needed">A majority of all Sentinels that are configured or known, ghosts included.</param>
/// <param name="Epoch">The first epoch to ask for.</param>
/// <param name="SentinelIds">Every id that any of them knows. A leader with another id is a coordinator like this one.</param>
public sealed record Electorate(ImmutableArray<Elector> Electors, int Needed, long Epoch, ImmutableHashSet<string> SentinelIds);

/// <summary>The answer to <c>SENTINEL IS-MASTER-DOWN-BY-ADDR</c> with a candidate. Closed.</summary>
public abstract record VoteAnswer
{
    private VoteAnswer()
    {
    }

    /// <summary>It says for whom it voted last.</summary>
    /// <param name="Leader">An id; <c>*</c>: for nobody yet, or it does not monitor that address any more.</param>
    /// <param name="LeaderEpoch">In which epoch.</param>
    public sealed record Cast(string Leader, long LeaderEpoch) : VoteAnswer;

    /// <summary>It refuses the command (rights).</summary>
    public sealed record Denied(string Why) : VoteAnswer;

    /// <summary>No usable answer; it may have voted.</summary>
    public sealed record Silent(string Why) : VoteAnswer;
}

/// <summary>The answer to a hello that is published at a Sentinel. Closed.</summary>
public abstract record HelloAnswer
{
    private HelloAnswer()
    {
    }

    /// <summary>It was processed.</summary>
    /// <param name="Others">Ids of the Sentinels that it lists afterwards.</param>
    public sealed record Taken(ImmutableArray<string> Others) : HelloAnswer;

    /// <summary>It refuses PUBLISH (rights, or a server that knows no hello).</summary>
    public sealed record Denied(string Why) : HelloAnswer;

    /// <summary>No usable answer; it may have been processed.</summary>
    public sealed record Silent(string Why) : HelloAnswer;
}

/// <summary>What a Sentinel says after an announcement. Closed.</summary>
public abstract record AnnounceAnswer
{
    private AnnounceAnswer()
    {
    }

    /// <summary>It names a master.</summary>
    public sealed record Names(RedisEndpoint Master, long Epoch) : AnnounceAnswer;

    /// <summary>No usable answer; it may have taken the announcement.</summary>
    public sealed record Silent(string Why) : AnnounceAnswer;
}
