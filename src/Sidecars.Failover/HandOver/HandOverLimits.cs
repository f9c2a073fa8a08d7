using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel.Leadership;
using Sidecars.Failover.Fence;

namespace Sidecars.Failover.HandOver;

/// <summary>Numbers that a coordinator and those who repair after it must agree on.</summary>
public static class HandOverLimits
{
    /// <summary>
    /// <c>min-replicas-to-write</c> of a master that hands over. No group has as many replicas, so that every write is answered
    /// NOREPLICAS; apart from the fence of an isolated master (<see cref="WriteFence.MinReplicas"/>), which is not ours to lift.
    /// </summary>
    public const int Fence = WriteFence.StepDown;

    /// <summary>
    /// Longest CLIENT PAUSE. It blocks PUBLISH and so Sentinel's hello, too: at 5 s down-after a paused master was seen down after
    /// 6 s (measured), so a pause ends two seconds before down-after.
    /// </summary>
    public static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(3);

    /// <summary>
    /// From the pause to the fence. A client that writes in a loop sends its next write within this, and waits in the pause instead of
    /// being refused by the fence (NOREPLICAS); with both at once, stock clients showed tens of such errors a hand-over. It is part of the
    /// gap.
    /// </summary>
    public static readonly TimeSpan ClientsSendWithin = TimeSpan.FromMilliseconds(5);

    /// <summary>At this down-after, or less, there is no pause at all: the fence alone stops writes.</summary>
    public static readonly TimeSpan NoPauseAtDownAfter = TimeSpan.FromSeconds(3);

    /// <summary>
    /// Longest wait for the target's offset: 1 to 3 ms when measured, more than a second once, on a machine at load 40 on
    /// two processors. Less than <see cref="LongestPause"/>, so that no client sees more than a pause.
    /// </summary>
    public static readonly TimeSpan LongestCatchUp = TimeSpan.FromSeconds(2);

    /// <summary>
    /// An epoch that was won longer ago is won anew before anything is announced: the votes are good for
    /// <see cref="LeadershipPolicy.WonEpochIsGoodFor"/>, and the announcement itself takes a moment.
    /// </summary>
    public static readonly TimeSpan WinAgainAfter = TimeSpan.FromMilliseconds(700);

    /// <summary>A replica that heard nothing from its master for longer is no target: the master pings every 2 s as shipped.</summary>
    public static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(5);

    /// <summary>
    /// A target is at most so many bytes behind before the fence; the rest must arrive within <see cref="LongestCatchUp"/>.
    /// </summary>
    public const long LargestLag = 16L << 20;

    /// <summary>
    /// How long a target that does not rewrite its AOF is preferred: a small rewrite ends within it. Refusing for longer would be worse:
    /// the master ends anyway, and Sentinel then promotes that same replica, with writes lost. Under writers at full speed every replica
    /// rewrote for longer than the time-out (measured once).
    /// </summary>
    public static readonly TimeSpan RewritePatience = TimeSpan.FromSeconds(5);

    /// <summary>Shortest <c>--timeout</c>: the votes, the cut-over, and room for one wait.</summary>
    public static readonly TimeSpan ShortestTimeout = TimeSpan.FromSeconds(8);

    /// <summary>Longest <c>--timeout</c>. After it, no hand-over that began is still going on, whoever started it.</summary>
    public static readonly TimeSpan LongestTimeout = TimeSpan.FromSeconds(120);

    /// <summary>The part of <c>--timeout</c> that is kept for recovery: no step that can still be left undone begins in it.</summary>
    public static readonly TimeSpan RecoveryReserve = TimeSpan.FromSeconds(3);

    /// <summary>
    /// Longest search for the outcome of a command whose answer is lost. A fence of ours that stands for 30 s is taken for one left
    /// behind and lifted (<see cref="FencePolicy.StepDownPatience"/>); a demotion after that could lose what was written since.
    /// </summary>
    public static readonly TimeSpan LongestQuestion = TimeSpan.FromSeconds(5);

    /// <summary>How long to pause CLIENTs; null: not at all.</summary>
    /// <param name="downAfter">Sentinel's down-after.</param>
    public static TimeSpan? Pause(TimeSpan downAfter)
    {
        if (downAfter <= NoPauseAtDownAfter) return null;
        var most = downAfter - TimeSpan.FromSeconds(2);
        return most < LongestPause ? most : LongestPause;
    }
}
