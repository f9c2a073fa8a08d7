using System.Globalization;
using Sidecars.TestKit.Load;

namespace Sidecars.Demo;

/// <summary>The command line.</summary>
internal sealed record DemoOptions
{
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

    public bool List { get; init; }

    public bool Help { get; init; }

    public bool Color { get; init; } = string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));

    public const string Usage = """
        Starts Redis and Sentinel on this machine with the native redis-bootstrap, writes to them without a pause, lets
        things go wrong, and measures. Ends with code 0 only if no write was lost that must not be lost, and never two
        masters accepted writes.

        Usage: scripts/demo [--scenario NAME] [--redis N] [--sentinels N] [--writers N] [--rate N] [--client NAME]
                            [--json FILE] [--pods] [--keep] [--list] [--no-color] [--help]

          --scenario NAME   what to play; default tour
          --list            the scenarios, one a line
          --redis N         Redis nodes, 2 to 9; default 3
          --sentinels N     Sentinels, 3 to 9; default 3
          --writers N       clients that write, each waiting for its answer, 1 to 64; default 4
          --rate N          writes a second of all writers together; 0: as fast as answers come; default 4000
          --client NAME     what they write with: direct, which has no gaps of its own, or stackexchange-redis, an application's client;
                            default direct
          --json FILE       also write the figures to FILE
          --pods            every node is a pod on a host of its own, with another address after each start, behind a Service whose
                            address stays (network namespaces: root); default: processes at loopback ports
          --keep            leave the group running at the end, and say how to reach and how to end it
          --no-color        no colours (as does NO_COLOR in the environment)

        Exit codes: 0 all held; 1 something did not, or a wait took too long; 2 wrong arguments; 130, 143 ended by a signal.
        """;

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
                "--list" => options with { List = true },
                "--no-color" => options with { Color = false },
                "--help" or "-h" => options with { Help = true },
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
                if (int.TryParse(Value(), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most) return number;
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

        if (options is { Pods: true, Keep: true }) mistakes.Add("--keep: the network of --pods ends with this program");
        return options;
    }
}
