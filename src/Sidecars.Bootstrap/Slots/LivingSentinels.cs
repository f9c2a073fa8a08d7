using Sidecars.Core.Sentinel;

namespace Sidecars.Bootstrap.Slots;

/// <summary>Which Sentinels live, by their ids.</summary>
/// <param name="Answering">Those that answered us.</param>
/// <param name="Reported">
/// Those that an answering one has heard of and does not think down; a dead one is among them for down-after.
/// </param>
public sealed record LivingSentinels(IReadOnlySet<string> Answering, IReadOnlySet<string> Reported)
{
    /// <summary>Takes them from one look at all Sentinels.</summary>
    public static LivingSentinels Of(IEnumerable<SentinelObservation> observations)
    {
        ArgumentNullException.ThrowIfNull(observations);
        var answering = new HashSet<string>(StringComparer.Ordinal);
        var reported = new HashSet<string>(StringComparer.Ordinal);
        foreach (var observation in observations)
        {
            if (observation is not SentinelObservation.Known known) continue;
            answering.Add(known.View.MyId);
            foreach (var other in known.View.Others)
                if (!other.Down) reported.Add(other.MyId);
        }

        return new LivingSentinels(answering, reported);
    }
}
