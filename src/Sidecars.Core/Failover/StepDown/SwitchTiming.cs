using System.Collections.Immutable;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;

namespace Sidecars.Core.Failover.StepDown;

/// <summary>
/// Which Sentinel is told, and when, so that it switches soon. Pure. A Sentinel takes a promotion for done when an INFO of the replica says
/// master. While it fails over it asks once a second, counted from the last answer; before that every ten. Told at any time, it asks at once,
/// before it has come to wait for the promotion, and then a second later (sentinel.c, sentinelSendPeriodicCommands,
/// sentinelFailoverStateMachine). Told when the last answer is half a second old, it asks half a second later, and has come to wait by then.
/// Missing the moment costs that second and nothing else.
/// </summary>
public static class SwitchTiming
{
    /// <summary>A younger answer is waited for: the switch would come later. With looks 0.2 s apart one of them meets the window.</summary>
    public static readonly TimeSpan Youngest = TimeSpan.FromMilliseconds(300);

    /// <summary>
    /// An older one leaves less than three ticks of Sentinel's timer (100 ms at the most each) from the request until it waits for the promotion,
    /// the tens of milliseconds from the look to the request included.
    /// </summary>
    public static readonly TimeSpan Oldest = TimeSpan.FromMilliseconds(650);

    /// <summary>So long the moment is waited for. The last Sentinel that showed the lowered priorities has just asked; where nobody was lowered it may be long until one asks.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(4);

    /// <summary>Who is told, in order: those whose moment it is, the oldest answer first; then by id, as everybody else asks them.</summary>
    /// <param name="voters">By id.</param>
    /// <param name="target">The replica that is to be promoted.</param>
    public static ImmutableArray<RedisEndpoint> Order(ImmutableArray<SentinelObservation.Known> voters, RedisEndpoint target) =>
        [.. voters.Where(v => IsNow(v, target)).OrderByDescending(v => Age(v, target)).Concat(voters.Where(v => !IsNow(v, target))).Select(v => v.Endpoint)];

    /// <summary>True where one of them should be told now, or nothing is known of when.</summary>
    /// <param name="voters">The Sentinels.</param>
    /// <param name="target">The replica that is to be promoted.</param>
    public static bool IsNow(ImmutableArray<SentinelObservation.Known> voters, RedisEndpoint target) =>
        voters.Any(v => IsNow(v, target)) || voters.All(v => Age(v, target) is null);

    private static bool IsNow(SentinelObservation.Known voter, RedisEndpoint target) => Age(voter, target) is { } age && age >= Youngest && age <= Oldest;

    private static TimeSpan? Age(SentinelObservation.Known voter, RedisEndpoint target) => voter.View.Replicas.FirstOrDefault(r => r.Address == target)?.InfoAge;
}
