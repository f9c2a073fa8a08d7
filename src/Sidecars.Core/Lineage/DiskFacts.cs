using Sidecars.Core.Primitives;

namespace Sidecars.Core.Lineage;

/// <summary>Names of a server's files.</summary>
/// <param name="AppendDirectory">Setting <c>appenddirname</c>.</param>
/// <param name="AppendFile">Setting <c>appendfilename</c>.</param>
/// <param name="RdbFile">Setting <c>dbfilename</c>.</param>
public sealed record DataLayout(string AppendDirectory, string AppendFile, string RdbFile)
{
    /// <summary>Redis' defaults.</summary>
    public static DataLayout Default { get; } = new("appendonlydir", "appendonly.aof", "dump.rdb");

    /// <summary>Name of the manifest in <see cref="AppendDirectory"/>.</summary>
    public string ManifestFile => AppendFile + ".manifest";
}

/// <summary>A file that the manifest names, as it is on disk.</summary>
/// <param name="Entry">The manifest's line.</param>
/// <param name="Stat">Length and time; absent where the file is missing.</param>
public sealed record AofFileOnDisk(AofManifestFile Entry, DiskFact<FileStat> Stat);

/// <summary>What two listings showed.</summary>
/// <param name="Unfinished">Temporary files.</param>
/// <param name="AofFiles">Files of the AOF directory that bear the AOF's name, other than the manifest.</param>
public sealed record DirectoryFacts(UnfinishedWork Unfinished, int AofFiles);

/// <summary>All that was read from a data directory. Default values say "not read".</summary>
/// <param name="Durability">As configured.</param>
public sealed record DiskFacts(Durability Durability)
{
    /// <summary>The data directory's listing; absent where the directory itself is: a volume that is not mounted.</summary>
    public DiskFact<DirectoryFacts> Directory { get; init; }

    /// <summary>The marker.</summary>
    public DiskFact<Marker> Marker { get; init; }

    /// <summary>The marker's file.</summary>
    public DiskFact<FileStat> MarkerFile { get; init; }

    /// <summary>The mark of whoever filled this directory.</summary>
    public DiskFact<FilledFact> Filled { get; init; }

    /// <summary>dump.rdb.</summary>
    public DiskFact<FileStat> RdbFile { get; init; }

    /// <summary>Its header.</summary>
    public DiskFact<RdbHeader> Rdb { get; init; }

    /// <summary><see cref="RdbTail"/> of dump.rdb.</summary>
    public bool RdbLooksWhole { get; init; }

    /// <summary>The manifest's file.</summary>
    public DiskFact<FileStat> ManifestFile { get; init; }

    /// <summary>The AOF's manifest.</summary>
    public DiskFact<AofManifest> Manifest { get; init; }

    /// <summary>The files that the manifest has the server load, in order.</summary>
    public IReadOnlyList<AofFileOnDisk> AofFiles { get; init; } = [];

    /// <summary>Header of the base; absent where there is no base or it holds commands rather than a snapshot.</summary>
    public DiskFact<RdbHeader> AofBase { get; init; }

    /// <summary>
    /// The base's end fits: <see cref="RdbTail"/>, or a whole command; a torn one only in the last file, as the server takes it.
    /// </summary>
    public bool AofBaseLooksWhole { get; init; }

    /// <summary>
    /// The base ends in commands, with or without a snapshot before them: a base of <c>aof-use-rdb-preamble no</c>, or the file of Redis 4
    /// to 6.
    /// </summary>
    public bool AofBaseEndsInCommands { get; init; }

    /// <summary>End of the newest increment; where there is none, of a base that ends in commands, or of the old single file.</summary>
    public DiskFact<AofTail> AofTail { get; init; }

    /// <summary>
    /// The single <c>appendonly.aof</c> of Redis 6 and earlier, which a server of 7 takes over when there is no manifest.
    /// </summary>
    public DiskFact<FileStat> SingleAof { get; init; }

    /// <summary>
    /// Bytes of AOF more than the marker's offset needs, exactly; negative where some are missing. Null where marker and disk can't be
    /// compared so: no total in the marker, another newest file, or a rewrite under way, whose end replaces files by shorter ones.
    /// </summary>
    public long? AofGrowth =>
        Marker is { IsKnown: true, Value: { AofRewriteInProgress: false, Aof: { Total: { } total } mark } }
        && Manifest.Value?.Newest?.Name == mark.File
        && AofFiles.Count > 0 && AofFiles.All(f => f.Stat.IsKnown)
            ? AofFiles.Sum(f => f.Stat.Value!.Length) - total
            : null;

    /// <summary>Bytes read to learn all this.</summary>
    public long BytesRead { get; init; }
}
