using Polly;
using Sidecars.Core.Primitives;

namespace Sidecars.Retries;

/// <summary>A try that failed and may be repeated.</summary>
/// <param name="Asked">How long the peer asked to wait (<see cref="RetryAfter"/>); null: it did not.</param>
public sealed record FailedTry(TimeSpan? Asked = null);

/// <summary>How one kind of call is repeated.</summary>
/// <param name="Schedule">The pauses between tries, where the peer does not ask for longer ones.</param>
public sealed record RetryRules(BackoffSchedule Schedule)
{
    /// <summary>
    /// What a try came to; null: it is done, or repeating it does not help. A try whose write may have been carried out is repeated only
    /// where it begins with a read, or writes what may be written twice. By default a try returns its <see cref="FailedTry"/>, or null.
    /// </summary>
    public Func<Outcome<object>, FailedTry?> Failed { get; init; } = static outcome => outcome.Result as FailedTry;

    /// <summary>Called with each failure that is followed by another try, and how many there have been; before the pause.</summary>
    public Action<Outcome<object>, int>? Told { get; init; }

    /// <summary>Tries in all, at least 2; by default as many as it takes, until it is cancelled.</summary>
    public int MostTries { get; init; } = int.MaxValue;

    /// <summary>
    /// Longest that all pauses of one call come to. A pause that would exceed it is not begun: the caller gets the failure at once, and
    /// with it what the peer asked for. Each try has a deadline of its own, so that these three bound the whole.
    /// </summary>
    public TimeSpan MostWait { get; init; } = TimeSpan.MaxValue;
}
