using Sidecars.Backup.Archive;
using Sidecars.Backup.Store;
using Sidecars.Core.Lineage;

namespace Sidecars.Backup.Tail;

/// <summary>
/// Where a generation may be gone on with: its newest segment in the store, proven to be what this node's disk holds. No state of our own
/// is kept for it, so none can be wrong.
/// </summary>
internal sealed class StreamTip(BackupStore store, AofDirectory aof)
{
    /// <summary>What was found.</summary>
    /// <param name="Tip">The newest segment; null: a new generation begins.</param>
    /// <param name="FileStart">Of the chain at the start of its file; null where that is not known.</param>
    /// <param name="Fresh">Why a new one begins; null where it goes on.</param>
    public sealed record Found(SegmentName? Tip, ChainDigest? FileStart, TailDecision.NewGeneration? Fresh);

    /// <summary>Looks for it.</summary>
    /// <param name="generation">The last one of this node; 0 for none.</param>
    /// <param name="manifest">On this node's disk.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="IOException">Store or disk can't be read.</exception>
    public async Task<Found> FindAsync(long generation, AofManifest manifest, CancellationToken cancellation)
    {
        if (generation == 0) return Fresh("first", "there is no earlier generation of this node to go on with");
        var folders = (await store.Objects.ListFoldersAsync(store.Layout.Tail(generation), cancellation).ConfigureAwait(false))
            .Where(f => SegmentName.TryNumber(f, 10, out _)).Order(StringComparer.Ordinal).TakeLast(2).ToList();
        if (folders.Count == 0) return Fresh("nothing_shipped", $"generation {generation} has no segment");
        _ = SegmentName.TryNumber(folders[0], 10, out var from);
        var segments = await store.ListSegmentsAsync(generation, from, [], cancellation).ConfigureAwait(false);
        // The last session decided the chain; an earlier one's object behind that is a leftover.
        if (segments.MaxBy(s => (s.Session, s.Sequence, s.End)) is not { } tip)
            return Fresh("nothing_shipped", $"generation {generation} has no segment");
        if (Previous(segments, tip) is not { } before) return Fresh("chain_unknown", $"nothing before tail/{tip} is found");
        if (TailPolicy.Resume(tip, manifest, LocalDigest(manifest, tip, before)) is TailDecision.NewGeneration fresh)
            return new Found(null, null, fresh);
        var first = segments.FirstOrDefault(s => s.Sequence == tip.Sequence && s.Start == 0);
        return new Found(tip, first is null ? null : Previous(segments, first), null);
    }

    private static Found Fresh(string code, string reason) => new(null, null, new TailDecision.NewGeneration(code, reason));

    private static ChainDigest? Previous(List<SegmentName> segments, SegmentName of) =>
        of.Previous == ChainDigest.Start.Short ? ChainDigest.Start
        : segments.FirstOrDefault(s => s.Digest.Short == of.Previous && s.To <= of.From) is { } before ? before.Digest : null;

    private ChainDigest? LocalDigest(AofManifest manifest, SegmentName tip, ChainDigest before)
    {
        if (manifest.Increments.FirstOrDefault(f => f.Sequence == tip.Sequence) is not { } entry) return null;
        using var file = aof.TryOpen(entry.Name);
        return file is not null && RandomAccess.GetLength(file) >= tip.End
            ? before.Append(ObjectContent.Of(file, tip.Start, tip.Length), store.Hash)
            : null;
    }
}
