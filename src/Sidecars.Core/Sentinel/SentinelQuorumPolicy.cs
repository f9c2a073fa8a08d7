using System.Collections.Immutable;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Sentinel;

/// <summary>
/// Who is master according to the Sentinels together. Pure. The majority is of the <em>configured</em> number, never of
/// those that happened to answer, unless more answer than there should be: while a group grows or shrinks, the larger size decides. One id
/// is one vote, however many addresses it answers at.
/// </summary>
public static class SentinelQuorumPolicy
{
    /// <summary>Votes needed of <paramref name="configured"/> Sentinels.</summary>
    public static int Majority(int configured) => (configured / 2) + 1;

    /// <summary>Decides from what each Sentinel said.</summary>
    /// <param name="observations">One per address asked; order and repetition do not matter.</param>
    /// <param name="configured">How many Sentinels there should be (<c>SENTINEL_COUNT</c>), at least 1.</param>
    /// <param name="throughFailover">
    /// True: a failover that still runs is no reason to wait. Its leader names the promoted replica from the moment that this is
    /// master (RECONF_SLAVES), and holds its flag for seconds more, until all other replicas are turned round.
    /// </param>
    public static SentinelQuorumDecision Decide(
        IReadOnlyCollection<SentinelObservation> observations, int configured, bool throughFailover = false)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(configured, 1);
        // One vote an id. Where one id answered twice with different views (an id alive twice), the views are all kept:
        // the split they show must be seen, but it counts as one vote.
        var known = observations.OfType<SentinelObservation.Known>().ToList();
        var answered = known.Select(k => k.View.MyId).Distinct(StringComparer.Ordinal).Count();
        configured = Math.Max(configured, answered);
        var needed = Majority(configured);
        if (answered < needed)
            return new SentinelQuorumDecision.NoMajority(answered, needed, NoMajorityReason(observations, answered, needed, configured));

        var voting = known.Where(k => k.View.Master is not null).ToList();
        if (voting.Count == 0)
            return new SentinelQuorumDecision.NoMaster($"{answered} of {configured} Sentinels answer and none knows the master name");

        var failover = voting.FirstOrDefault(k => k.View.Master!.FailoverInProgress);
        if (failover is not null && !throughFailover)
            return new SentinelQuorumDecision.Busy($"Sentinel {failover.Endpoint} runs a failover");

        var epoch = voting.Max(k => k.View.Master!.ConfigEpoch);
        var groups = voting.Where(k => k.View.Master!.ConfigEpoch == epoch)
            .GroupBy(k => k.View.Master!.Address)
            .Select(g => new Side(g.Key, [.. g], g.Select(k => k.View.MyId).Distinct(StringComparer.Ordinal).Count()))
            .OrderByDescending(g => g.Votes).ThenBy(g => g.Address.ToString(), StringComparer.Ordinal)
            .ToList();
        return groups.Count > 1 ? SplitOf(groups, epoch, needed) : AgreedOrSpreading(groups[0], epoch, needed, configured);
    }

    private static SentinelQuorumDecision.Split SplitOf(List<Side> groups, long epoch, int needed)
    {
        var majority = groups[0].Votes >= needed ? groups[0].Address : (RedisEndpoint?)null;
        var odd = majority is null ? [] : groups.Skip(1).SelectMany(g => g.Voters).Select(v => v.Endpoint).Distinct().ToImmutableArray();
        var sides = string.Join("; ", groups.Select(g => $"{g.Address} by {string.Join(", ", g.Voters.Select(v => v.Endpoint))}"));
        return new SentinelQuorumDecision.Split(majority, odd, $"Sentinels hold {groups.Count} addresses in epoch {epoch}: {sides}");
    }

    private static SentinelQuorumDecision AgreedOrSpreading(Side group, long epoch, int needed, int configured)
    {
        if (group.Votes < needed)
        {
            return new SentinelQuorumDecision.Spreading(group.Address, epoch,
                $"only {group.Votes} of {configured} Sentinels hold the highest epoch {epoch} ({group.Address}), {needed} are needed");
        }

        var masters = group.Voters.Select(v => v.View.Master!).ToList();
        var replicas = group.Voters.Where(v => !v.View.Tilt).SelectMany(v => v.View.Replicas).ToLookup(r => r.Address);
        var ordered = replicas.OrderBy(r => r.Key.ToString(), StringComparer.Ordinal).ToList();
        ImmutableArray<RedisEndpoint> promotable = [.. ordered.Where(r => r.Any(seen => seen.Promotable)).Select(r => r.Key)];
        ImmutableArray<RedisEndpoint> unreached =
            [.. ordered.Where(r => r.All(seen => seen is { Priority: > 0, OnlyDisconnected: true })).Select(r => r.Key)];
        var runIds = masters.Select(m => m.RunId).Where(id => id.Length > 0).Distinct(StringComparer.Ordinal).ToImmutableArray();
        var down = masters.Any(m => m.SubjectivelyDown || m.ObjectivelyDown);
        return new SentinelQuorumDecision.Agreed(group.Address, epoch, runIds, down, promotable,
            $"{group.Votes} of {configured} Sentinels name {group.Address} in epoch {epoch}{(down ? ", which they see down" : "")}")
        { Unreached = unreached };
    }

    private static string NoMajorityReason(IReadOnlyCollection<SentinelObservation> observations, int answered, int needed, int configured)
    {
        if (observations.Count == 0) return $"no Sentinel address is known; {needed} of {configured} must answer";
        var others = observations
            .Select(o => o switch
            {
                SentinelObservation.Unknown u => $"{u.Endpoint} {u.Why}",
                SentinelObservation.Unreachable u => $"{u.Endpoint} {u.Why}",
                _ => null,
            })
            .Where(text => text is not null);
        return $"{answered} of {configured} Sentinels answer, {needed} are needed: {string.Join("; ", others)}";
    }

    // Those that hold one address in the highest epoch.
    private sealed record Side(RedisEndpoint Address, List<SentinelObservation.Known> Voters, int Votes);
}
