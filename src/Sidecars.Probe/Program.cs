using System.Runtime.InteropServices;
using System.Text;
using Sidecars.Core.Hosting;
using Sidecars.Core.Probing;

namespace Sidecars.Probe;

/// <summary>Reads the command line and the environment, asks, says one line, and ends the process; nothing else does.</summary>
internal static partial class Program
{
    private const int StandardOutput = 1;
    private const int StandardError = 2;

    internal static int Main(string[] arguments)
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

    // One system call. Console's streams bring terminal handling, 70 KB; a FileStream does not move the offset of a file that
    // others write to as well.
    private static unsafe void Write(int descriptor, string line)
    {
        var bytes = Encoding.UTF8.GetBytes(line + "\n");
        fixed (byte* start = bytes)
        {
            _ = WriteBytes(descriptor, start, (nuint)bytes.Length); // where nobody listens, the exit code says it all the same
        }
    }

    [LibraryImport("libc", EntryPoint = "write")]
    private static unsafe partial nint WriteBytes(int descriptor, byte* bytes, nuint count);
}
