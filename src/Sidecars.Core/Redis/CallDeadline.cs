namespace Sidecars.Core.Redis;

/// <summary>A monotonic point in time by which a call has to be over.</summary>
internal readonly struct CallDeadline(TimeProvider time, TimeSpan budget)
{
    private readonly long _started = time.GetTimestamp();

    /// <summary>What is left: zero or more, or infinite.</summary>
    public TimeSpan Remaining
    {
        get
        {
            if (budget == Timeout.InfiniteTimeSpan) return budget;
            var left = budget - time.GetElapsedTime(_started);
            return left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }
    }
}
