using System.Globalization;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Lineage;

/// <summary>What <see cref="RescueStore.Preserve"/> came to.</summary>
public abstract record RescueOutcome
{
    private RescueOutcome()
    {
    }

    /// <summary>The dataset has a second name; it is safe to go on.</summary>
    /// <param name="Rescue">Where.</param>
    /// <param name="Deleted">Older ones that were deleted for it.</param>
    public sealed record Kept(Rescue Rescue, IReadOnlyList<Rescue> Deleted) : RescueOutcome;

    /// <summary>The disk holds no data files.</summary>
    public sealed record NothingToKeep : RescueOutcome;

    /// <summary>Not kept; do not follow, unless a setting says otherwise.</summary>
    /// <param name="Reason">Why, for people.</param>
    public sealed record Refused(string Reason) : RescueOutcome;
}

/// <summary>
/// Keeps a dataset before the node follows a master that will overwrite it: hard links of AOF directory and dump below
/// <c>&lt;data&gt;/.sidecar/rescue/</c>, so that it takes no time and no space until the server replaces its files. Never copies: a copy of
/// gigabytes would hold up the start and may fill the disk. Links across filesystems are refused.
/// </summary>
/// <param name="dataDirectory">The server's working directory.</param>
/// <param name="limits">Bounds.</param>
/// <param name="layout">File names; null: the defaults.</param>
public sealed class RescueStore(string dataDirectory, RescueLimits limits, DataLayout? layout = null)
{
    /// <summary>Directory of rescues below that of the sidecars.</summary>
    public const string DirectoryName = "rescue";

    /// <summary>Description of a rescue, written last.</summary>
    public const string ManifestName = "rescue.json";

    private const string Partial = ".partial"; // what a crash leaves: not listed, deleted by the next Preserve
    private readonly DataLayout _layout = layout ?? DataLayout.Default;
    private readonly string _root = Path.Combine(dataDirectory, MarkerStore.DirectoryName, DirectoryName);

    /// <summary>As <see cref="Look"/>; none where the directory cannot be read.</summary>
    public IReadOnlyList<Rescue> List() => Look().Value ?? [];

    /// <summary>
    /// Rescues, oldest first; none, and not absent, where there was never one. A directory whose description cannot be read is left out: it
    /// is not ours to delete.
    /// </summary>
    public DiskFact<IReadOnlyList<Rescue>> Look()
    {
        try
        {
            // Not Directory.Exists: that takes what cannot be read for what is not there.
            var files = new DiskFiles();
            return DiskFact<IReadOnlyList<Rescue>>.Known([.. Directory.EnumerateDirectories(_root)
                .Where(d => !d.EndsWith(Partial, StringComparison.Ordinal))
                .Order(StringComparer.Ordinal)
                .Select(d => files.ReadAll(Path.Combine(d, ManifestName), RescueDocument.MaxBytes)
                    .Then(bytes => RescueDocument.Read(Path.GetFileName(d), bytes)).Value)
                .OfType<Rescue>()
                .OrderBy(r => r.Sequence)]); // stable: those without one stay in the order of their names
        }
        catch (DirectoryNotFoundException)
        {
            return DiskFact<IReadOnlyList<Rescue>>.Known([]);
        }
        catch (Exception e) when (FileFault.IsIo(e))
        {
            return DiskFact<IReadOnlyList<Rescue>>.Unreadable(FileFault.Of(e));
        }
    }

