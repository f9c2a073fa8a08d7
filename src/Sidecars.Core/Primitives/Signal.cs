namespace Sidecars.Core.Primitives;

/// <summary>
/// Wakes every waiter when something has changed; it doesn't say what. Take a <see cref="SignalTicket"/>, look, then wait on the
/// ticket: a change between the look and the wait ends the wait at once. A wait that has ended, whatever ended it, leaves nothing
/// behind: a loop may wait once a second for a signal that is raised once a year. Safe for concurrent use.
/// </summary>
public sealed class Signal
{
    private readonly Lock _gate = new();
    private readonly HashSet<TaskCompletionSource> _waiters = [];
    private long _version;

    /// <summary>Waits in progress.</summary>
    public int Waiters
    {
        get
        {
            lock (_gate) return _waiters.Count;
        }
    }

    /// <summary>How often it was raised.</summary>
    internal long Version
    {
        get
        {
            lock (_gate) return _version;
        }
    }

    /// <summary>Takes a ticket of this moment.</summary>
    public SignalTicket Ticket() => new(this);

    /// <summary>Ends all waits on tickets taken before.</summary>
    public void Raise()
    {
        TaskCompletionSource[] woken;
        lock (_gate)
        {
            _version++;
            woken = [.. _waiters];
            _waiters.Clear();
        }

        foreach (var waiter in woken) waiter.TrySetResult();
    }

    /// <summary>False where it was raised since <paramref name="seen"/>: there is nothing to wait for.</summary>
    internal bool TryAdd(TaskCompletionSource waiter, long seen)
    {
        lock (_gate) return _version == seen && _waiters.Add(waiter);
    }

    internal void Remove(TaskCompletionSource waiter)
    {
        lock (_gate) _waiters.Remove(waiter);
    }
}

/// <summary>A moment in the life of one or several signals: it is over as soon as any of them is raised.</summary>
public sealed class SignalTicket
{
    private readonly Signal[] _signals;
    private readonly long[] _seen;

    /// <summary>Takes the present moment.</summary>
    /// <param name="signals">One or more.</param>
    public SignalTicket(params Signal[] signals)
    {
        ArgumentNullException.ThrowIfNull(signals);
        _signals = signals;
        _seen = Array.ConvertAll(signals, signal => signal.Version);
    }

    /// <summary>True once a signal was raised after the ticket was taken.</summary>
    public bool IsRaised
    {
        get
        {
            for (var i = 0; i < _signals.Length; i++)
                if (_signals[i].Version != _seen[i]) return true;
            return false;
        }
    }

    /// <summary>Waits until a signal is raised, at most so long. True where one was.</summary>
    /// <param name="atMost">Longest wait; zero or less: none.</param>
    /// <param name="time">Its clock.</param>
    /// <param name="cancellation">Ends it with an <see cref="OperationCanceledException"/>.</param>
    public async Task<bool> WaitAsync(TimeSpan atMost, TimeProvider time, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(time);
        cancellation.ThrowIfCancellationRequested();
        if (IsRaised || atMost <= TimeSpan.Zero) return IsRaised;
        // The thread that raises must not run the waiters' continuations.
        var waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            for (var i = 0; i < _signals.Length; i++)
                if (!_signals[i].TryAdd(waiter, _seen[i])) return true;
            using var cancelled = cancellation.UnsafeRegister(
                static (state, token) => ((TaskCompletionSource)state!).TrySetCanceled(token), waiter);
            using var timer = time.CreateTimer(
                static state => ((TaskCompletionSource)state!).TrySetResult(), waiter, atMost, Timeout.InfiniteTimeSpan);
            await waiter.Task.ConfigureAwait(false);
            return IsRaised;
        }
        finally
        {
            foreach (var signal in _signals) signal.Remove(waiter);
        }
    }
}
