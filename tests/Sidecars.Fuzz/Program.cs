using System.Diagnostics;
using System.Globalization;

namespace Sidecars.Fuzz;

/// <summary>The command behind <c>scripts/fuzz</c>.</summary>
public static class Program
{
    private const string Usage = """
        scripts/fuzz [--iterations N] [--seed S] [--target NAME] [--from I]
          --iterations N  inputs for each target; default 1000000
          --seed S        default 1; the same seed makes the same inputs
          --target NAME   one target only; default all
          --from I        number of the first input; default 0
        """;

    /// <summary>Ends with 0, with 1 after a crash, with 2 on wrong arguments.</summary>
    public static int Main(string[] args)
    {
        var (iterations, from, seed, name) = (1_000_000L, 0L, 1, "");
        for (var i = 0; i < args.Length; i += 2)
        {
            var value = i + 1 < args.Length ? args[i + 1] : "";
            var good = args[i] switch
            {
                "--iterations" => long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out iterations),
                "--from" => long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out from),
                "--seed" => int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out seed),
                "--target" => FuzzTargets.All.Any(t => t.Name == (name = value)),
                _ => false,
            };
            if (good) continue;
            Console.Error.WriteLine(
                $"{args[i]} {value}: not understood\n{Usage}\ntargets: {string.Join(' ', FuzzTargets.All.Select(t => t.Name))}");
            return 2;
        }

        var failed = false;
        foreach (var target in FuzzTargets.All.Where(t => name.Length == 0 || t.Name == name))
        {
            var clock = Stopwatch.StartNew();
            var crash = FuzzRunner.Run(
                target, seed, from, target.IsSlow() ? Math.Max(1, iterations / FuzzTargetExtensions.SlowFactor) : iterations);
            Console.WriteLine(crash is null
                ? $"{target.Name}: seed {seed}, ok, {clock.Elapsed.TotalSeconds:0.0} s"
                : crash.ToString());
            failed |= crash is not null;
        }

        return failed ? 1 : 0;
    }
}
