using System.Text;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Lineage;

/// <summary>Who filled a data directory from elsewhere.</summary>
public enum FilledBy
{
    /// <summary><c>redis-backup restore</c>.</summary>
    Restore,

    /// <summary>A person, with the data of another installation.</summary>
    Adopt,
}

/// <summary>The mark as it lies there.</summary>
/// <param name="By">What it says.</param>
/// <param name="ChangedTicks">When it was written, as <see cref="FileStat.ChangedTicks"/>.</param>
public sealed record FilledFact(FilledBy By, long ChangedTicks);

/// <summary>
/// <c>&lt;data&gt;/.sidecar/filled</c>: these data were put here on purpose, and no server of this group has written to them. The node that
/// has it is the only possible winner of an election. One word, <c>restore</c> or <c>adopt</c>, so that a shell can write it too; it is
/// written after the data, since it counts only while no data file is newer (<see cref="DiskEvidence.Filled"/>).
/// </summary>
public static class FilledMark
{
    /// <summary>File name, in <see cref="MarkerStore.DirectoryName"/>.</summary>
    public const string FileName = "filled";

    private const int MaxBytes = 64; // one word and a line end; room for what a person adds

    /// <summary>Returns the path of the mark.</summary>
    public static string PathIn(string dataDirectory) => Path.Combine(dataDirectory, MarkerStore.DirectoryName, FileName);

    /// <summary>Writes it durably.</summary>
    /// <exception cref="IOException">It can't be written.</exception>
    public static void Write(string dataDirectory, FilledBy by)
    {
        Directory.CreateDirectory(Path.Combine(dataDirectory, MarkerStore.DirectoryName));
        var path = PathIn(dataDirectory);
        AtomicFile.Write(path, Encoding.ASCII.GetBytes(by == FilledBy.Adopt ? "adopt\n" : "restore\n"));
    }

    /// <summary>
    /// Removes it: another master's data are about to replace these. Not durable; what replaces the data is newer than the mark anyway.
    /// </summary>
    /// <exception cref="IOException">It can't be removed.</exception>
    public static void Remove(string dataDirectory)
    {
        if (Directory.Exists(Path.Combine(dataDirectory, MarkerStore.DirectoryName))) File.Delete(PathIn(dataDirectory));
    }

    internal static DiskFact<FilledFact> Read(DiskFiles files, string dataDirectory)
    {
        var path = PathIn(dataDirectory);
        return DiskFiles.Stat(path).Then(stat => files.ReadAll(path, MaxBytes).Then(bytes => Encoding.ASCII.GetString(bytes).Trim() switch
        {
            "restore" => DiskFact<FilledFact>.Known(new FilledFact(FilledBy.Restore, stat.ChangedTicks)),
            "adopt" => DiskFact<FilledFact>.Known(new FilledFact(FilledBy.Adopt, stat.ChangedTicks)),
            _ => DiskFact<FilledFact>.Unreadable(new FileFault(FileFaultKind.WrongFormat, "neither restore nor adopt")),
        }));
    }
}
