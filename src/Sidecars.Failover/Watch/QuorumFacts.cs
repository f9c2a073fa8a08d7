using System.Collections.Immutable;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;

namespace Sidecars.Failover.Watch;

/// <summary>What the Sentinels together say, as the sidecar's policies need it.</summary>
public sealed record QuorumFacts
{
    /// <summary>A majority of the configured number gave a usable answer.</summary>
    public required bool HasMajority { get; init; }

    /// <summary>Every one of the configured number gave a usable answer.</summary>
    public bool IsComplete { get; init; }

    /// <summary>Whom a majority names in the highest epoch seen; null: nobody (it spreads, they are split, or know no master).</summary>
    public RedisEndpoint? Named { get; init; }

    /// <summary>The highest epoch seen.</summary>
    public long Epoch { get; init; }

    /// <summary>Processes that the Sentinels talk to at <see cref="Named"/>; empty: not known.</summary>
    public ImmutableArray<string> RunIds { get; init; } = [];

    /// <summary>A Sentinel of them runs a failover.</summary>
    public bool IsFailingOver { get; init; }

    /// <summary>Replicas that could be promoted.</summary>
    public ImmutableArray<RedisEndpoint> Promotable { get; init; } = [];

    /// <summary>See <see cref="SentinelQuorumDecision.Agreed.Unreached"/>.</summary>
    public ImmutableArray<RedisEndpoint> Unreached { get; init => field = value.IsDefault ? [] : value; } = []; // a log without it

    /// <summary>
    /// The Sentinel to ask for a failover if nothing else decides: of those that name the master and trust their clock, the one with the
    /// lowest id. FAILOVER takes no vote, and two Sentinels asked at once made two masters in one epoch.
    /// </summary>
    public RedisEndpoint? Executor { get; init; }

    /// <summary>In words.</summary>
    public required string Reason { get; init; }

    /// <summary>Counts what each Sentinel said.</summary>
    public static QuorumFacts Of(IReadOnlyCollection<SentinelObservation> observations, int configured)
    {
        ArgumentNullException.ThrowIfNull(observations);
        var decision = SentinelQuorumPolicy.Decide(observations, configured, throughFailover: true);
        var known = observations.OfType<SentinelObservation.Known>().ToList();
        var epoch = known.Select(k => k.View.Master?.ConfigEpoch ?? 0).DefaultIfEmpty(0).Max();
        var named = decision switch
        {
            SentinelQuorumDecision.Agreed agreed => agreed.Address,
            SentinelQuorumDecision.Split split => split.Majority, // the odd one of an equal epoch never wins a majority
            _ => null,
        };
        return new QuorumFacts
        {
            HasMajority = decision is not SentinelQuorumDecision.NoMajority,
            IsComplete = known.Select(k => k.View.MyId).Distinct(StringComparer.Ordinal).Count() >= configured,
            Named = named,
            Epoch = epoch,
            // The leader of a failover that still runs shows the promoted address with the run id of the old master.
            RunIds = [.. known.Select(k => k.View.Master)
                .Where(m => m is { FailoverInProgress: false, RunId.Length: > 0 } && m.Address == named && m.ConfigEpoch == epoch)
                .Select(m => m!.RunId).Distinct()],
            IsFailingOver = known.Any(k => k.View.Master is { FailoverInProgress: true }),
            Promotable = decision is SentinelQuorumDecision.Agreed p ? [.. p.Promotable.Where(r => r != named)] : [],
            Unreached = decision is SentinelQuorumDecision.Agreed u ? [.. u.Unreached.Where(r => r != named)] : [],
            Executor = Executors(known, named).FirstOrDefault()?.Endpoint,
            Reason = decision.Reason,
        };
    }

    /// <summary>Without replicas that are no nodes of the group: Sentinel lists whatever follows the master.</summary>
    public QuorumFacts Without(Func<RedisEndpoint, bool> isForeign) => this with
    {
        Promotable = Promotable.RemoveAll(r => isForeign(r)),
        Unreached = Unreached.RemoveAll(r => isForeign(r)),
    };

    /// <summary>Those that may be asked to fail <paramref name="named"/> over, by id.</summary>
    public static ImmutableArray<SentinelObservation.Known> Executors(
        IEnumerable<SentinelObservation.Known> voters, RedisEndpoint? named) =>
        [.. voters.Where(k => named is not null && !k.View.Tilt && k.View.Master?.Address == named)
            .OrderBy(k => k.View.MyId, StringComparer.Ordinal).ThenBy(k => k.Endpoint.ToString(), StringComparer.Ordinal)];
}
