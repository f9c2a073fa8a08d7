using System.Globalization;
using System.Text.Json.Serialization;

namespace Sidecars.Demo.Bench.Switch;

/// <summary>One client in one scenario.</summary>
internal sealed record SwitchRow
{
    public required string Scenario { get; init; }

    public required string Client { get; init; }

    public required int Runs { get; init; }

    public required double? MedianGapMs { get; init; }

    public required double? LongestGapMs { get; init; }

    public required long Acknowledged { get; init; }

    public required long Lost { get; init; }

    public required bool MayLose { get; init; }

    /// <summary>That the application saw in all runs, by type.</summary>
    public required IReadOnlyDictionary<string, long> Errors { get; init; }

    /// <summary>Longest gap of each run, in order.</summary>
    public required IReadOnlyList<double> GapsMs { get; init; }

    /// <summary>
    /// From the promotion to the last Sentinel's switch in each run, in order; null where it can't be told, as in a rolling restart.
    /// </summary>
    public required IReadOnlyList<double?> ToldWithinMs { get; init; }

    /// <summary>Why a run could not be finished.</summary>
    public required IReadOnlyList<string> Failed { get; init; }

    public static SwitchRow Of(
        SwitchScenario scenario, string client, IReadOnlyList<Noticed> noticed, long lost, IReadOnlyList<string> failed)
    {
        double[] gaps = [.. noticed.Select(n => Math.Round(n.LongestGapMs, 1))];
        return new SwitchRow
        {
            Scenario = scenario.Title,
            Client = client,
            Runs = noticed.Count,
            MedianGapMs = Median(gaps),
            LongestGapMs = gaps.Length == 0 ? null : gaps.Max(),
            Acknowledged = noticed.Sum(n => n.Acknowledged),
            Lost = lost,
            MayLose = scenario.MayLose,
            Errors = noticed.SelectMany(n => n.Errors).GroupBy(e => e.Key).ToDictionary(g => g.Key, g => g.Sum(e => e.Value)),
            GapsMs = gaps,
            ToldWithinMs = [.. noticed.Select(n => n.ToldWithinMs)],
            Failed = failed,
        };
    }

    /// <summary>Types and numbers in one text.</summary>
    [JsonIgnore]
    public string ErrorText => Errors.Count == 0
        ? "none"
        : string.Join(", ", Errors.Select(e => string.Create(CultureInfo.InvariantCulture, $"{e.Key} {e.Value}")));

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Scenario,-28}{Client,-20}{Runs,3} runs, gap median {MedianGapMs,7:0.0} ms, longest {LongestGapMs,7:0.0} ms, "
        + $"{Lost} of {Acknowledged} lost; errors: {ErrorText}")
        + (ToldWithinMs.Max() is { } told ? FormattableString.Invariant($"; all Sentinels told within {told:0} ms") : "")
        + string.Concat(Failed.Select(why => $"\n  FAILED: {why}"));

    private static double? Median(double[] values)
    {
        if (values.Length == 0) return null;
        double[] sorted = [.. values.Order()];
        var middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
