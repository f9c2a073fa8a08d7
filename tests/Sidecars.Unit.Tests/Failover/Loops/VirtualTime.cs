namespace Sidecars.Unit.Tests.Failover.Loops;

/// <summary>
/// A clock that jumps from timer to timer, and knows whether everybody sleeps: a loop that sleeps holds one timer, a call under way holds
/// its deadline (a timer of a <see cref="CancellationTokenSource"/>), which is not counted. So a virtual day of many loops runs as fast
/// as their work allows, and nothing moves while one of them is at work.
/// </summary>
internal sealed class VirtualTime : TimeProvider
{
    // Real time that one step may take on a machine with more to do; reached only where a loop hangs.
    private static readonly TimeSpan Stuck = TimeSpan.FromSeconds(60);

    private readonly Lock _gate = new();
    private readonly PriorityQueue<(Timer Timer, int Arming), (long At, long Order)> _queue = new();
    private long _now;
    private long _order;
    private int _sleepers;
    private int _deadlines;

    /// <summary>Timers that are armed and no deadline of a call.</summary>
    public int Sleepers => Volatile.Read(ref _sleepers);

    /// <summary>Deadlines of calls under way.</summary>
    public int Deadlines => Volatile.Read(ref _deadlines);

    public TimeSpan Now => TimeSpan.FromTicks(GetTimestamp());

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Interlocked.Read(ref _now);

    public override DateTimeOffset GetUtcNow() => new DateTimeOffset(2026, 11, 20, 10, 0, 0, TimeSpan.Zero).AddTicks(GetTimestamp());

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Lets so much time pass; before each step and at the end everybody sleeps again.</summary>
    public void Run(TimeSpan span, Func<bool> isIdle)
    {
        var end = GetTimestamp() + span.Ticks;
        Settle(isIdle);
        while (TryTake(end) is { } timer)
        {
            timer.Fire();
            Settle(isIdle);
        }

        Interlocked.Exchange(ref _now, end);
    }

    /// <summary>Lets so much time pass at once; what was due within it is due now.</summary>
    public void Skip(TimeSpan span) => Interlocked.Add(ref _now, span.Ticks);

    /// <summary>Waits, without any time passing, until a condition holds.</summary>
    public void Settle(Func<bool> isIdle)
    {
        var spin = default(SpinWait);
        for (var began = System.GetTimestamp(); !isIdle(); spin.SpinOnce(sleep1Threshold: 50))
            if (System.GetElapsedTime(began) > Stuck) throw new TimeoutException($"at {Now}: {Sleepers} timers are armed");
    }

    private Timer? TryTake(long end)
    {
        lock (_gate)
        {
            while (_queue.TryPeek(out var next, out var due) && due.At <= end)
            {
                _queue.Dequeue();
                if (!next.Timer.Disarm(next.Arming)) continue;
                if (due.At > _now) Interlocked.Exchange(ref _now, due.At);
                return next.Timer;
            }
        }

        return null;
    }

    private sealed class Timer(VirtualTime owner, TimerCallback callback, object? state) : ITimer
    {
        private TimeSpan _period;
        private int _arming;
        private bool _isArmed;

        private bool IsDeadline => state is CancellationTokenSource;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (owner._gate)
            {
                _ = Disarm(_arming);
                _period = period;
                if (dueTime < TimeSpan.Zero) return true;
                (_isArmed, _arming) = (true, _arming + 1);
                owner._queue.Enqueue((this, _arming), (owner._now + dueTime.Ticks, owner._order++));
                Count(1);
            }

            return true;
        }

        // Under the owner's lock.
        public bool Disarm(int arming)
        {
            if (!_isArmed || arming != _arming) return false;
            _isArmed = false;
            Count(-1);
            return true;
        }

        private void Count(int by)
        {
            if (IsDeadline) Volatile.Write(ref owner._deadlines, owner._deadlines + by);
            else Volatile.Write(ref owner._sleepers, owner._sleepers + by);
        }

        public void Fire()
        {
            if (_period > TimeSpan.Zero) Change(_period, _period);
            callback(state);
        }

        public void Dispose()
        {
            lock (owner._gate) _ = Disarm(_arming);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
