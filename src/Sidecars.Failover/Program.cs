using System.CommandLine.Help;
using Sidecars.Core.Hosting;
using Sidecars.Failover.Options;
using Sidecars.Failover.Status;
using Sidecars.Telemetry;

namespace Sidecars.Failover;

/// <summary>Reads the command line and the environment, runs, and ends the process; nothing else does.</summary>
internal static class Program
{
    private static Task<int> Main(string[] arguments) => RunAsync(arguments, HostedCode.None);

    /// <param name="arguments">Of the command line.</param>
    /// <param name="hosted">Of other executables, for <c>status</c>.</param>
    internal static async Task<int> RunAsync(string[] arguments, HostedCode hosted)
    {
        await using var output = new StreamWriter(Console.OpenStandardOutput());
        await using var error = new StreamWriter(Console.OpenStandardError()) { AutoFlush = true };
        var variables = FailoverOptions.ProcessEnvironment();
        var (settings, publishing) = (new SettingReader(variables), new SettingReader(variables));
        var options = FailoverOptions.Read(settings, publishing);
        using var signals = new SignalScope();
        var commands = new FailoverCommands(new CommandContext(options, settings, publishing, output, error, signals), hosted);
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
                foreach (var line in CommandMistakes.Lines("redis-failover", arguments, names, known, parsed.UnmatchedTokens, others))
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
                    $"{commands.SettingsHelp(parsed.CommandResult.Command.Name, width)}{FailoverCommands.ExitCodes}\n").ConfigureAwait(false);
            return signals.ExitCode ?? code;
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
