using System.Collections.Concurrent;
using Sidecars.Core.Primitives;

namespace Sidecars.Failover.Decisions;

/// <summary>State of one loop.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Failures">How often it has ended with an exception.</param>
/// <param name="LastError">Of the last one; null: none.</param>
/// <param name="IsRunning">False while it waits to be started again.</param>
public sealed record LoopState(string Name, long Failures, string? LastError, bool IsRunning);

/// <summary>Runs loops side by side: each fails alone and is started again, later and later while it goes on failing.</summary>
/// <param name="backoff">Between an end and the next start.</param>
/// <param name="failed">Told of each failure.</param>
/// <param name="time">Its clock.</param>
/// <param name="random">A number in [0, 1) for the jitter.</param>
/// <param name="started">Told of each loop before it runs.</param>
public sealed class Supervisor(
    BackoffSchedule backoff, Action<string, Exception> failed, TimeProvider time, Func<double> random, Action<string>? started = null)
{
    // A loop that has run for so long starts from the first step again.
    private static readonly TimeSpan Settled = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, LoopState> _states = new();
    private readonly ConcurrentBag<Task> _running = [];

    /// <summary>All loops, by name.</summary>
    public IReadOnlyList<LoopState> States => [.. _states.Values.OrderBy(s => s.Name, StringComparer.Ordinal)];

    /// <summary>Starts a loop, which is kept running until it is cancelled.</summary>
    public void Start(string name, Func<CancellationToken, Task> loop, CancellationToken cancellation) =>
        _running.Add(KeepAsync(name, loop, cancellation));

    /// <summary>Completes when all of them have ended; never fails.</summary>
    public Task WhenEndedAsync() => Task.WhenAll(_running);

    /// <summary>
    /// Keeps a loop running for a caller that waits for its end, after which it is no longer among <see cref="States"/>; never fails.
    /// </summary>
    public async Task KeepAsync(string name, Func<CancellationToken, Task> loop, CancellationToken cancellation)
    {
        _states[name] = new LoopState(name, 0, null, true);
        started?.Invoke(name);
        await Task.Run(() => RunAsync(name, loop, cancellation), CancellationToken.None).ConfigureAwait(false);
        _states.TryRemove(name, out _);
    }

    private async Task RunAsync(string name, Func<CancellationToken, Task> loop, CancellationToken cancellation)
    {
        for (var failures = 0; !cancellation.IsCancellationRequested;)
        {
            var started = time.GetTimestamp();
            try
            {
                await loop(cancellation).ConfigureAwait(false);
                if (cancellation.IsCancellationRequested) return;
                throw new InvalidOperationException("the loop ended by itself");
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) // whatever it is: the other loops go on, and this one is tried again
            {
                if (time.GetElapsedTime(started) > Settled) failures = 0;
                _states[name] = new LoopState(name, _states[name].Failures + 1, e.Message, IsRunning: false);
                Tell(name, e);
            }

            await Task.Delay(
                backoff.DelayAfter(failures++, random()), time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _states[name] = _states[name] with { IsRunning = true };
        }
    }

    // What can't be told (the log's pipe is closed) must not be the end of the loop.
    private void Tell(string name, Exception e)
    {
        try
        {
            failed(name, e);
        }
        catch (Exception)
        {
            // The state says it.
        }
    }
}
