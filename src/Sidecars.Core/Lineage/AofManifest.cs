namespace Sidecars.Core.Lineage;

/// <summary>What a file of a multi-part AOF is.</summary>
public enum AofFileType
{
    /// <summary><c>b</c>: the snapshot that the increments start from.</summary>
    Base,

    /// <summary><c>i</c>: commands since the base, in order.</summary>
    Increment,

    /// <summary><c>h</c>: replaced by a rewrite, waiting to be deleted.</summary>
    History,
}

/// <summary>A line of the manifest.</summary>
/// <param name="Name">File name, without a directory.</param>
/// <param name="Sequence">Ascending among increments.</param>
/// <param name="Type">What it is.</param>
public sealed record AofManifestFile(string Name, long Sequence, AofFileType Type)
{
    /// <summary>Redis 8: offset of the stream at which the file starts; null in older files.</summary>
    public long? StartOffset { get; init; }

    /// <summary>Redis 8: offset at which it ends; null while it is being written.</summary>
    public long? EndOffset { get; init; }
}

/// <summary>The manifest of a multi-part AOF (Redis 7.0 and later).</summary>
/// <param name="Base">The base; null where the AOF starts from nothing.</param>
/// <param name="Increments">Ascending by sequence.</param>
/// <param name="History">Waiting to be deleted.</param>
public sealed record AofManifest(AofManifestFile? Base, IReadOnlyList<AofManifestFile> Increments, IReadOnlyList<AofManifestFile> History)
{
    /// <summary>The increment that is written; null where there is none.</summary>
    public AofManifestFile? Newest => Increments.Count == 0 ? null : Increments[^1];

    /// <summary>Base and increments: the files that the server loads, in order. All must exist.</summary>
    public IEnumerable<AofManifestFile> Loaded => Base is null ? Increments : Increments.Prepend(Base);

    /// <summary>Number of files of each type.</summary>
    public override string ToString() => $"base {Base?.Name ?? "none"}, {Increments.Count} increments, {History.Count} history";
}
