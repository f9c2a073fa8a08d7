using System.Text;
using Microsoft.Win32.SafeHandles;
using Sidecars.Core.Hosting;
using Sidecars.Core.Probing;

namespace Sidecars.Probe;

/// <summary>Reads the command line and the environment, asks, says one line, and ends the process; nothing else does.</summary>
internal static class Program
{
    private const int StandardOutput = 1;
    private const int StandardError = 2;

    private static int Main(string[] arguments)
    {
        try
        {
            return Run(arguments);
        }
        catch (Exception e) // the last line of defence: an unhandled one would be exit code 134 and a dump
        {
            Write(StandardOutput, "the probe itself failed: " + e.GetType().Name + " " + e.Message);
            return ExitCode.Failed;
        }
    }

    private static int Run(string[] arguments)
    {
        List<string> errors = [];
        var command = CommandLine.Parse(Environment.GetCommandLineArgs()[0], arguments, errors);
        if (command.Action != CommandAction.Probe)
        {
            Write(StandardOutput, command.Action == CommandAction.Help ? ProbeHelp.Text : CommandLine.ProgramName + " " + ProbeVersion.Text);
            return ExitCode.Ok;
        }

        var request = ProbeOptions.Read(command, ProbeOptions.ProcessVariable, errors);
        if (request is null)
        {
            errors.Add($"'{CommandLine.ProgramName} --help' lists every setting.");
            Write(StandardError, string.Join('\n', errors));
            return ExitCode.WrongConfiguration;
        }

        var verdict = ProbePolicy.Evaluate(request, new ProbeReader(request, TimeProvider.System).Read());
        Write(StandardOutput, verdict.Message);
        return verdict.Pass ? ExitCode.Ok : ExitCode.Failed;
    }

    // Not Console's streams: they bring terminal handling, 70 KB, for one write.
    private static void Write(int descriptor, string line)
    {
        try
        {
            using var handle = new SafeFileHandle(descriptor, ownsHandle: false);
            using var output = new FileStream(handle, FileAccess.Write, bufferSize: 1);
            output.Write(Encoding.UTF8.GetBytes(line + "\n"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // Nobody listens; the exit code says it all the same.
        }
    }
}
