using Sidecars.Core.Primitives;

namespace Sidecars.Failover.Publish;

/// <summary>
/// Follows one change until all servers of its target know it, for a metric alone: later and later, and given up at the first call that
/// fails, since calls are few where they fail (Route 53: five a second an account), and another tenant's switch needs them more.
/// </summary>
/// <param name="isPropagated">Asks the target; null: it can't be asked now.</param>
/// <param name="time">Its clock.</param>
/// <param name="random">A number in [0, 1) for the jitter.</param>
public sealed class Propagation(Func<CancellationToken, Task<bool?>> isPropagated, TimeProvider time, Func<double> random)
{
    // Generally within a minute: 10, 20, 40, 80, 160 s and jitter, five calls at most.
    private const int MostCalls = 5;
    private static readonly BackoffSchedule Pauses = new(TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(160));
    private readonly long _writtenAt = time.GetTimestamp();
    private long _askedAt = time.GetTimestamp();
    private TimeSpan _pause = TimeSpan.FromSeconds(10 + (10 * random()));
    private int _calls;

    /// <summary>Until it is to be asked again; zero or less: now.</summary>
    public TimeSpan DueIn => _pause - time.GetElapsedTime(_askedAt);

    /// <summary>Asks. Done: nothing more is to be asked; Took: how long it took, null where that is not known.</summary>
    public async Task<(bool Done, TimeSpan? Took)> AskAsync(CancellationToken cancellation)
    {
        var isThere = await isPropagated(cancellation).ConfigureAwait(false);
        if (isThere == true) return (true, time.GetElapsedTime(_writtenAt));
        (_askedAt, _pause) = (time.GetTimestamp(), Pauses.DelayAfter(++_calls, random()));
        return (isThere is null || _calls >= MostCalls, null);
    }
}
