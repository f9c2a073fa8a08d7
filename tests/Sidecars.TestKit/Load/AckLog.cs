namespace Sidecars.TestKit.Load;

/// <summary>When writes were acknowledged, on the monotonic clock: how many, and the longest time without one.</summary>
public sealed class AckLog
{
    private readonly Lock _gate = new();
    private readonly List<AckMark> _marks = [];
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _count;
    private long _last;

    /// <summary>Acknowledged writes.</summary>
    public long Count => Interlocked.Read(ref _count);

    /// <summary>Completes with the first acknowledgement.</summary>
    public Task First => _first.Task;

    /// <summary>Time since the last acknowledgement; zero before the first.</summary>
    public TimeSpan CurrentGap
    {
        get
        {
            lock (_gate) return _count == 0 ? TimeSpan.Zero : TimeProvider.System.GetElapsedTime(_last);
        }
    }

    /// <summary>From now on, the longest gap is measured apart; the gap that is open now counts with it.</summary>
    public AckMark Mark()
    {
        lock (_gate)
        {
            var mark = new AckMark(this, _count);
            _marks.Add(mark);
            return mark;
        }
    }

    internal void Acknowledged()
    {
        lock (_gate)
        {
            var now = TimeProvider.System.GetTimestamp();
            if (_count++ == 0)
            {
                _first.TrySetResult();
            }
            else
            {
                var gap = TimeProvider.System.GetElapsedTime(_last, now);
                foreach (var mark in _marks) mark.Closed(gap);
            }

            _last = now;
        }
    }
}

/// <summary>A moment from which gaps are measured.</summary>
public sealed class AckMark
{
    private readonly AckLog _log;
    private readonly long _countAtMark;
    private long _longestTicks;

    internal AckMark(AckLog log, long count) => (_log, _countAtMark) = (log, count);

    /// <summary>Writes acknowledged since.</summary>
    public long Count => _log.Count - _countAtMark;

    /// <summary>The longest time without an acknowledgement since, the one that still lasts included.</summary>
    public TimeSpan LongestGap
    {
        get
        {
            var open = _log.CurrentGap;
            var closed = TimeSpan.FromTicks(Interlocked.Read(ref _longestTicks));
            return open > closed ? open : closed;
        }
    }

    internal void Closed(TimeSpan gap)
    {
        if (gap.Ticks > _longestTicks) Interlocked.Exchange(ref _longestTicks, gap.Ticks);
    }
}
