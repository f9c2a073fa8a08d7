using Sidecars.TestKit.Processes;

namespace Sidecars.TestKit.Groups;

/// <summary>What happens to volumes.</summary>
public static class DiskSteps
{
    /// <summary>
    /// Copies a node's data as a snapshot of its volume would hold them. The server may run: AOF files only grow, and the marker is
    /// replaced whole, so the copy is what a crash at that moment leaves.
    /// </summary>
    /// <returns>The folder of the copy.</returns>
    public static string SnapshotVolume(this LocalNode node)
    {
        var target = node.DataFolder + ".snapshot";
        if (Directory.Exists(target)) Directory.Delete(target, recursive: true);
        Run("cp", "-a", node.DataFolder, target);
        return target;
    }

    /// <summary>Puts a snapshot in the place of the node's volume. The node must not run.</summary>
    public static void RestoreVolume(this LocalNode node, string snapshot)
    {
        node.WipeData();
        Run("cp", "-a", snapshot + "/.", node.DataFolder);
    }

    private static void Run(string program, params string[] arguments)
    {
        if (Command.Run(program, arguments) is { } error)
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {error}");
    }
}
