using System.Globalization;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Demo.Tenant;

/// <summary>
/// The note by which <c>scripts/demo --stop</c> ends what <c>--keep</c> left running: the folder, then a line for each process with its
/// pid, the tick at which it started, since a pid may be given to another one, and its name.
/// </summary>
internal static class Kept
{
    /// <summary>Replaces the note.</summary>
    public static void Save(string file, string folder, IEnumerable<(string Name, ServerProcess Process)> processes)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllLines(file, [folder, .. processes.Select(Line)]);
    }

    /// <summary>The nodes of a group that run, with their names.</summary>
    public static IEnumerable<(string Name, ServerProcess Process)> ProcessesOf(LocalGroup group) =>
        group.All.Where(node => node.Running).Select(node => (node.Name, node.Process!));

    private static string Line((string Name, ServerProcess Process) one) =>
        string.Create(CultureInfo.InvariantCulture, $"{one.Process.Pid} {Owner.StartTick(one.Process.Pid)} {one.Name}");
}
