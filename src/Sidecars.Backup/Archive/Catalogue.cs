using System.Collections.Immutable;
using Sidecars.Backup.Store;

namespace Sidecars.Backup.Archive;

/// <summary>A backup that is listed: its manifest was read.</summary>
/// <param name="Manifest">Its manifest.</param>
/// <param name="Verification">The last drill; null without one.</param>
public sealed record BackupEntry(BackupManifest Manifest, Verification? Verification)
{
    /// <summary>See <see cref="BackupManifest.Id"/>.</summary>
    public string Id => Manifest.Id;

    /// <summary>What is wrong with its base, as the listing tells; null: it is there, with the right length.</summary>
    public Oddity? BaseProblem { get; init; }
}

/// <summary>An object that could not be read as what its key says.</summary>
/// <param name="Key">The object.</param>
/// <param name="Problem">What is wrong.</param>
public sealed record Oddity(string Key, string Problem);

/// <summary>Objects of a base without a manifest: it is being taken, or was interrupted, or its manifest was deleted.</summary>
/// <param name="Id">See <see cref="BackupManifest.Id"/>.</param>
/// <param name="Objects">What there is.</param>
public sealed record Remnant(string Id, ImmutableArray<ObjectEntry> Objects);

/// <summary>All backups of one tenant, by generation and time, and who uploads.</summary>
/// <param name="Backups">Oldest first.</param>
/// <param name="Uploader">The lease; null where there has never been one.</param>
/// <param name="Oddities">
/// Objects that could not be read as what they should be; they are never taken into account, and never deleted.
/// </param>
public sealed record Catalogue(ImmutableArray<BackupEntry> Backups, UploaderLease? Uploader, ImmutableArray<Oddity> Oddities)
{
    /// <summary>Bases that are not listed.</summary>
    public ImmutableArray<Remnant> Remnants { get; init; } = [];

    /// <summary>Places that the tails had reached.</summary>
    public IEnumerable<ChainMark> Marks => Backups.Select(b => b.Manifest.Before).Append(Uploader?.Tip).OfType<ChainMark>();
}

/// <summary>Where segments follow one another.</summary>
/// <param name="Segments">In order, without gap or overlap.</param>
/// <param name="Break">Why it ends where it ends; null: nothing comes after.</param>
public sealed record SegmentChain(ImmutableArray<SegmentName> Segments, ChainBreak? Break)
{
    /// <summary>Links segments by their names (<see cref="ChainLinker"/>).</summary>
    /// <param name="segments">All of one generation, in any order.</param>
    /// <param name="start">Where to begin.</param>
    /// <param name="digest">The chain's digest there.</param>
    public static SegmentChain Link(IEnumerable<SegmentName> segments, StreamPosition start, ChainDigest digest)
    {
        var linker = new ChainLinker(start, digest);
        var chain = ImmutableArray.CreateBuilder<SegmentName>();
        foreach (var segment in segments.OrderBy(s => s.From))
            if (linker.Add(segment) is { } linked) chain.Add(linked);
        if (linker.Settle() is { } last) chain.Add(last);
        return new SegmentChain(chain.ToImmutable(), linker.Break);
    }
}
