namespace Sidecars.Core.Primitives;

/// <summary>
/// The one schedule of pauses, of loops that look again and of calls that are repeated (<c>Sidecars.Retries</c>, over Polly) alike. It is
/// here, and not Polly's, because <c>redis-bootstrap</c> paces its rounds by it and carries no Polly. Bounded exponential backoff, jittered
/// in its upper half: each step waits between half and all of <c>min(First * 2^n, Max)</c>, so that pods that started together do not stay
/// in step, and none asks more often than the lower half allows (jitter down to zero would). Pure: the random source is a parameter of
/// <see cref="DelayAfter"/>.
/// </summary>
/// <param name="First">The first step's upper bound; more than zero.</param>
/// <param name="Max">No step waits longer; at least <paramref name="First"/>.</param>
public sealed record BackoffSchedule(TimeSpan First, TimeSpan Max)
{
    /// <summary>Calculates the delay before try <paramref name="failures"/> + 1.</summary>
    /// <param name="failures">Tries that have failed so far, 0 or more.</param>
    /// <param name="random">A number in [0, 1).</param>
    public TimeSpan DelayAfter(int failures, double random)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(failures);
        var doublings = Math.Min(failures, 30); // 2^30 times any step is past every maximum in use; more would overflow
        var bound = Math.Min(First.TotalMilliseconds * Math.Pow(2, doublings), Max.TotalMilliseconds);
        return TimeSpan.FromMilliseconds(bound * (0.5 + (Math.Clamp(random, 0, 1) / 2)));
    }
}
