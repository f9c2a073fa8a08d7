using System.Text;
using Sidecars.Core.Hosting;
using Sidecars.Core.Probing;

namespace Sidecars.Probe;

/// <summary>Reads the command line and the environment, asks, says one line, and ends the process; nothing else does.</summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        try
        {
            return Run(arguments);
        }
        catch (Exception e) // the last line of defence: an unhandled one would be exit code 134 and a dump
        {
            Write(Console.OpenStandardOutput(), "the probe itself failed: " + e.GetType().Name + " " + e.Message);
            return ExitCode.Failed;
        }
    }

    private static int Run(string[] arguments)
    {
        List<string> errors = [];
        var command = CommandLine.Parse(Environment.GetCommandLineArgs()[0], arguments, errors);
        if (command.Action != CommandAction.Probe)
        {
            Write(Console.OpenStandardOutput(), command.Action == CommandAction.Help ? ProbeHelp.Text : CommandLine.ProgramName + " " + ProbeVersion.Text);
            return ExitCode.Ok;
        }

        var request = ProbeOptions.Read(command, ProbeOptions.ProcessVariable, errors);
        if (request is null)
        {
            errors.Add($"'{CommandLine.ProgramName} --help' lists every setting.");
            Write(Console.OpenStandardError(), string.Join('\n', errors));
            return ExitCode.WrongConfiguration;
        }

        var verdict = ProbePolicy.Evaluate(request, new ProbeReader(request, TimeProvider.System).Read());
        Write(Console.OpenStandardOutput(), verdict.Message);
        return verdict.Pass ? ExitCode.Ok : ExitCode.Failed;
    }

    private static void Write(Stream output, string line)
    {
        try
        {
            output.Write(Encoding.UTF8.GetBytes(line + "\n"));
        }
        catch (IOException)
        {
            // Nobody listens; the exit code says it all the same.
        }
    }
}
