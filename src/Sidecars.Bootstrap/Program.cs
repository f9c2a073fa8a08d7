using System.Collections.Immutable;
using System.Reflection;
using Sidecars.Bootstrap.Options;
using Sidecars.Bootstrap.ProbeTls;
using Sidecars.Bootstrap.Redis;
using Sidecars.Core.Hosting;

namespace Sidecars.Bootstrap;

/// <summary>Reads the command line and the environment, runs, and ends the process; nothing else does.</summary>
internal static class Program
{
    // redis-probe-tls is a link to this file: TLS is here already.
    private static Task<int> Main(string[] arguments) =>
        Environment.GetCommandLineArgs()[0].EndsWith("redis-probe-tls", StringComparison.Ordinal)
            ? Task.FromResult(Probe.Program.Run("redis-probe-tls", TlsOfProbe.Read, arguments))
            : RunAsync(arguments);

    private static async Task<int> RunAsync(string[] arguments)
    {
        using var standardOutput = Console.OpenStandardOutput();
        using var standardError = new StreamWriter(Console.OpenStandardError()) { AutoFlush = true };
        var command = CommandLine.Parse(arguments);
        var settings = new SettingReader(BootstrapOptions.ProcessEnvironment());
        var options = BootstrapOptions.Read(command.Mode, command.ServerArguments, settings);
        if (command.Action is CommandAction.Help or CommandAction.Version
            || (command.Action == CommandAction.None && command.Errors.IsEmpty))
        {
            using var text = new StreamWriter(standardOutput);
            var help = CommandLine.Help(settings, TerminalWidth.OfOutput);
            await text.WriteAsync(command.Action == CommandAction.Version ? Version() : help).ConfigureAwait(false);
            return command.Action == CommandAction.None ? ExitCode.WrongConfiguration : ExitCode.Ok;
        }

        ImmutableArray<string> errors = [.. command.Errors, .. settings.Errors];
        if (options is null || errors.Length > 0)
        {
            foreach (var error in errors) await standardError.WriteLineAsync(error).ConfigureAwait(false);
            await standardError.WriteLineAsync("'redis-bootstrap --help' lists every setting.").ConfigureAwait(false);
            return ExitCode.WrongConfiguration;
        }

        var group = options.Group;
        using var lines = QueuedLog.OnStandardOutput("redis-bootstrap", group.LogLevel, group.LogFormat, group.ConfigDirectory);
        var log = lines.Log;
        foreach (var remark in settings.Remarks) log.Warning("setting", remark);
        try
        {
            using var signals = new SignalScope();
            var runner = new BootstrapRunner(options, log, lines.Drain, TimeProvider.System, Random.Shared);
            var words = new PersonsWordRunner(options, log, TimeProvider.System);
            var exitCode = command.Action switch
            {
                CommandAction.AllowEmpty => await words.AllowEmptyStartAsync(signals.Token).ConfigureAwait(false),
                CommandAction.Trust => await words.TrustAsync(command.TrustedNode, signals.Token).ConfigureAwait(false),
                _ => await runner.RunAsync(signals.Token).ConfigureAwait(false),
            };
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
