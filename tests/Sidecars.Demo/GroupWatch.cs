using Sidecars.TestKit.Groups;

namespace Sidecars.Demo;

/// <summary>The one observer of the group: looks ten times a second; displays and waits take what it saw.</summary>
internal sealed class GroupWatch : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);
    private readonly CancellationTokenSource _stop = new();
    private readonly LocalGroup _group;
    private readonly Task _running;
    private TaskCompletionSource<GroupState> _next = NewNext();

    public GroupWatch(LocalGroup group)
    {
        _group = group;
        _running = Task.Run(RunAsync);
    }

    /// <summary>The last state seen; null before the first look.</summary>
    public GroupState? Last { get; private set; }

    /// <summary>Waits for a state, seen after the call, for which the condition holds.</summary>
    /// <exception cref="TimeoutException">Not in time; the message has the last state and the end of the nodes' output.</exception>
    public async Task<GroupState> WaitForAsync(
        string what, Func<GroupState, bool> condition, TimeSpan deadline, CancellationToken cancellation)
    {
        var started = TimeProvider.System.GetTimestamp();
        await NextAsync(cancellation); // under way before the call
        while (true)
        {
            var state = await NextAsync(cancellation);
            if (condition(state)) return state;
            if (TimeProvider.System.GetElapsedTime(started) > deadline)
                throw new TimeoutException($"waited {deadline.TotalSeconds:0} s for {what}\n{state}\n{_group.Tails()}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }

    private static TaskCompletionSource<GroupState> NewNext() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private Task<GroupState> NextAsync(CancellationToken cancellation) => Volatile.Read(ref _next).Task.WaitAsync(cancellation);

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                Last = await _group.ObserveAsync(_stop.Token);
                Interlocked.Exchange(ref _next, NewNext()).SetResult(Last);
                await Task.Delay(Interval, TimeProvider.System, _stop.Token);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // asked to stop
        }
        catch (Exception e)
        {
            _next.SetException(e); // who waits fails with it
            throw;
        }
    }
}
