using Sidecars.Core.Primitives;

namespace Sidecars.Bootstrap.Rounds;

/// <summary>
/// Waits between rounds: quickly after a change (the next one is near), then slower, jittered, so that pods that started
/// together do not ask in step.
/// </summary>
internal sealed class RoundPacer(BackoffSchedule schedule, TimeProvider time, Random random)
{
    private int _unchanged;

    public async Task WaitAsync(bool changed, CancellationToken cancellation)
    {
        _unchanged = changed ? 0 : _unchanged + 1;
        await Task.Delay(schedule.DelayAfter(_unchanged, random.NextDouble()), time, cancellation).ConfigureAwait(false);
    }
}
