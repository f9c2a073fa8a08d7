using System.CommandLine.Help;
using Sidecars.Backup.Options;
using Sidecars.Core.Hosting;
using Sidecars.Telemetry;

namespace Sidecars.Backup;

/// <summary>Reads the command line and the environment, runs, and ends the process; nothing else does.</summary>
internal static class Program
{
    internal static async Task<int> Main(string[] arguments)
    {
        await using var output = new StreamWriter(Console.OpenStandardOutput());
        await using var error = new StreamWriter(Console.OpenStandardError()) { AutoFlush = true };
        var settings = new SettingReader(BackupOptions.ProcessEnvironment());
        var options = BackupOptions.Read(settings);
        using var signals = new SignalScope();
        var commands = new BackupCommands(options, settings, output, error, signals);
        var width = TerminalWidth.OfOutput;
        commands.WrapHelp(width);
        try
        {
            var parsed = commands.Root.Parse(arguments);
            if (parsed.Errors.Count > 0)
            {
                string[] names = [.. commands.Root.Subcommands.Select(command => command.Name)];
                var taken = parsed.CommandResult.Command.Options.Concat(commands.Root.Options.Where(option => option.Recursive));
                string[] known = [.. taken.Select(option => option.Name).Distinct()];
                // The parser says the same of each word that it does not know, in words that name nothing else.
                var others = parsed.Errors.Select(mistake => mistake.Message)
                    .Where(message => !parsed.UnmatchedTokens.Any(word => message.Contains($"'{word}'", StringComparison.Ordinal)));
                foreach (var line in CommandMistakes.Lines("redis-backup", arguments, names, known, parsed.UnmatchedTokens, others))
                    await error.WriteLineAsync(line).ConfigureAwait(false);
                return ExitCode.WrongConfiguration;
            }

            var code = await parsed.InvokeAsync(new()
            {
                Output = output,
                Error = error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null
            }).ConfigureAwait(false);
            if (parsed.Action is HelpAction)
                await output.WriteAsync(
                    $"{commands.SettingsHelp(parsed.CommandResult.Command.Name, width)}{BackupCommands.ExitCodes}\n").ConfigureAwait(false);
            return code;
        }
        catch (OperationCanceledException) when (signals.ExitCode is { } code)
        {
            return code;
        }
        catch (Exception e) // the last line of defence: an unhandled one would be exit code 134 and no message
        {
            await error.WriteLineAsync(e is IOException ? e.Message : e.ToString()).ConfigureAwait(false);
            return ExitCode.Failed;
        }
    }
}
