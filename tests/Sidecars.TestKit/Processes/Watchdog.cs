using System.Diagnostics;
using System.Globalization;

namespace Sidecars.TestKit.Processes;

/// <summary>
/// Ends every registered process when this one ends, in whatever way: a shell in a session of its own waits for the end of
/// its input, which the kernel brings about when we die. A parent-death signal (prctl) would not do: it belongs to a thread,
/// and is lost when a program with several, such as redis-bootstrap, calls execve from another than its first.
/// </summary>
internal static class Watchdog
{
    // A pid may have been given away meanwhile: it is the same process only if it started at the same tick. In
    // /proc/PID/stat that is field 22, the 20th after the name, which ends with the last ")"; execve does not change it.
    private const string Script = """
        exec >/dev/null 2>&1
        while read -r pid tick; do known="$known $pid:$tick"; done
        for each in $known; do
            pid=${each%:*}
            read -r stat <"/proc/$pid/stat" || continue
            set -- ${stat##*) }
            [ "${20}" = "${each#*:}" ] && kill -KILL "$pid"
        done
        """;

    private const int StartTickIndex = 19; // the 20th field after the name, counted from 0
    private static readonly Lock Gate = new();
    private static StreamWriter? _input;

    /// <summary>From now on the process does not outlive this one.</summary>
    public static void Register(int pid)
    {
        string tick;
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            tick = stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[StartTickIndex];
        }
        catch (IOException)
        {
            return; // it has ended already
        }

        lock (Gate)
        {
            _input ??= Start();
            _input.Write(string.Create(CultureInfo.InvariantCulture, $"{pid} {tick}\n"));
            _input.Flush();
        }
    }

    private static StreamWriter Start()
    {
        var info = new ProcessStartInfo("setsid", ["sh", "-c", Script]) { RedirectStandardInput = true };
        return (Process.Start(info) ?? throw new InvalidOperationException("setsid (util-linux) could not be started.")).StandardInput;
    }
}