    /// <summary>
    /// Links the dataset, unless the same files are kept already. The server must not run, or must not rewrite its AOF meanwhile. Old
    /// rescues are deleted only after the new one is durable.
    /// </summary>
    /// <param name="evidence">Of the disk, just read.</param>
    /// <param name="reason">Why the node gives its data up.</param>
    /// <param name="token">Of the master that it will follow.</param>
    /// <param name="from">This node.</param>
    /// <param name="utcNow">For the name.</param>
    public RescueOutcome Preserve(DiskEvidence evidence, string reason, FencingToken token, NodeIdentity from, DateTimeOffset utcNow)
    {
        try
        {
            DeletePartials();
            var files = DataFiles();
            if (files.Count == 0) return new RescueOutcome.NothingToKeep();
            var existing = List();
            switch (RescuePlan.Calculate(existing, files, evidence.IsIntact, limits))
            {
                case RescuePlan.AlreadyKept already: return new RescueOutcome.Kept(already.Existing, []);
                case RescuePlan.Refuse refuse: return new RescueOutcome.Refused(refuse.Reason);
                case RescuePlan.Keep keep:
                    var stamp = utcNow.UtcDateTime.ToString(Rescue.StampFormat, CultureInfo.InvariantCulture);
                    var rescue = new Rescue(
                        $"{stamp}-{evidence.Position?.At.Id.Short ?? "unknown0"}", reason, token, from, evidence.IsIntact, files)
                    {
                        Position = evidence.Position?.At,
                        Sequence = existing.Select(r => r.Sequence).DefaultIfEmpty(0).Max() + 1,
                    };
                    if (!TryLink(rescue)) return new RescueOutcome.Refused("the filesystem does not link these files; they are not copied");
                    foreach (var old in keep.Delete) Directory.Delete(Path.Combine(_root, old.Name), recursive: true);
                    return new RescueOutcome.Kept(rescue, keep.Delete);
                default: throw new InvalidOperationException("unknown plan");
            }
        }
        catch (Exception e) when (FileFault.IsIo(e))
        {
            return new RescueOutcome.Refused(e.Message);
        }
    }

    /// <summary>
    /// Removes the dataset from the data directory, so that a server starts without it. The AOF's directory goes as a whole: a crash within
    /// leaves all of its files or none.
    /// </summary>
    /// <exception cref="IOException">Something can't be removed.</exception>
    public void Remove()
    {
        File.Delete(Path.Combine(dataDirectory, _layout.RdbFile));
        File.Delete(Path.Combine(dataDirectory, _layout.AppendFile));
        var append = Path.Combine(dataDirectory, _layout.AppendDirectory);
        if (Directory.Exists(append))
        {
            Directory.CreateDirectory(_root);
            var removed = Path.Combine(_root, "removed" + Partial); // the next Preserve deletes what a crash leaves of it
            if (Directory.Exists(removed)) Directory.Delete(removed, recursive: true);
            Directory.Move(append, removed);
            Directory.Delete(removed, recursive: true);
        }

        PosixFiles.SyncDirectory(dataDirectory);
    }

    private bool TryLink(Rescue rescue)
    {
        var final = Path.Combine(_root, rescue.Name);
        var partial = final + Partial;
        foreach (var file in rescue.Files)
        {
            var target = Path.Combine(partial, file.Name);
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            if (PosixFiles.TryLink(Path.Combine(dataDirectory, file.Name), target)) continue;
            Directory.Delete(partial, recursive: true);
            return false;
        }

        AtomicFile.Write(Path.Combine(partial, ManifestName), RescueDocument.Write(rescue));
        foreach (var directory in Directory.EnumerateDirectories(partial)) PosixFiles.SyncDirectory(directory);
        Directory.Move(partial, final);
        PosixFiles.SyncDirectory(_root);
        return true;
    }

    /// <summary>
    /// Dump, AOF directory (with temporary files: half an AOF may be the newest data there is) and the single AOF of old.
    /// </summary>
    private List<RescuedFile> DataFiles()
    {
        var files = new List<RescuedFile>();
        Add("", new FileInfo(Path.Combine(dataDirectory, _layout.RdbFile)), files);
        Add("", new FileInfo(Path.Combine(dataDirectory, _layout.AppendFile)), files);
        var append = new DirectoryInfo(Path.Combine(dataDirectory, _layout.AppendDirectory));
        if (append.Exists)
            foreach (var file in append.EnumerateFiles().OrderBy(f => f.Name, StringComparer.Ordinal))
                Add(_layout.AppendDirectory + "/", file, files);
        return files;
    }

    private static void Add(string prefix, FileInfo file, List<RescuedFile> files)
    {
        if (file.Exists) files.Add(new RescuedFile(prefix + file.Name, file.Length, file.LastWriteTimeUtc.Ticks));
    }

    private void DeletePartials()
    {
        if (!Directory.Exists(_root)) return;
        foreach (var partial in Directory.EnumerateDirectories(_root, "*" + Partial)) Directory.Delete(partial, recursive: true);
    }
}
