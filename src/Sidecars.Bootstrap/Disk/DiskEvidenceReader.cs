using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;

namespace Sidecars.Bootstrap.Disk;

/// <summary>
/// Reads what a data directory testifies, without loading it: at most 256 KiB of marker, 64 bytes of mark, 1 MiB of manifest, 4 KiB of each
/// snapshot's head, and 64 KiB + 1 MiB of each AOF end that matters, whatever the size of the dataset. Never throws; never writes. Meant
/// for a server that does not run: a running one answers for itself.
/// </summary>
public static class DiskEvidenceReader
{
    /// <summary>Most names that a listing looks at; a data directory holds a dozen, and more than this is somebody else's.</summary>
    public const int MaxNames = 10_000;

    /// <summary>Reads and concludes.</summary>
    /// <param name="dataDirectory">The server's working directory (<c>dir</c>).</param>
    /// <param name="durability">As configured.</param>
    /// <param name="layout">File names; null: the defaults.</param>
    public static DiskEvidence Read(string dataDirectory, Durability durability, DataLayout? layout = null) =>
        DiskEvidencePolicy.Conclude(ReadFacts(dataDirectory, durability, layout ?? DataLayout.Default));

    private static DiskFacts ReadFacts(string dataDirectory, Durability durability, DataLayout layout)
    {
        var files = new DiskFiles();
        var marker = new MarkerStore(dataDirectory);
        var rdb = Path.Combine(dataDirectory, layout.RdbFile);
        var appendDirectory = Path.Combine(dataDirectory, layout.AppendDirectory);
        var manifestPath = Path.Combine(appendDirectory, layout.ManifestFile);

        var facts = new DiskFacts(durability)
        {
            Directory = List(dataDirectory, appendDirectory, layout),
            Marker = marker.Read(files),
            MarkerFile = DiskFiles.Stat(marker.MarkerPath),
            Filled = FilledMark.Read(files, dataDirectory),
            RdbFile = DiskFiles.Stat(rdb),
            ManifestFile = DiskFiles.Stat(manifestPath),
            Manifest = files.ReadAll(manifestPath, AofManifestReader.MaxBytes).Then(bytes => AofManifestReader.Read(bytes)),
            SingleAof = DiskFiles.Stat(Path.Combine(dataDirectory, layout.AppendFile)),
        };
        var (header, whole) = ReadSnapshot(files, rdb, facts.RdbFile);
        facts = facts with { Rdb = header, RdbLooksWhole = whole };
        facts = facts.Manifest.Value is { } manifest
            ? ReadAof(files, appendDirectory, manifest, facts)
            : facts with
            { AofTail = facts.SingleAof.Then(s => AofTailReader.Read(files, Path.Combine(dataDirectory, layout.AppendFile), s.Length)) };
        return facts with { BytesRead = files.BytesRead };
    }

    private static DiskFacts ReadAof(DiskFiles files, string directory, AofManifest manifest, DiskFacts facts)
    {
        var onDisk = manifest.Loaded.Select(f => new AofFileOnDisk(f, DiskFiles.Stat(Path.Combine(directory, f.Name)))).ToArray();
        facts = facts with
        { AofFiles = onDisk, AofBase = DiskFact<RdbHeader>.Absent, AofBaseLooksWhole = true, AofTail = DiskFact<AofTail>.Absent };
        if (onDisk.FirstOrDefault(f => f.Entry.Type == AofFileType.Base) is { } @base)
            facts = ReadBase(files, Path.Combine(directory, @base.Entry.Name), @base.Stat, isLast: onDisk.Length == 1, facts);
        if (onDisk.LastOrDefault(f => f.Entry.Type == AofFileType.Increment) is { } newest)
            facts = facts with
            {
                AofTail = newest.Stat.Then(
                    s => AofTailReader.Read(files, Path.Combine(directory, newest.Entry.Name), s.Length, recent: facts.AofGrowth ?? 0))
            };
        return facts;
    }

    private static DiskFacts ReadBase(DiskFiles files, string path, DiskFact<FileStat> stat, bool isLast, DiskFacts facts)
    {
        if (!HoldsCommands(files, path))
        {
            var (header, whole) = ReadSnapshot(files, path, stat);
            facts = facts with { AofBase = header, AofBaseLooksWhole = whole };
            // A server names *.rdb only what ends with the snapshot.
            if (whole || !header.IsKnown || path.EndsWith(".rdb", StringComparison.Ordinal)) return facts;
        }

        var end = stat.Then(s => AofTailReader.Read(files, path, s.Length));
        var fits = end.Value switch
        {
            { End: AofEnd.Complete or AofEnd.Empty } => true,
            { End: AofEnd.Torn } => isLast,

            { End: AofEnd.Unrecognised, FromStart: false } => true, // one large value may fill the window
            _ => false,
        };
        return facts with { AofBaseLooksWhole = fits, AofBaseEndsInCommands = fits, AofTail = isLast ? end : facts.AofTail };
    }

    /// <summary>
    /// With <c>aof-use-rdb-preamble no</c> the base holds commands; a server tells by the first bytes, whatever the name.
    /// </summary>
    private static bool HoldsCommands(DiskFiles files, string path) =>
        files.ReadHead(path, 1) is { IsKnown: true, Value: var first } && (first.Length == 0 || first[0] is (byte)'*' or (byte)'#');

    private static (DiskFact<RdbHeader> Header, bool LooksWhole) ReadSnapshot(DiskFiles files, string path, DiskFact<FileStat> stat)
    {
        var header = stat.Then(s => files.ReadHead(path, RdbHeaderReader.MaxBytes).Then(head => RdbHeaderReader.Read(head, s.Length)));
        var whole = header.IsKnown && files.ReadTail(path, RdbTail.Length) is { IsKnown: true, Value: var tail }
            && RdbTail.LooksWhole(tail, header.Value.Version);
        return (header, whole);
    }

    private static DiskFact<DirectoryFacts> List(string dataDirectory, string appendDirectory, DataLayout layout)
    {
        try
        {
            if (!Directory.Exists(dataDirectory)) return DiskFact<DirectoryFacts>.Absent;
            var top = new DirectoryInfo(dataDirectory).EnumerateFiles().Take(MaxNames + 1).ToList();
            var inAppend =
                Directory.Exists(appendDirectory) ? new DirectoryInfo(appendDirectory).EnumerateFiles().Take(MaxNames + 1).ToList() : [];
            if (top.Count > MaxNames || inAppend.Count > MaxNames)
                return DiskFact<DirectoryFacts>.Unreadable(new FileFault(FileFaultKind.TooLarge, $"more than {MaxNames} files"));

            var unfinished = UnfinishedWork.None;
            foreach (var file in top.Concat(inAppend))
                unfinished = unfinished.With(file.Name, file.LastWriteTimeUtc.Ticks, layout.AppendFile);
            var aofFiles =
                inAppend.Count(f => f.Name.StartsWith(layout.AppendFile + ".", StringComparison.Ordinal) && f.Name != layout.ManifestFile);
            return DiskFact<DirectoryFacts>.Known(new DirectoryFacts(unfinished, aofFiles));
        }
        catch (Exception e) when (FileFault.IsIo(e))
        {
            return DiskFact<DirectoryFacts>.Unreadable(FileFault.Of(e));
        }
    }
}
