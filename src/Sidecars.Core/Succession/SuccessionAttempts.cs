using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;

namespace Sidecars.Core.Succession;

/// <summary>Attempts at one succession, and what each leaves for the next.</summary>
/// <param name="runner">Carries one out.</param>
/// <param name="sentinelCount">Configured number of Sentinels.</param>
public sealed class SuccessionAttempts(SuccessionRunner runner, int sentinelCount)
{
    /// <summary>
    /// Attempts that did not begin, until a Sentinel is asked instead: one that won its epoch leaves an unused vote, which keeps Sentinels
    /// from acting by themselves.
    /// </summary>
    public const int Most = 5;

    private int _notBegun;

    /// <summary>The highest epoch that was met: the next attempt starts above it.</summary>
    public long LearntEpoch { get; private set; }

    /// <summary>The process that an attempt has promoted, or may have; null: none.</summary>
    public string? Promoted { get; private set; }

    /// <summary>Why the Sentinels can't be told, so that one of them is to be asked; null: they can, as far as is known.</summary>
    public string? GivenUp { get; private set; }

    /// <summary>
    /// The Sentinels that answered last: one that is silent would hold every step up for its deadline, and hears of it from the others.
    /// </summary>
    public static IEnumerable<RedisEndpoint> Answering(IEnumerable<SentinelObservation> seen) =>
        seen.OfType<SentinelObservation.Known>().Select(s => s.Endpoint);

    /// <summary>Tries once.</summary>
    /// <param name="plan">Who succeeds whom.</param>
    /// <param name="seen">What the Sentinels said last.</param>
    /// <param name="cancellation">Ends it, however far it is.</param>
    public async Task<SuccessionOutcome> RunAsync(
        SuccessionPlan plan, IEnumerable<SentinelObservation> seen, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(plan);
        var outcome = await runner.RunAsync(plan, [.. Answering(seen)], sentinelCount, LearntEpoch, cancellation).ConfigureAwait(false);
        Learn(outcome.HighestEpoch);
        if (outcome is not SuccessionOutcome.NotBegun not) Promoted = plan.Target.RunId;
        else if (not.IsLasting || ++_notBegun >= Most) GivenUp = not.Reason;
        return outcome;
    }

    /// <summary>An epoch that was met elsewhere.</summary>
    public void Learn(long epoch) => LearntEpoch = Math.Max(LearntEpoch, epoch);

    /// <summary>Another succession begins, or a Sentinel was asked: telling is tried again. The epoch that was met stays.</summary>
    public void StartOver() => (_notBegun, Promoted, GivenUp) = (0, null, null);
}
