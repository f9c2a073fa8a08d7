using Sidecars.Core.Primitives;

namespace Sidecars.Retries;

/// <summary>
/// The pause of one caller between failures: it grows with each (<see cref="BackoffSchedule"/>), is never shorter than what the peer
/// asked for (<see cref="RetryAfter"/>), and begins anew after a success. Not safe for concurrent use.
/// </summary>
/// <param name="schedule">How it grows.</param>
/// <param name="time">Its clock.</param>
/// <param name="random">A number in [0, 1) for the jitter.</param>
public sealed class RetryPause(BackoffSchedule schedule, TimeProvider time, Func<double> random)
{
    private long _failedAt;
    private TimeSpan _pause;
    private bool _isAsked;

    /// <summary>Since the last success.</summary>
    public int Failures { get; private set; }

    /// <summary>True from a failure until the next success.</summary>
    public bool IsFailing => Failures > 0;

    /// <summary>Until the next try is due; zero: now.</summary>
    public TimeSpan Left => IsFailing && _pause - time.GetElapsedTime(_failedAt) is { Ticks: > 0 } left ? left : TimeSpan.Zero;

    /// <summary>The same where the peer asked to wait, which every caller keeps to, whatever is new; zero: it did not.</summary>
    public TimeSpan AskedLeft => _isAsked ? Left : TimeSpan.Zero;

    /// <summary>Records a try that succeeded.</summary>
    public void Succeeded() => Failures = 0;

    /// <summary>Records a failed try and returns the pause until the next.</summary>
    /// <param name="asked">What the peer asked to wait; null: it did not.</param>
    public TimeSpan Failed(TimeSpan? asked = null)
    {
        _pause = schedule.DelayAfter(Failures, random());
        // Later by up to a quarter: those who were told the same in the same moment must not all come back in one.
        if (asked > _pause) _pause = asked.Value * (1 + (random() / 4));
        (Failures, _failedAt, _isAsked) = (Failures + 1, time.GetTimestamp(), asked is not null);
        return _pause;
    }
}
