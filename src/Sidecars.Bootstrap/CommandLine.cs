using System.Collections.Immutable;
using Sidecars.Bootstrap.Options;
using Sidecars.Core.Hosting;

namespace Sidecars.Bootstrap;

/// <summary>What is asked for.</summary>
internal enum CommandAction
{
    Start,
    AllowEmpty,
    Trust,
    Help,

    /// <summary>Nothing: a server is started by a word, never by leaving it out.</summary>
    None,
    Version,
}

/// <summary>The command line: a mode, and what is passed on to the server. Everything else is a setting in the environment.</summary>
internal sealed record CommandLine(
    CommandAction Action, ServerMode? Mode, ImmutableArray<string> ServerArguments, ImmutableArray<string> Errors)
{
    /// <summary>Of <see cref="CommandAction.Trust"/>.</summary>
    public string TrustedNode { get; private init; } = "";

    public static CommandLine Parse(IReadOnlyList<string> arguments)
    {
        var action = CommandAction.None;
        var node = "";
        ServerMode? mode = null;
        var errors = ImmutableArray.CreateBuilder<string>();
        for (var i = 0; i < arguments.Count; i++)
        {
            switch (arguments[i])
            {
                case "--help" or "-h": return new CommandLine(CommandAction.Help, null, [], []);
                case "--version": return new CommandLine(CommandAction.Version, null, [], []);
                case "start" when action == CommandAction.None: action = CommandAction.Start; break;
                case "redis" when action == CommandAction.None: (action, mode) = (CommandAction.Start, ServerMode.Redis); break;
                case "sentinel" when action == CommandAction.None: (action, mode) = (CommandAction.Start, ServerMode.Sentinel); break;
                case "allow-empty" when action == CommandAction.None: action = CommandAction.AllowEmpty; break;
                case "trust" when action == CommandAction.None && i + 1 < arguments.Count:
                    (action, node) = (CommandAction.Trust, arguments[++i]);
                    break;
                case "trust" when action == CommandAction.None: errors.Add("'trust' needs the name of a node (redis-0)"); break;
                case "--" when action == CommandAction.Start:
                    return new CommandLine(action, mode, [.. arguments.Skip(i + 1)], errors.ToImmutable());
                default:
                    errors.Add($"'{arguments[i]}' is not redis, sentinel, start, allow-empty, trust NODE, --help, --version or, "
                        + "behind a server's word, -- followed by its arguments");
                    break;
            }
        }

        return new CommandLine(action, mode, [], errors.ToImmutable()) { TrustedNode = node };
    }

    /// <summary>What <c>--help</c> prints.</summary>
    /// <param name="settings">After they were read.</param>
    /// <param name="width">Columns of the terminal, for the settings.</param>
    public static string Help(SettingReader settings, int width) =>
        $"""
        redis-bootstrap finds out what this node is to be, writes its configuration,
        and becomes the server.

        Usage:
          redis-bootstrap redis [-- ARGUMENT…]
              start Redis as master or replica
          redis-bootstrap sentinel [-- ARGUMENT…]
              start Sentinel
          redis-bootstrap start [-- ARGUMENT…]
              start what SENTINEL says: a Sentinel where it is true, else Redis
          redis-bootstrap allow-empty
              allow a durable group to start though every disk is empty, once
          redis-bootstrap trust NODE
              the data of NODE are the group's: it wins the next election, or is
              followed
          redis-bootstrap --help | --version

        Without a subcommand it prints this and exits with 2. If a server listens on
        the port already, or another process has the data directory, it refuses to
        start one before it does anything.

        It asks the Sentinels, then the Redis nodes, then holds an election, and waits
        rather than guess: no deadline by default. While it waits it writes
        CONFIG_DIR/bootstrap.json, and one line to stdout per change of state.

        Exit codes: 0 done (help, allow-empty, trust), 1 failed, 2 wrong setting (all
        are listed), 126 the server can't be executed, 127 not found, 130 SIGINT, 143
        SIGTERM while waiting; after the start, the server's own.

        Settings (environment):
        {SettingHelp.Of(settings.Settings, width)}
        """;
}
