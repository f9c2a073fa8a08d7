using System.Collections.Immutable;

namespace Sidecars.Backup.Archive;

/// <summary>A backup that is listed: its manifest was read.</summary>
/// <param name="Manifest">Its manifest.</param>
/// <param name="Verification">The last drill; null without one.</param>
public sealed record BackupEntry(BackupManifest Manifest, Verification? Verification)
{
    /// <summary>See <see cref="BackupManifest.Id"/>.</summary>
    public string Id => Manifest.Id;
}

/// <summary>An object that could not be read as what its key says.</summary>
/// <param name="Key">The object.</param>
/// <param name="Problem">What is wrong.</param>
public sealed record Oddity(string Key, string Problem);

/// <summary>All backups of one tenant, by generation and time, and who uploads.</summary>
/// <param name="Backups">Oldest first.</param>
/// <param name="Uploader">The lease; null where there has never been one.</param>
/// <param name="Oddities">Objects that could not be read as what they should be; they are never taken into account, and never deleted.</param>
public sealed record Catalogue(ImmutableArray<BackupEntry> Backups, UploaderLease? Uploader, ImmutableArray<Oddity> Oddities);

/// <summary>Where segments follow one another.</summary>
/// <param name="Segments">In order, without gap or overlap.</param>
/// <param name="Break">Why it ends where it ends; null: nothing comes after.</param>
public sealed record SegmentChain(ImmutableArray<SegmentName> Segments, ChainBreak? Break)
{
    /// <summary>
    /// Links segments by their names. Where sessions overlap (an upload of a process that was killed arrived late), the later session
    /// counts. Pure; content is checked against the digests when it is read.
    /// </summary>
    /// <param name="segments">All of one generation, in any order.</param>
    /// <param name="start">Where to begin.</param>
    /// <param name="digest">The chain's digest there.</param>
    public static SegmentChain Link(IEnumerable<SegmentName> segments, StreamPosition start, ChainDigest digest)
    {
        var byStart = segments.Where(s => s.From >= start).ToLookup(s => s.From);
        var sequences = byStart.Select(g => g.Key.Sequence).Distinct().Order().ToList();
        var chain = ImmutableArray.CreateBuilder<SegmentName>();
        var (at, previous) = (start, digest.Short);
        while (true)
        {
            // A successor fits by place and by digest: here, or at the start of a later file.
            var next = Best(byStart[at], previous)
                ?? sequences.Where(n => n > at.Sequence).Select(n => Best(byStart[new StreamPosition(n, 0)], previous)).FirstOrDefault(s => s is not null);
            if (next is null) break;
            chain.Add(next);
            (at, previous) = (next.To, next.Digest.Short);
        }

        var session = chain.Count == 0 ? 0 : chain[^1].Session;
        // What lies behind and is no leftover of an earlier session should have been linked.
        var beyond = byStart.SelectMany(g => g).Where(s => s.From >= at && s.Session >= session && s.From != at || (s.From == at && s.Session >= session))
            .OrderBy(s => s.From).FirstOrDefault();
        return new SegmentChain(chain.ToImmutable(), beyond is null ? null : new ChainBreak(at, beyond));
    }

    private static SegmentName? Best(IEnumerable<SegmentName> candidates, string previous) =>
        candidates.Where(s => s.Previous == previous).MaxBy(s => (s.Session, s.End));
}

/// <summary>A gap.</summary>
/// <param name="At">Up to here the chain is whole.</param>
/// <param name="Next">The first segment behind the gap.</param>
public sealed record ChainBreak(StreamPosition At, SegmentName Next);
