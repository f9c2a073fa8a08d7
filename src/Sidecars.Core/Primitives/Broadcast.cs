namespace Sidecars.Core.Primitives;

/// <summary>
/// Wakes every waiter when something has changed, and says nothing of what: take <see cref="Next"/>, look, and wait for it, so that
/// nothing which happens in between is missed. Safe for concurrent use.
/// </summary>
public sealed class Broadcast
{
    private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes at the next <see cref="Raise"/>.</summary>
    public Task Next => Volatile.Read(ref _next).Task;

    /// <summary>Wakes all that wait.</summary>
    public void Raise() => Interlocked.Exchange(ref _next, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();

    /// <summary>Waits for a change, at most so long.</summary>
    /// <param name="next">A value of <see cref="Next"/> taken before the last look.</param>
    /// <param name="atMost">Longest wait.</param>
    /// <param name="time">Its clock.</param>
    /// <param name="cancellation">Ends it with an <see cref="OperationCanceledException"/>.</param>
    public static async Task WaitAsync(Task next, TimeSpan atMost, TimeProvider time, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(next);
        if (!next.IsCompleted)
        {
            using var waited = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            await Task.WhenAny(next, Task.Delay(atMost, time, waited.Token)).ConfigureAwait(false);
            await waited.CancelAsync().ConfigureAwait(false);
        }

        cancellation.ThrowIfCancellationRequested();
    }
}
