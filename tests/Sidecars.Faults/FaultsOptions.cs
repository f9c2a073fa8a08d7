using System.Globalization;
using Sidecars.Core.Primitives;
using Sidecars.Faults.Planning;
using Sidecars.TestKit.Pods;

namespace Sidecars.Faults;

/// <summary>The command line.</summary>
internal sealed record FaultsOptions
{
    private const int NameWidth = 22;

    private const string Head = """
        Usage: scripts/faults [--seed S] [--count N] [--case I] [--hosts 3|5] [--only KIND,…] [--without KIND,…]
                              [--parallel P] [--limit TIME] [--down-after TIME] [--announce service|name|address]
                              [--no-hairpin] [--out DIR] [--plan]

          --seed S         of the campaign; default 1. The same seed makes the same plans
          --count N        cases, each a fresh group with one to three rounds of faults; default 10
          --case I         only this one: what a failure's reproduction names
          --hosts 3|5      default: one case in five has five hosts, two a zone
          --only KIND,…    faults to choose from; --without: all but these
          --parallel P     cases at once, each in a network of its own; default 1
          --limit TIME     begin no case after so long (90m, 8h); default: no limit. Also: --minutes M
          --down-after TIME
                           of Sentinel; default 5s. A number alone counts milliseconds
          --announce WHAT  what Redis pods are told to announce: their Service (default), their name alone, their address
          --no-hairpin     no pod reaches itself by its Service; default: one case in seven
          --out DIR        for summary.json and the output of failed cases, or of the only one; default artifacts/faults
          --plan           print the plans, play nothing

        Exit codes: 0 all invariants held, 1 one was broken, 2 wrong arguments, 3 no hosts can be made here.

        Kinds, with how often each is planned beside the others (* never beside another at once):
        """;

    /// <summary>For <c>--help</c>.</summary>
    public static string Usage { get; } = Head + string.Concat(FaultNames.All.Select(kind =>
        FormattableString.Invariant(
            $"\n  {FaultNames.Of(kind),-NameWidth}{FaultNames.TraitsOf(kind).Weight}{(FaultNames.TraitsOf(kind).StandsAlone ? '*' : ' ')} {FaultNames.TraitsOf(kind).Words}")));

    public int Seed { get; init; } = 1;

    public int Count { get; init; } = 10;

    public int? Case { get; init; }

    public int Hosts { get; init; }

    public int Parallel { get; init; } = 1;

    public TimeSpan? Limit { get; init; }

    public TimeSpan DownAfter { get; init; } = TimeSpan.FromSeconds(5);

    public PodAnnounce Announce { get; init; }

    public bool NoHairpin { get; init; }

    public string? Out { get; init; }

    public bool PlanOnly { get; init; }

    public IReadOnlyList<FaultKind> Kinds { get; init; } = FaultNames.All;

    /// <summary>Null and the mistake where an argument is wrong.</summary>
    public static FaultsOptions? Read(string[] args, out string mistake)
    {
        var options = new FaultsOptions();
        mistake = "";
        for (var i = 0; i < args.Length; i++)
        {
            if (args[i] is "--plan" or "--no-hairpin")
            {
                options = args[i] == "--plan" ? options with { PlanOnly = true } : options with { NoHairpin = true };
                continue;
            }

            var value = i + 1 < args.Length ? args[i + 1] : "";
            var isNumber = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number);
            var kinds = value.Split(',').Select(FaultNames.Find).ToArray();
            var next = args[i] switch
            {
                "--seed" when isNumber => options with { Seed = number },
                "--count" when isNumber => options with { Count = number },
                "--case" when isNumber => options with { Case = number },
                "--hosts" when number is 3 or 5 => options with { Hosts = number },
                "--parallel" when number is > 0 and <= 16 => options with { Parallel = number },
                "--limit" or "--minutes" when DurationText.TryParse(value, TimeSpan.FromMinutes(1), out var limit) =>
                    options with { Limit = limit },
                "--down-after" when DurationText.TryParse(value, TimeSpan.FromMilliseconds(1), out var downAfter)
                    && downAfter >= TimeSpan.FromSeconds(1) => options with { DownAfter = downAfter },
                "--announce" when value is "service" => options with { Announce = PodAnnounce.Service },
                "--announce" when value is "name" => options with { Announce = PodAnnounce.PodName },
                "--announce" when value is "address" => options with { Announce = PodAnnounce.PodAddress },
                "--out" when value.Length > 0 => options with { Out = value },
                "--only" when kinds.All(k => k is not null) => options with { Kinds = [.. kinds.Select(k => k!.Value)] },
                "--without" when kinds.All(k => k is not null) =>
                    options with { Kinds = [.. FaultNames.All.Where(k => !kinds.Contains(k))] },
                _ => null,
            };
            if (next is null)
            {
                mistake = $"{args[i]} {value}: not understood";
                return null;
            }

            options = next;
            i++;
        }

        return options;
    }
}
