using System.Collections.Immutable;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;

namespace Sidecars.Failover.Watch;

/// <summary>
/// Which Sentinel is told to fail over, and when, so that it switches soon. Pure. A Sentinel takes a promotion for done when an INFO of the
/// replica says master. While it fails over it asks once a second, counted from the last answer, and it needs some ticks of its timer before
/// it waits for the promotion (sentinel.c, sentinelSendPeriodicCommands, sentinelFailoverStateMachine). So it switches a second after the last
/// answer that it had when it was told; where that is too old, after the next second. Measured: 1.04 s less the age, up to 0.65 s.
/// </summary>
public static class SwitchTiming
{
    /// <summary>
    /// Between two INFOs while nothing fails over; Sentinel's own is 10 s. A little less than <see cref="Oldest"/>: whenever it is, nearly every
    /// Sentinel may be told, and of three the best switches after half a second. What else Sentinel derives from it (sentinel.c): a replica
    /// whose last answer is older than three periods is not promoted while its master lives, and a master that says that it is a replica is
    /// taken for down after down-after and two periods.
    /// </summary>
    public static readonly TimeSpan InfoPeriod = TimeSpan.FromMilliseconds(600);

    /// <summary>
    /// So much one Sentinel's period differs from the next one's: else they all ask at the same moment for some time after a replica was busy for
    /// a while, since it then answers all of them at once, and the best of three is as good as any of them.
    /// </summary>
    public static readonly TimeSpan Apart = TimeSpan.FromMilliseconds(50);

    /// <summary>A younger answer is waited for where there is time: the switch would come later. With looks 0.2 s apart one of them meets the window.</summary>
    public static readonly TimeSpan Youngest = TimeSpan.FromMilliseconds(400);

    /// <summary>
    /// An older one leaves less than three ticks of Sentinel's timer (100 ms at the most each) from the request until it waits for the promotion,
    /// the tens of milliseconds from the look to the request included.
    /// </summary>
    public static readonly TimeSpan Oldest = TimeSpan.FromMilliseconds(650);

    /// <summary>So long the moment is waited for. With Sentinel's own period it may be ten seconds away.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(4);

    // SENTINEL_INFO_PERIOD of a failover: 1 s whatever is set.
    private static readonly TimeSpan Asks = TimeSpan.FromSeconds(1);

    /// <summary>A Sentinel's own period.</summary>
    /// <param name="period">The configured one.</param>
    /// <param name="rank">Its place among the Sentinels, from 0.</param>
    public static TimeSpan PeriodOf(TimeSpan period, int rank) => period + (Apart * ((rank % 3) - 1));

    /// <summary>The Sentinels in the order in which to ask them: the one that switches soonest first; equal ones by id.</summary>
    /// <param name="voters">By id.</param>
    /// <param name="target">The replica that is to be promoted.</param>
    public static ImmutableArray<RedisEndpoint> Order(ImmutableArray<SentinelObservation.Known> voters, RedisEndpoint target) =>
        [.. voters.OrderBy(v => SwitchesAfter(Age(v, target))).Select(v => v.Endpoint)];

    /// <summary>The same, each promoting whom it would choose itself.</summary>
    /// <param name="voters">By id.</param>
    public static ImmutableArray<RedisEndpoint> Order(ImmutableArray<SentinelObservation.Known> voters) =>
        [.. voters.OrderBy(v => SwitchesAfter(v.View.Choice?.InfoAge)).Select(v => v.Endpoint)];

    /// <summary>True where one of them should be told now, or nothing is known of when.</summary>
    /// <param name="voters">The Sentinels.</param>
    /// <param name="target">The replica that is to be promoted.</param>
    public static bool IsNow(ImmutableArray<SentinelObservation.Known> voters, RedisEndpoint target) =>
        voters.Any(v => Age(v, target) is { } age && age >= Youngest && age <= Oldest) || voters.All(v => Age(v, target) is null);

    /// <summary>From the request to the switch, ticks left out.</summary>
    /// <param name="age">Since the replica's last answer to that Sentinel's INFO; null: not known.</param>
    public static TimeSpan SwitchesAfter(TimeSpan? age) =>
        age is not { } known || known >= Asks ? Asks // asks at once, before it waits for the promotion, and then a second later
        : known <= Oldest ? Asks - known
        : Asks + Asks - known;

    private static TimeSpan? Age(SentinelObservation.Known voter, RedisEndpoint target) => voter.View.Replicas.FirstOrDefault(r => r.Address == target)?.InfoAge;
}
