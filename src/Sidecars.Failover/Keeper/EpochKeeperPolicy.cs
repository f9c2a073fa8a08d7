using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;

namespace Sidecars.Failover.Keeper;

/// <summary>What the keeper knows in one round.</summary>
/// <param name="Stored">As it was last read or raised; it may be older than the truth, never newer.</param>
/// <param name="Sentinels">One per address asked.</param>
/// <param name="SentinelCount">How many Sentinels there should be.</param>
public sealed record EpochKeeperFacts(EpochReading Stored, IReadOnlyCollection<SentinelObservation> Sentinels, int SentinelCount);

/// <summary>What is done about the kept epoch; a closed set, each with a stable code and a reason for people.</summary>
public abstract record EpochKeeping : IDecision
{
    private EpochKeeping(string code, string reason) => (Code, Reason) = (code, reason);

    /// <summary>Stable, for logs, metrics and tests.</summary>
    public string Code { get; }

    /// <summary>Why, in words.</summary>
    public string Reason { get; }

    /// <summary>Raise it to this.</summary>
    public sealed record Raise(long Epoch, RedisEndpoint Master, string Reason) : EpochKeeping("epoch-raised", Reason);

    /// <summary>It is as it should be.</summary>
    public sealed record Keep(string Reason) : EpochKeeping("epoch-kept", Reason);

    /// <summary>The Sentinels do not agree at this moment; look again.</summary>
    public sealed record Wait(string Code, string Reason) : EpochKeeping(Code, Reason);

    /// <summary>Something is wrong that does not pass by itself; nothing is written, and it is counted.</summary>
    public sealed record Refuse(string Code, string Reason) : EpochKeeping(Code, Reason);
}

/// <summary>
/// When the kept epoch is raised: once a majority of the configured Sentinels holds a higher one. A minority's does not
/// count: it becomes the majority's within seconds, or was never anybody's token. Pure.
/// </summary>
public static class EpochKeeperPolicy
{
    /// <summary>Decides from what is kept and what the Sentinels say.</summary>
    public static EpochKeeping Decide(EpochKeeperFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        if (facts.Stored is not EpochReading.Known known)
            return new EpochKeeping.Refuse("epoch-store-unavailable", ((EpochReading.Unavailable)facts.Stored).Why);
        return SentinelQuorumPolicy.Decide(facts.Sentinels, facts.SentinelCount) switch
        {
            SentinelQuorumDecision.Agreed agreed => OfAgreed(known, agreed),
            SentinelQuorumDecision.Busy busy => new EpochKeeping.Wait("failover-in-progress", busy.Reason),
            SentinelQuorumDecision.Spreading spreading => new EpochKeeping.Wait("epoch-spreading", spreading.Reason),
            SentinelQuorumDecision.Split split => new EpochKeeping.Wait("sentinel-split", split.Reason),
            SentinelQuorumDecision.NoMaster none => new EpochKeeping.Wait("no-master", none.Reason),
            var none => new EpochKeeping.Wait("no-majority", none.Reason),
        };
    }

    private static EpochKeeping OfAgreed(EpochReading.Known known, SentinelQuorumDecision.Agreed agreed)
    {
        if (agreed.Epoch > EpochReading.MaxEpoch)
            return new EpochKeeping.Refuse("epoch-not-believable", $"{agreed.Reason}: above {EpochReading.MaxEpoch}");
        if (agreed.Epoch > known.Epoch) return new EpochKeeping.Raise(agreed.Epoch, agreed.Address, agreed.Reason);
        // Their next failover would be numbered like one that was published already, and no publisher would believe it.
        if (agreed.Epoch < known.Epoch)
            return new EpochKeeping.Refuse("epoch-went-back", $"{agreed.Reason}, but epoch {known.Epoch} has been held");
        return known.Master is { } master && master != agreed.Address
            ? new EpochKeeping.Refuse("epoch-names-another", $"{agreed.Reason}, in which {master} has been held")
            : new EpochKeeping.Keep(agreed.Reason);
    }
}
