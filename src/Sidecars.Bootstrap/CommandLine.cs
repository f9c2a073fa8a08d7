using System.Collections.Immutable;
using Sidecars.Core.Hosting;

namespace Sidecars.Bootstrap;

/// <summary>What is asked for.</summary>
internal enum CommandAction
{
    Start,
    AllowEmpty,
    Help,
    Version,
}

/// <summary>The command line: a mode, and what is passed on to the server. Everything else is a setting in the environment.</summary>
internal sealed record CommandLine(CommandAction Action, ServerMode? Mode, ImmutableArray<string> ServerArguments, ImmutableArray<string> Errors)
{
    public static CommandLine Parse(IReadOnlyList<string> arguments)
    {
        var action = CommandAction.Start;
        ServerMode? mode = null;
        var errors = ImmutableArray.CreateBuilder<string>();
        for (var i = 0; i < arguments.Count; i++)
        {
            switch (arguments[i])
            {
                case "--help" or "-h": return new CommandLine(CommandAction.Help, null, [], []);
                case "--version": return new CommandLine(CommandAction.Version, null, [], []);
                case "redis" when mode is null && action == CommandAction.Start: mode = ServerMode.Redis; break;
                case "sentinel" when mode is null && action == CommandAction.Start: mode = ServerMode.Sentinel; break;
                case "allow-empty" when mode is null: action = CommandAction.AllowEmpty; break;
                case "--": return new CommandLine(action, mode, [.. arguments.Skip(i + 1)], errors.ToImmutable());
                default:
                    errors.Add($"'{arguments[i]}' is not redis, sentinel, allow-empty, --help, --version or -- followed by arguments for the server");
                    break;
            }
        }

        return new CommandLine(action, mode, [], errors.ToImmutable());
    }

    public static string Help(SettingReader settings) =>
        $"""
        redis-bootstrap finds out what this node is to be, writes its configuration, and becomes the server.

        Usage:
          redis-bootstrap redis [-- ARGUMENT…]      start Redis as master or replica (default)
          redis-bootstrap sentinel [-- ARGUMENT…]   start Sentinel (also with SENTINEL=true)
          redis-bootstrap allow-empty               allow a durable group to start though every disk is empty
          redis-bootstrap --help | --version

        It asks the Sentinels, then the Redis nodes, then holds an election, and waits rather than guess: no deadline by
        default. While it waits it writes CONFIG_DIR/bootstrap.json, and one JSON line to stdout per change of state.

        Exit codes: 0 done (help, allow-empty), 1 failed, 2 wrong setting (all are listed), 126 the server can't be executed,
        127 not found, 130 SIGINT, 143 SIGTERM while waiting; after the start, the server's own.

        Settings (environment):
        {settings.Help()}
        """;
}
