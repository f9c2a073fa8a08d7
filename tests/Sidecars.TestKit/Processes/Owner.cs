using System.Globalization;

namespace Sidecars.TestKit.Processes;

/// <summary>
/// Names for what outlives a process in the kernel (network namespaces, mounts): pid and start tick of the process that made it, so
/// that the next one can tell what was left behind by one that was killed.
/// </summary>
public static class Owner
{
    private const string Prefix = "sidecars-";
    private const int StartTickIndex = 19; // field 22 of /proc/PID/stat, the 20th after the name

    /// <summary>The name of this process.</summary>
    public static string Name { get; } = string.Create(
        CultureInfo.InvariantCulture, $"{Prefix}{Environment.ProcessId}-{StartTick(Environment.ProcessId)}");

    /// <summary>True for a name that begins with that of a process which has ended.</summary>
    public static bool IsOfTheDead(string name)
    {
        if (!name.StartsWith(Prefix, StringComparison.Ordinal)) return false;
        var parts = name[Prefix.Length..].Split('-');
        return parts.Length >= 2
            && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
            && long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var tick)
            && StartTick(pid) != tick;
    }

    /// <summary>When a process started, in ticks since the boot: with its pid it names one process. -1: there is none.</summary>
    public static long StartTick(int pid)
    {
        try
        {
            var stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat"));
            return long.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[StartTickIndex], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return -1; // no such process
        }
    }
}
