using System.Globalization;

namespace Sidecars.Demo.Bench.Switch;

/// <summary>What <c>bench switch</c> was asked for.</summary>
internal sealed record SwitchOptions
{
    /// <summary>Runs of each client through each scenario; null: as many as the scenario has.</summary>
    public int? Runs { get; init; }

    /// <summary>Empty: all.</summary>
    public IReadOnlyList<string> Clients { get; init; } = [];

    /// <summary>Empty: all.</summary>
    public IReadOnlyList<string> Scenarios { get; init; } = [];

    /// <summary>Of a run with a longer gap, what the group's processes said meanwhile; null: of none.</summary>
    public int? LogOverMs { get; init; }

    /// <summary>The table as Markdown.</summary>
    public bool Markdown { get; init; }

    /// <summary>Reads what follows the name of the bench.</summary>
    /// <param name="arguments">The rest of the command line.</param>
    /// <param name="mistake">What is wrong with it, or null.</param>
    public static SwitchOptions Read(IReadOnlyList<string> arguments, out string? mistake)
    {
        var options = new SwitchOptions();
        mistake = null;
        for (var i = 0; i < arguments.Count && mistake is null; i++)
        {
            var value = i + 1 < arguments.Count ? arguments[i + 1] : "";
            switch (arguments[i])
            {
                case "--markdown":
                    options = options with { Markdown = true };
                    continue;
                case "--runs" when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var runs) && runs > 0:
                    options = options with { Runs = runs };
                    break;
                case "--log-over" when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var gap):
                    options = options with { LogOverMs = gap };
                    break;
                case "--client" when SwitchClients.Names.Contains(value):
                    options = options with { Clients = [.. options.Clients, value] };
                    break;
                case "--scenario" when SwitchScenarios.All.Any(s => s.Name == value):
                    options = options with { Scenarios = [.. options.Scenarios, value] };
                    break;
                default:
                    mistake = $"{arguments[i]} {value}: --runs NUMBER, --client {string.Join('|', SwitchClients.Names)}, "
                        + $"--scenario {string.Join('|', SwitchScenarios.All.Select(s => s.Name))}, "
                        + "--log-over MILLISECONDS, --markdown";
                    break;
            }

            i++;
        }

        return options;
    }

    /// <summary>True where nothing, or this too, was chosen.</summary>
    public static bool Wants(string name, IReadOnlyList<string> chosen) => chosen.Count == 0 || chosen.Contains(name);
}
