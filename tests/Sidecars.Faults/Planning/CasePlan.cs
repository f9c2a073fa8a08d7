using System.Collections.Immutable;

namespace Sidecars.Faults.Planning;

/// <summary>Faults that overlap; after them the group must heal.</summary>
internal sealed record FaultRound(ImmutableArray<FaultStep> Steps)
{
    /// <summary>True where every copy of the data is lost, and no backup brings it back.</summary>
    public bool LosesEverything => Steps.Any(step => step.Kind == FaultKind.EmptyVolumes);

    /// <summary>For people.</summary>
    public override string ToString() => string.Join(" + ", Steps);
}

/// <summary>What is done to one group from its start to its end.</summary>
/// <param name="Seed">Of the campaign.</param>
/// <param name="Index">Number of the case, from 0.</param>
/// <param name="Hosts">3 or 5.</param>
/// <param name="Rounds">One after the other.</param>
internal sealed record CasePlan(int Seed, int Index, int Hosts, ImmutableArray<FaultRound> Rounds)
{
    /// <summary>False: no pod reaches itself by the address of its own Service.</summary>
    public bool Hairpin { get; init; } = true;

    /// <summary>One fault, in a group of three.</summary>
    public static CasePlan Single(FaultKind kind, FaultTarget target, TimeSpan lasts, int hosts = 3, double strength = 0.3) =>
        new(0, 0, hosts, [new FaultRound([new FaultStep(kind, target, 0, TimeSpan.Zero, lasts, strength)])]);

    /// <summary>True where one of its faults is one of these.</summary>
    public bool Has(params ReadOnlySpan<FaultKind> kinds)
    {
        foreach (var step in Rounds.SelectMany(round => round.Steps))
            if (kinds.Contains(step.Kind)) return true;
        return false;
    }

    /// <summary>True where one of its faults needs this.</summary>
    public bool Needs(FaultNeeds need) => Rounds.Any(round => round.Steps.Any(step => FaultNames.TraitsOf(step.Kind).Needs.HasFlag(need)));

    /// <summary>For people.</summary>
    public override string ToString() =>
        FormattableString.Invariant($"{Hosts} hosts{(Hairpin ? "" : ", no hairpin")}: {string.Join("; then ", Rounds)}");
}
