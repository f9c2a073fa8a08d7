using Sidecars.Faults.Checks;
using Sidecars.Faults.Planning;

namespace Sidecars.Faults;

/// <summary>What a round showed.</summary>
internal sealed record RoundReport(
    string Faults, IReadOnlyList<string> Met, double HealedMs, double LongestGapMs, long Acknowledged, IReadOnlyList<Loss> Losses);

/// <summary>What a case showed.</summary>
internal sealed record CaseReport(CasePlan Plan, IReadOnlyList<RoundReport> Rounds, IReadOnlyList<Violation> Violations)
{
    /// <summary>The longest time in which two nodes accepted writes.</summary>
    public double LongestDualMs { get; init; }

    /// <summary>Writes to the published records.</summary>
    public int RecordWrites { get; init; }

    /// <summary>Containers that ended by themselves and were started again: name and exit code.</summary>
    public IReadOnlyList<string> Restarts { get; init; } = [];

    /// <summary>Everybody's output; only where something was violated.</summary>
    public string Output { get; init; } = "";

    /// <summary>Seconds that it took.</summary>
    public double Seconds { get; init; }

    /// <summary>The command that does the same again.</summary>
    public string Reproduction => FormattableString.Invariant($"scripts/faults --seed {Plan.Seed} --case {Plan.Index}");
}
