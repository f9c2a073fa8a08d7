using System.Runtime.InteropServices;
using System.Text;
using Sidecars.Core.Hosting;
using Sidecars.Probe.Policy;
using Sidecars.Probe.Reading;

namespace Sidecars.Probe;

/// <summary>Reads the command line and the environment, asks, says one line, and ends the process; nothing else does.</summary>
internal static partial class Program
{
    private const int StandardOutput = 1;
    private const int StandardError = 2;

    private static int Main(string[] arguments) => Run("redis-probe", Plain, arguments);

    /// <summary>The whole program, for each file that has a name of it.</summary>
    /// <param name="name">What it calls itself.</param>
    /// <param name="security">How TLS is set up there.</param>
    /// <param name="arguments">The arguments of the command line.</param>
    internal static int Run(string name, ProbeSecurity security, string[] arguments)
    {
        try
        {
            return Ask(name, security, arguments);
        }
        catch (Exception e) // the last line of defence: an unhandled one would be exit code 134 and a dump
        {
            Write(StandardOutput, "the probe itself failed: " + e.GetType().Name + " " + e.Message);
            return ExitCode.Failed;
        }
    }

    private static int Ask(string name, ProbeSecurity security, string[] arguments)
    {
        List<string> errors = [];
        var command = CommandLine.Parse(Environment.GetCommandLineArgs()[0], arguments, errors);
        if (command.Action != CommandAction.Probe)
        {
            Write(StandardOutput, command.Action == CommandAction.Help ? ProbeHelp.Of(name) : name + " " + ProbeVersion.Text);
            return ExitCode.Ok;
        }

        var request = ProbeOptions.Read(command, ProbeOptions.ProcessVariable, security, errors);
        if (request is null)
        {
            errors.Add($"'{name} --help' lists every setting.");
            Write(StandardError, string.Join('\n', errors));
            return ExitCode.WrongConfiguration;
        }

        var verdict = ProbePolicy.Evaluate(request, new ProbeReader(request, TimeProvider.System).Read());
        Write(StandardOutput, verdict.Message);
        return verdict.Pass ? ExitCode.Ok : ExitCode.Failed;
    }

    // No TLS in this file, so that it never pays for it.
    private static Func<Stream, string, Stream>? Plain(Func<string, string?> setting, List<string> errors)
    {
        if (setting("TLS_CA_FILE") is not null)
            errors.Add("TLS_CA_FILE is set; this executable has no TLS: call redis-probe-tls, with the same arguments");
        return null;
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
