namespace Sidecars.TestKit.Pods;

/// <summary>What others see of a value that changes: each change after a lag, and none while it is frozen.</summary>
/// <param name="initial">What it is at the beginning.</param>
/// <param name="lag">From a change to the moment that others see it.</param>
/// <param name="show">Called with what they see from now on, never twice at once.</param>
internal sealed class LaggingView<T>(T initial, TimeSpan lag, Action<T> show) : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _showing = new(1, 1);
    private readonly Lock _gate = new();
    private T _value = initial;
    private Task _pending = Task.CompletedTask;
    private int _freezes;

    /// <summary>As it is, whatever is seen of it.</summary>
    public T Value
    {
        get
        {
            lock (_gate) return _value;
        }
    }

    /// <summary>Changes it.</summary>
    public void Change(Func<T, T> change)
    {
        lock (_gate)
        {
            _value = change(_value);
            _pending = Task.WhenAll(_pending, ShowLaterAsync(lag));
        }
    }

    /// <summary>Until <see cref="Thaw"/> nobody sees a change.</summary>
    public void Freeze() => Interlocked.Increment(ref _freezes);

    /// <summary>Ends one <see cref="Freeze"/>; with the last of them, all that has changed is seen at once.</summary>
    public void Thaw()
    {
        if (Interlocked.Decrement(ref _freezes) > 0) return;
        lock (_gate) _pending = Task.WhenAll(_pending, ShowLaterAsync(TimeSpan.Zero));
    }

    /// <summary>Everybody sees what is true now.</summary>
    public Task ShowNowAsync() => ShowLaterAsync(TimeSpan.Zero);

    /// <summary>Nothing is shown any more.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _pending;
        _stop.Dispose();
        _showing.Dispose();
    }

    private async Task ShowLaterAsync(TimeSpan after)
    {
        await Task.Delay(after, TimeProvider.System, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_stop.IsCancellationRequested || Volatile.Read(ref _freezes) > 0) return;
        await Task.Run(async () =>
        {
            await _showing.WaitAsync();
            try
            {
                show(Value);
            }
            finally
            {
                _showing.Release();
            }
        });
    }
}
