using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Retries;

namespace Sidecars.Failover.Keeper;

/// <summary>
/// Keeps the highest epoch in its store, for the process that already looks at the Sentinels (the failover sidecar). Any
/// number of them may run: raising is idempotent. While nothing changes it costs no call to the store.
/// </summary>
/// <param name="observe">One look at all Sentinels.</param>
/// <param name="store">Where the epoch is kept.</param>
/// <param name="sentinelCount">How many Sentinels there should be.</param>
/// <param name="period">Between two looks. All Sentinels lost within it of a failover forget that epoch: 1 s is a good value.</param>
/// <param name="report">Called with every decision and what it was taken from; the caller logs changes and counts refusals by code.</param>
/// <param name="time">For the period.</param>
/// <param name="random">A number in [0, 1) for the jitter of the pauses between calls of the store that fail.</param>
public sealed class EpochKeeperLoop(
    Func<CancellationToken, Task<IReadOnlyCollection<SentinelObservation>>> observe,
    IEpochStore store,
    int sentinelCount,
    TimeSpan period,
    Action<EpochKeeping, EpochKeeperFacts> report,
    TimeProvider time,
    Func<double> random)
{
    // A store that is away is asked ever more rarely, whatever the period.
    private readonly RetryPause _failing = new(new BackoffSchedule(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30)), time, random);

    private EpochReading _stored = new EpochReading.Unavailable($"{store.Description} was not read yet");

    /// <summary>Looks until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            await RoundAsync(cancellation).ConfigureAwait(false);
            await Task.Delay(period, time, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Looks once, and raises what is to be raised.</summary>
    public async Task RoundAsync(CancellationToken cancellation)
    {
        // What was read once can only have been raised since: a re-read is needed only where nothing is known.
        if (_stored is EpochReading.Unavailable && _failing.Left == TimeSpan.Zero)
            Note(await store.ReadAsync(cancellation).ConfigureAwait(false));
        var facts = new EpochKeeperFacts(_stored, await observe(cancellation).ConfigureAwait(false), sentinelCount);
        var decision = EpochKeeperPolicy.Decide(facts);
        report(decision, facts);
        if (decision is EpochKeeping.Raise raise)
            Note(await store.RaiseAsync(raise.Epoch, raise.Master, cancellation).ConfigureAwait(false));
    }

    private void Note(EpochReading reading)
    {
        _stored = reading;
        if (reading is EpochReading.Unavailable) _failing.Failed();
        else _failing.Succeeded();
    }
}
