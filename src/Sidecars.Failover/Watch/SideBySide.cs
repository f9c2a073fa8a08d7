namespace Sidecars.Failover.Watch;

/// <summary>Runs loops that belong together: none goes on without the others, and no failure is left unseen.</summary>
public static class SideBySide
{
    /// <summary>Runs them until one ends, ends the others, and throws what the first failure was.</summary>
    /// <param name="cancellation">Ends all.</param>
    /// <param name="loops">Each runs until its token is cancelled.</param>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was cancelled.</exception>
    /// <exception cref="InvalidOperationException">A loop ended by itself.</exception>
    public static async Task RunAsync(CancellationToken cancellation, params Func<CancellationToken, Task>[] loops)
    {
        ArgumentNullException.ThrowIfNull(loops);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        await Task.WhenAll(loops.Select(loop => RunOneAsync(loop, either, cancellation))).ConfigureAwait(false);
    }

    // The token of another's end is no failure of this one: WhenAll throws a failure before a cancellation.
    private static async Task RunOneAsync(
        Func<CancellationToken, Task> loop, CancellationTokenSource either, CancellationToken cancellation)
    {
        try
        {
            await loop(either.Token).ConfigureAwait(false);
            cancellation.ThrowIfCancellationRequested();
            if (!either.IsCancellationRequested) throw new InvalidOperationException("a loop ended by itself");
        }
        finally
        {
            await either.CancelAsync().ConfigureAwait(false);
        }
    }
}
