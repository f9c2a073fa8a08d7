using System.Collections.Immutable;
using System.Globalization;

namespace Sidecars.Backup.Archive;

/// <summary>A place of a generation's chain that is known to have been in the store.</summary>
/// <param name="Generation">The generation.</param>
/// <param name="At">The place.</param>
/// <param name="Digest">Of the chain there.</param>
public sealed record ChainMark(long Generation, StreamPosition At, ChainDigest Digest);

/// <summary>Segments of a generation that were in the store and are missing, or are not what their names say.</summary>
/// <param name="Generation">The generation.</param>
/// <param name="At">Up to here the chain is whole.</param>
/// <param name="Next">The first segment behind; null: there is none.</param>
/// <param name="Until">From here on it is whole again, or was known to reach to; null: that is not known.</param>
public sealed record ChainHole(long Generation, StreamPosition At, SegmentName? Next, StreamPosition? Until)
{
    /// <summary>For people: names the place, and what follows it.</summary>
    public override string ToString() =>
        string.Create(
            CultureInfo.InvariantCulture, $"a segment is missing: generation {Generation:D10}, tail/{At.Sequence:D10}/{At.Offset:D15}-…")
        + (Next is not null ? $"; the next one is tail/{Next}" : Until is { } known ? $"; the tail reached to {known}" : "");
}

/// <summary>What a walk along one generation found.</summary>
/// <param name="Holes">In order.</param>
/// <param name="Broken">Ids of backups that lack a part of their own tail.</param>
/// <param name="TailBytes">Bytes of the chain since the start of the last backup.</param>
public sealed record ChainState(ImmutableArray<ChainHole> Holes, ImmutableArray<string> Broken, long TailBytes);

/// <summary>
/// Walks along the tail of one generation as it is listed, from its first backup to the last place that is known of it. By names alone,
/// which are linked by digests; at a hole it goes on from the next backup. Memory is bounded by the number of backups. Pure.
/// </summary>
public sealed class ChainWalk
{
    private readonly long _generation;
    private readonly Queue<BackupManifest> _ahead;
    private readonly List<BackupManifest> _open = []; // begun, and their ends not reached yet
    private readonly List<ChainMark> _marks;
    private readonly HashSet<ChainDigest> _wanted;
    private readonly HashSet<ChainDigest> _reached = [];
    private readonly List<ChainHole> _holes = [];
    private readonly List<string> _broken = [];
    private ChainLinker _linker;
    private StreamPosition _from;
    private long _bytes;

    /// <summary>Begins at the first backup.</summary>
    /// <param name="backups">Of one generation, at least one.</param>
    /// <param name="marks">What else is known of this and of other generations.</param>
    public ChainWalk(IEnumerable<BackupManifest> backups, IEnumerable<ChainMark> marks)
    {
        _ahead = new Queue<BackupManifest>(backups.OrderBy(m => m.Start).ThenBy(m => m.Id, StringComparer.Ordinal));
        var first = _ahead.Peek();
        _generation = first.Generation;
        _marks = [.. marks.Where(m => m.Generation == _generation)];
        _wanted = [.. _ahead.Select(m => m.EndDigest), .. _marks.Select(m => m.Digest)];
        (_from, _linker) = (first.Start, new ChainLinker(first.Start, first.StartDigest));
    }

    /// <summary>Takes the next segment of the listing.</summary>
    public void Add(SegmentName segment)
    {
        while (_ahead.TryPeek(out var next) && segment.From >= next.Start) Pass(_ahead.Dequeue());
        Reach(_linker.Add(segment));
    }

    /// <summary>The listing is at its end.</summary>
    public ChainState End()
    {
        while (_ahead.TryDequeue(out var next)) Pass(next);
        Reach(_linker.Settle());
        List<StreamPosition> missed =
        [
            .. _open.Where(m => !_reached.Contains(m.EndDigest)).Select(m => m.End),
            .. _marks.Where(m => m.At > _from && !_reached.Contains(m.Digest)).Select(m => m.At),
        ];
        if (_linker.Break is not null || missed.Count > 0) AddHole(missed.Count > 0 ? missed.Max() : null);
        Close();
        return new ChainState([.. _holes], [.. _broken], _bytes);
    }

    private void Pass(BackupManifest next)
    {
        Reach(_linker.Settle());
        // By digest, not by place: the end of one file and the start of the next are the same.
        if (_linker.Digest != next.StartDigest)
        {
            AddHole(next.Start);
            Close();
            (_from, _linker) = (next.Start, new ChainLinker(next.Start, next.StartDigest));
        }

        _bytes = 0;
        _open.Add(next);
        _reached.Add(next.StartDigest);
    }

    private void Reach(SegmentName? linked)
    {
        if (linked is null) return;
        _bytes += linked.Length;
        if (_wanted.Contains(linked.Digest)) _reached.Add(linked.Digest);
    }

    // A backup may end at the start of a file that was empty yet, which is where the file before it ends.
    private void AddHole(StreamPosition? until)
    {
        var at = _open.Where(m => _reached.Contains(m.EndDigest)).Select(m => m.End).Append(_linker.At).Max();
        _holes.Add(new ChainHole(_generation, at, _linker.Break?.Next, until));
    }

    private void Close()
    {
        _broken.AddRange(_open.Where(m => !_reached.Contains(m.EndDigest)).Select(m => m.Id));
        _open.Clear();
    }
}
