namespace Sidecars.Contract.Tests;

/// <summary>A clock that starts now and moves only when a test sets it ahead. Timers are real.</summary>
internal sealed class AheadTime : TimeProvider
{
    private readonly DateTimeOffset _start = System.GetUtcNow();
    private long _ahead;

    /// <summary>By how much.</summary>
    public TimeSpan Ahead
    {
        get => TimeSpan.FromTicks(Interlocked.Read(ref _ahead));
        set => Interlocked.Exchange(ref _ahead, value.Ticks);
    }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Ahead.Ticks;

    public override DateTimeOffset GetUtcNow() => _start + Ahead;
}
