namespace Sidecars.TestKit.Processes;

/// <summary>Waiting for a condition: polled, bounded, and with a message that says what was waited for and what was seen.</summary>
public static class Eventually
{
    /// <summary>Enough for any single step of a test on a machine of two busy cores; reached only when the step failed.</summary>
    public static readonly TimeSpan DefaultDeadline = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(20);

    /// <summary>Returns as soon as <paramref name="condition"/> holds.</summary>
    /// <param name="what">Completes the sentence "Waited for …".</param>
    /// <param name="condition">Polled every 20 ms; what it throws ends the wait.</param>
    /// <param name="deadline">Default <see cref="DefaultDeadline"/>.</param>
    /// <param name="seen">For the message of the time-out: the state at its end.</param>
    /// <param name="cancellation">Ends the wait early.</param>
    /// <exception cref="TimeoutException">The condition did not hold in time.</exception>
    public static async Task UntilAsync(
        string what, Func<Task<bool>> condition, TimeSpan? deadline = null, Func<string>? seen = null,
        CancellationToken cancellation = default)
    {
        var started = TimeProvider.System.GetTimestamp();
        var limit = deadline ?? DefaultDeadline;
        while (!await condition())
        {
            if (TimeProvider.System.GetElapsedTime(started) > limit)
                throw new TimeoutException($"Waited {limit.TotalSeconds:0.#} s for {what}.{(seen is null ? "" : "\n" + seen())}");
            await Task.Delay(PollInterval, TimeProvider.System, cancellation);
        }
    }

    /// <summary>As the other overload, for a condition that answers at once.</summary>
    public static Task UntilAsync(
        string what, Func<bool> condition, TimeSpan? deadline = null, Func<string>? seen = null,
        CancellationToken cancellation = default) =>
        UntilAsync(what, () => Task.FromResult(condition()), deadline, seen, cancellation);
}
