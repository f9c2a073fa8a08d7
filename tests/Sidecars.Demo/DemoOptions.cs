using System.Globalization;
using Sidecars.Demo.Scenarios;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Load;

namespace Sidecars.Demo;

/// <summary>The command line; scripts/demo --help describes it.</summary>
internal sealed record DemoOptions
{
    private readonly long _read = TimeProvider.System.GetTimestamp();

    public string Scenario { get; init; } = "tour";

    public int Redis { get; init; } = 3;

    public int Sentinels { get; init; } = 3;

    public int Writers { get; init; } = 4;

    // Enough that a fault always meets writes under way, little enough that a laptop's figures are not its own overload.
    public int Rate { get; init; } = 4000;

    public LoadClient Client { get; init; } = LoadClient.Direct;

    public string? JsonFile { get; init; }

    public bool Keep { get; init; }

    public bool Pods { get; init; }

    public bool Color { get; init; } = string.IsNullOrEmpty(Variable("NO_COLOR"));

    /// <summary>Where --keep notes what it leaves running, for scripts/demo --stop.</summary>
    public string KeptFile { get; init; } = Variable("SIDECARS_DEMO_KEPT") is { Length: > 0 } file
        ? file
        : Path.Combine(Repository.Root, "artifacts", "demo", "kept");

    /// <summary>What scripts/demo took before it started this program; null: it was started by itself.</summary>
    public double? SetUpSeconds { get; init; } =
        double.TryParse(Variable("SIDECARS_DEMO_SETUP_SECONDS"), CultureInfo.InvariantCulture, out var seconds) ? seconds : null;

    /// <summary>Since scripts/demo was called; null where nobody said when that was.</summary>
    public double? SecondsSinceCall =>
        SetUpSeconds is { } setUp ? Math.Round(setUp + TimeProvider.System.GetElapsedTime(_read).TotalSeconds, 1) : null;

    /// <summary>Reads the arguments.</summary>
    /// <param name="arguments">Without the program.</param>
    /// <param name="mistakes">One sentence each; empty if all is well.</param>
    public static DemoOptions Read(IReadOnlyList<string> arguments, List<string> mistakes)
    {
        var options = new DemoOptions();
        for (var i = 0; i < arguments.Count; i++)
        {
            var name = arguments[i];
            options = name switch
            {
                "--keep" => options with { Keep = true },
                "--pods" => options with { Pods = true },
                "--no-color" => options with { Color = false },
                "--scenario" => options with { Scenario = Value() },
                "--json" => options with { JsonFile = Value() },
                "--redis" => options with { Redis = Number(2, 9) },
                "--sentinels" => options with { Sentinels = Number(3, 9) },
                "--writers" => options with { Writers = Number(1, 64) },
                "--rate" => options with { Rate = Number(0, 1_000_000) },
                "--client" => options with { Client = Client() },
                _ => Unknown(),
            };

            string Value()
            {
                if (++i < arguments.Count) return arguments[i];
                mistakes.Add($"{name} needs a value");
                return "";
            }

            int Number(int least, int most)
            {
                if (int.TryParse(Value(), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                    && number >= least && number <= most) return number;
                mistakes.Add($"{name} is a number from {least} to {most}");
                return least;
            }

            LoadClient Client()
            {
                switch (Value())
                {
                    case "direct": return LoadClient.Direct;
                    case "stackexchange-redis": return LoadClient.StackExchangeRedis;
                    default:
                        mistakes.Add($"{name} is direct or stackexchange-redis");
                        return LoadClient.Direct;
                }
            }

            DemoOptions Unknown()
            {
                mistakes.Add($"unknown argument {name}");
                return options;
            }
        }

        if (ScenarioTable.Find(options.Scenario) is not { } scenario)
            mistakes.Add($"no scenario is called {options.Scenario} (see --list)");
        else if (options.Pods && scenario.HasSidecars)
            mistakes.Add($"--pods: the sidecars of {scenario.Name} are processes of this machine");
        if (options is { Pods: true, Keep: true }) mistakes.Add("--keep: the network of --pods ends with this program");
        return options;
    }

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name);
}
