using Sidecars.Probe.Policy;

namespace Sidecars.Probe;

/// <summary>What is asked for.</summary>
internal enum CommandAction
{
    Probe,
    Help,
    Version,
}

/// <summary>The command line, and the name the program was called by: the seed images' scripts are links to it.</summary>
internal sealed class CommandLine
{
    public CommandAction Action { get; private init; }

    public ProbeKind Kind { get; private init; }

    public ProbeTarget Target { get; private init; }

    /// <param name="program">argv[0], with or without its directory.</param>
    /// <param name="arguments">The rest.</param>
    /// <param name="errors">One sentence for each mistake.</param>
    public static CommandLine Parse(string program, IReadOnlyList<string> arguments, List<string> errors)
    {
        var action = CommandAction.Probe;
        ProbeKind? kind = null;
        var target = ProbeTarget.Detect;
        switch (program[(program.LastIndexOf('/') + 1)..])
        {
            case "live_check.sh": (kind, target) = (ProbeKind.Liveness, ProbeTarget.Redis); break;
            case "sentinel_check.sh": (kind, target) = (ProbeKind.Liveness, ProbeTarget.Sentinel); break;
        }

        for (var i = 0; i < arguments.Count; i++)
        {
            switch (arguments[i])
            {
                case "startup": kind = ProbeKind.Startup; break;
                case "liveness": kind = ProbeKind.Liveness; break;
                case "readiness": kind = ProbeKind.Readiness; break;
                case "--help" or "-h": action = CommandAction.Help; break;
                case "--version": action = CommandAction.Version; break;
                case "--role" when i + 1 < arguments.Count && arguments[i + 1] is "redis" or "sentinel":
                    target = arguments[++i] == "redis" ? ProbeTarget.Redis : ProbeTarget.Sentinel;
                    break;
                case "--role": errors.Add("--role is redis or sentinel"); break;
                default: errors.Add($"'{arguments[i]}' is not startup, liveness, readiness, --role, --help or --version"); break;
            }
        }

        if (kind is null && action == CommandAction.Probe) errors.Add("which probe? startup, liveness or readiness");
        return new CommandLine { Action = action, Kind = kind ?? ProbeKind.Liveness, Target = target };
    }
}
