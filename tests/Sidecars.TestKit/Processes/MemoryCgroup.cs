using System.Globalization;

namespace Sidecars.TestKit.Processes;

/// <summary>
/// A memory cgroup of its own for one process: what a container is charged for, with the pages of files that it reads first. Root, and a
/// kernel whose memory controller is there (version 1 or 2).
/// </summary>
public sealed class MemoryCgroup : IDisposable
{
    private const string VersionOne = "/sys/fs/cgroup/memory";
    private const string VersionTwo = "/sys/fs/cgroup";
    private readonly string _folder;
    private readonly bool _isTwo;

    private MemoryCgroup(string folder, bool isTwo) => (_folder, _isTwo) = (folder, isTwo);

    /// <summary>Makes one; null where none can be made.</summary>
    public static MemoryCgroup? TryCreate(string name)
    {
        var isTwo = File.Exists(Path.Combine(VersionTwo, "cgroup.controllers"));
        var folder = Path.Combine(
            isTwo ? VersionTwo : VersionOne, string.Create(CultureInfo.InvariantCulture, $"sidecars-{Environment.ProcessId}-{name}"));
        if (!Directory.Exists(Path.GetDirectoryName(folder))) return null;
        try
        {
            Directory.CreateDirectory(folder);
            var group = new MemoryCgroup(folder, isTwo);
            if (File.Exists(group.UsageFile)) return group;
            group.Dispose(); // version 2 without the memory controller
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>
    /// What kubelet calls the working set, bytes: all that is charged, less file pages that the kernel would give back first.
    /// </summary>
    public long WorkingSetBytes
    {
        get
        {
            var inactive = File.ReadLines(Path.Combine(_folder, "memory.stat")).Select(line => line.Split(' '))
                .First(words => words[0] == (_isTwo ? "inactive_file" : "total_inactive_file"))[1];
            return long.Parse(File.ReadAllText(UsageFile), CultureInfo.InvariantCulture) - long.Parse(
                inactive, CultureInfo.InvariantCulture);
        }
    }

    /// <summary>The same start, within it: charged from the first page of the program on.</summary>
    public ServerStart Within(ServerStart start) => new("sh",
        ["-c", "echo $$ >\"$1\" && shift && exec \"$@\"", "sh", Path.Combine(_folder, "cgroup.procs"), start.Program, .. start.Arguments])
    {
        Name = start.Name,
        Environment = start.Environment,
        WorkingDirectory = start.WorkingDirectory,
        DetachedLog = start.DetachedLog,
    };

    /// <summary>Removes it; its processes must have ended.</summary>
    public void Dispose()
    {
        try
        {
            Directory.Delete(_folder);
        }
        catch (IOException)
        {
            // Pages of a process that is being taken down: an empty cgroup costs nothing.
        }
    }

    private string UsageFile => Path.Combine(_folder, _isTwo ? "memory.current" : "memory.usage_in_bytes");
}
