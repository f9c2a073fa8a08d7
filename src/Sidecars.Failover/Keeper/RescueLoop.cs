using Sidecars.Core.Lineage;

namespace Sidecars.Failover.Keeper;

/// <summary>
/// Looks for the data that were put aside on this node's volume: a listing and a few small files, at the start and every 30 s. Apart from
/// the scrape, which must not wait for a volume that hangs.
/// </summary>
/// <param name="look">The rescues, oldest first.</param>
/// <param name="time">The clock.</param>
internal sealed class RescueLoop(Func<DiskFact<IReadOnlyList<Rescue>>> look, TimeProvider time)
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(30);

    private volatile IReadOnlyList<Rescue>? _kept;

    /// <summary>How many there are; null before the first look, and while the volume can't be read.</summary>
    public int? Count => _kept?.Count;

    /// <summary>Age of the newest; 0 where the clock was set back since. Null where there is none, or its name says no time.</summary>
    public TimeSpan? Age => _kept is [.., { MadeAt: { } at }] ? Since(at) : null;

    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            _kept = look().Value;
            await Task.Delay(Period, time, cancellation).ConfigureAwait(false);
        }
    }

    private TimeSpan Since(DateTimeOffset at) => time.GetUtcNow() is var now && at < now ? now - at : TimeSpan.Zero;
}
