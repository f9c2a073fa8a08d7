using System.Collections.Immutable;
using System.Reflection;
using Sidecars.Core.Hosting;

namespace Sidecars.Bootstrap;

/// <summary>Reads the command line and the environment, runs, and ends the process; nothing else does.</summary>
internal static class Program
{
    // redis-probe-tls is a link to this file: TLS is here already.
    private static Task<int> Main(string[] arguments) =>
        Environment.GetCommandLineArgs()[0].EndsWith("redis-probe-tls", StringComparison.Ordinal) ? Task.FromResult(Probe.Program.Main(arguments)) : RunAsync(arguments);

    private static async Task<int> RunAsync(string[] arguments)
    {
        using var standardOutput = Console.OpenStandardOutput();
        using var standardError = new StreamWriter(Console.OpenStandardError()) { AutoFlush = true };
        var command = CommandLine.Parse(arguments);
        var settings = new SettingReader(BootstrapOptions.ProcessEnvironment());
        var options = BootstrapOptions.Read(command.Mode, command.ServerArguments, settings);
        if (command.Action == CommandAction.Help || command.Action == CommandAction.Version)
        {
            using var text = new StreamWriter(standardOutput);
            await text.WriteAsync(command.Action == CommandAction.Help ? CommandLine.Help(settings) : Version()).ConfigureAwait(false);
            return ExitCode.Ok;
        }

        ImmutableArray<string> errors = [.. command.Errors, .. settings.Errors];
        if (options is null || errors.Length > 0)
        {
            foreach (var error in errors) await standardError.WriteLineAsync(error).ConfigureAwait(false);
            await standardError.WriteLineAsync("'redis-bootstrap --help' lists every setting.").ConfigureAwait(false);
            return ExitCode.WrongConfiguration;
        }

        var log = new JsonLineLog(standardOutput, "redis-bootstrap", TimeProvider.System, options.Group.LogLevel);
        try
        {
            using var signals = new SignalScope();
            var runner = new BootstrapRunner(options, log, TimeProvider.System, Random.Shared);
            var exitCode = command.Action == CommandAction.AllowEmpty
                ? await runner.AllowEmptyStartAsync(signals.Token).ConfigureAwait(false)
                : await runner.RunAsync(signals.Token).ConfigureAwait(false);
            return signals.ExitCode ?? exitCode;
        }
        catch (Exception e) // the last line of defence: an unhandled one would be exit code 134 and no log line
        {
            log.Error("failed", e.Message, LogField.Of("exception", e.ToString()));
            return ExitCode.Failed;
        }
    }

    private static string Version() =>
        $"redis-bootstrap {typeof(Program).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion}\n";
}
