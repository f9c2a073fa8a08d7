using System.Collections.Immutable;

namespace Sidecars.Faults.Planning;

/// <summary>Makes plans from a seed. Pure: the same seed, index, number of hosts and kinds give the same plan, on every machine.</summary>
internal static class CasePlanner
{
    private const int SeedStride = 1_000_003; // a prime, so that neighbouring seeds share no case
    private const int MaxRounds = 3;
    private const double TwoAtOnce = 0.45;
    private const double FiveHosts = 0.2;
    private const double NoHairpin = 0.15;
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(5); // of the second fault of a round: about down-after
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(14); // beyond a failover, and beyond Sentinel's demotion of a zombie

    /// <summary>Makes one.</summary>
    /// <param name="seed">Of the campaign.</param>
    /// <param name="index">Number of the case.</param>
    /// <param name="hosts">3 or 5; 0: most have 3.</param>
    /// <param name="kinds">To choose from.</param>
    public static CasePlan Plan(int seed, int index, int hosts, IReadOnlyList<FaultKind> kinds)
    {
        var random = new Random(unchecked((seed * SeedStride) + index));
        var five = random.NextDouble() < FiveHosts;
        var count = hosts == 0 ? (five ? 5 : 3) : hosts;
        var rounds = ImmutableArray.CreateBuilder<FaultRound>();
        for (var left = random.Next(1, MaxRounds + 1); left > 0; left--) rounds.Add(Round(random, count, kinds));
        return new CasePlan(seed, index, count, rounds.ToImmutable()) { Hairpin = random.NextDouble() >= NoHairpin };
    }

    private static FaultRound Round(Random random, int hosts, IReadOnlyList<FaultKind> kinds)
    {
        var first = Step(random, hosts, Choose(random, kinds), TimeSpan.Zero);
        if (FaultNames.TraitsOf(first.Kind).StandsAlone || random.NextDouble() >= TwoAtOnce) return new FaultRound([first]);
        var others = kinds.Where(kind => kind != first.Kind && !FaultNames.TraitsOf(kind).StandsAlone).ToArray();
        return others.Length == 0
            ? new FaultRound([first])
            : new FaultRound([first, Step(random, hosts, Choose(random, others), random.NextDouble() * LongestDelay)]);
    }

    private static FaultKind Choose(Random random, IReadOnlyList<FaultKind> kinds)
    {
        var left = random.Next(kinds.Sum(kind => FaultNames.TraitsOf(kind).Weight));
        return kinds.First(kind => (left -= FaultNames.TraitsOf(kind).Weight) < 0);
    }

    private static FaultStep Step(Random random, int hosts, FaultKind kind, TimeSpan after) => new(
        kind,
        random.NextDouble() < 0.6 ? FaultTarget.Master : FaultTarget.Replica,
        random.Next(hosts - 1),
        after,
        Shortest + (random.NextDouble() * random.NextDouble() * (Longest - Shortest)),
        FaultStep.Weakest + (random.NextDouble() * (FaultStep.Strongest - FaultStep.Weakest)));
}
