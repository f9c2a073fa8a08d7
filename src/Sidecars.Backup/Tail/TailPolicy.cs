using System.Collections.Immutable;
using Sidecars.Backup.Archive;
using Sidecars.Core.Lineage;

namespace Sidecars.Backup.Tail;

/// <summary>How an increment file came to its name, as the directory's events tell.</summary>
public enum IncrementOrigin
{
    /// <summary>Not seen.</summary>
    Unknown,

    /// <summary>Created under its own name, as at the beginning of a rewrite: it goes on where the one before it ended.</summary>
    Created,

    /// <summary>
    /// Renamed from a temporary name, as after a full sync or <c>CONFIG SET appendonly yes</c>: it belongs to a new base, and what came
    /// between is in neither file.
    /// </summary>
    Renamed,
}

/// <summary>Whether the stream goes on.</summary>
public abstract record TailDecision
{
    private TailDecision()
    {
    }

    /// <summary>The same files, and perhaps more that follow them.</summary>
    /// <param name="Next">New increment files, in order; often none.</param>
    public sealed record Continue(ImmutableArray<AofManifestFile> Next) : TailDecision;

    /// <summary>It does not, or it can't be proven: a new generation begins with a base of its own.</summary>
    /// <param name="Code">For machines and metrics.</param>
    /// <param name="Reason">For people.</param>
    public sealed record NewGeneration(string Code, string Reason) : TailDecision;
}

/// <summary>
/// Decides whether the increment files of a manifest continue those being shipped. Two increments in one manifest do (a rewrite persists
/// the new one before it forks: rewriteAppendOnlyFileBackground in aof.c); so does one that was seen being created under its own name.
/// All else is a break. Pure.
/// </summary>
public static class TailPolicy
{
    /// <summary>Decides.</summary>
    /// <param name="last">Sequence of the last file known to belong to the stream.</param>
    /// <param name="manifest">As on disk now.</param>
    /// <param name="originOf">What was seen of a file.</param>
    public static TailDecision Decide(long last, AofManifest manifest, Func<long, IncrementOrigin> originOf)
    {
        var newer = manifest.Increments.Where(f => f.Sequence > last).ToImmutableArray();
        if (newer.IsEmpty)
        {
            return manifest.Increments.Any(f => f.Sequence == last)
                ? new TailDecision.Continue([])
                : new TailDecision.NewGeneration("increment_gone", $"increment {last} is in the manifest no more, and none follows it");
        }

        var listed = manifest.Increments.Any(f => f.Sequence == last);
        for (var i = 0; i < newer.Length; i++)
        {
            var (sequence, before) = (newer[i].Sequence, i == 0 ? last : newer[i - 1].Sequence);
            if (originOf(sequence) == IncrementOrigin.Renamed)
                return new TailDecision.NewGeneration(
                    "dataset_replaced", $"increment {sequence} came with a new base: a full sync, or the AOF was switched on again");
            if ((listed || i > 0) || (sequence == before + 1 && originOf(sequence) == IncrementOrigin.Created)) continue;
            return new TailDecision.NewGeneration(
                "not_proven", $"nothing shows that increment {sequence} continues {before}: a rewrite was not watched");
        }

        return new TailDecision.Continue(newer);
    }

    /// <summary>
    /// Decides after a restart of the uploader: whether the last segment in the store is still what this node's disk holds.
    /// </summary>
    /// <param name="last">The last segment of the node's last generation.</param>
    /// <param name="manifest">As on disk now.</param>
    /// <param name="localDigest">
    /// Of the chain, with the segment's bytes read from the local file; null where the file is missing or shorter.
    /// </param>
    public static TailDecision Resume(SegmentName last, AofManifest manifest, ChainDigest? localDigest)
    {
        if (manifest.Increments.All(f => f.Sequence != last.Sequence))
            return new TailDecision.NewGeneration("rewritten_meanwhile", $"increment {last.Sequence} was replaced while nobody watched");
        if (localDigest is null)
            return new TailDecision.NewGeneration("shrunk", $"increment {last.Sequence} is shorter than what was shipped of it");
        return localDigest == last.Digest
            ? Decide(last.Sequence, manifest, _ => IncrementOrigin.Unknown)
            : new TailDecision.NewGeneration(
                "other_content", $"increment {last.Sequence} holds other bytes than were shipped, or they were shipped with another key");
    }
}
