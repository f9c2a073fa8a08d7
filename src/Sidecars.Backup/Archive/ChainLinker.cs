namespace Sidecars.Backup.Archive;

/// <summary>
/// Links the segments of one generation as they are listed, in the order of their places. Where sessions overlap (an upload of a process
/// that was killed arrived late), the later session counts. Only the segments of one place are in memory, however long the tail is. Pure;
/// content is checked against the digests when it is read.
/// </summary>
/// <param name="start">Where to begin.</param>
/// <param name="digest">The chain's digest there.</param>
public sealed class ChainLinker(StreamPosition start, ChainDigest digest)
{
    private readonly List<SegmentName> _place = [];
    private long _session;
    private SegmentName? _beyond;

    /// <summary>Up to here the chain is whole.</summary>
    public StreamPosition At { get; private set; } = start;

    /// <summary>Of the chain there.</summary>
    public ChainDigest Digest { get; private set; } = digest;

    /// <summary>Why it ends where it ends; null: nothing comes after.</summary>
    public ChainBreak? Break => _beyond is null ? null : new ChainBreak(At, _beyond);

    /// <summary>Takes the next segment.</summary>
    /// <returns>The segment of the place before that belongs to the chain; null: none did, or that place is not complete.</returns>
    public SegmentName? Add(SegmentName next)
    {
        var linked = _place.Count > 0 && _place[0].From != next.From ? Settle() : null;
        if (next.From >= At) _place.Add(next);
        return linked;
    }

    /// <summary>Concludes the listing: no further segment follows, or none at the same position.</summary>
    /// <returns>As of <see cref="Add"/>.</returns>
    public SegmentName? Settle()
    {
        // A successor fits by place and by digest: here, or at the start of a later file.
        var next = _place.Where(s => s.Previous == Digest.Short && (s.From == At || (s.Start == 0 && s.Sequence > At.Sequence)))
            .MaxBy(s => (s.Session, s.End));
        if (next is not null) (At, Digest, _session, _beyond) = (next.To, next.Digest, next.Session, null);
        else _beyond ??= _place.Find(s => s.Session >= _session); // no leftover of an earlier session: it should have been linked
        _place.Clear();
        return next;
    }
}

/// <summary>A gap.</summary>
/// <param name="At">Up to here the chain is whole.</param>
/// <param name="Next">The first segment behind the gap.</param>
public sealed record ChainBreak(StreamPosition At, SegmentName Next);
