using System.Collections;

namespace Sidecars.Core.Lineage;

/// <summary>Answer to "where does this replication id stand?". Deliberately not comparable: see <see cref="Unknown"/>.</summary>
public abstract record LineageLookup
{
    private LineageLookup()
    {
    }

    /// <summary>The id is recorded.</summary>
    /// <param name="Entry">What is recorded of it.</param>
    public sealed record Recorded(LineageEntry Entry) : LineageLookup;

    /// <summary>
    /// The id is not recorded. It may be older than all that is kept, or newer (a promotion that never reached the marker), or
    /// another group's. An election must refuse on it; taken as lowest it would let a stale node outrank the newest data.
    /// </summary>
    public sealed record Unknown : LineageLookup;
}

/// <summary>
/// The replication ids that masters of the group served under, ascending by position, each id once. Immutable; at most
/// <see cref="MaxEntries"/>: the newest are kept.
/// </summary>
public sealed class LineageHistory : IReadOnlyList<LineageEntry>, IEquatable<LineageHistory>
{
    /// <summary>
    /// 64 promotions. An entry is at most about 0.5 KiB, so the marker stays far below its bound; a node that was away for more
    /// than 64 promotions reads as unknown, on which the election refuses, and such a node needs a full sync in any case.
    /// </summary>
    public const int MaxEntries = 64;

    private readonly LineageEntry[] _entries;

    private LineageHistory(LineageEntry[] entries) => _entries = entries;

    /// <summary>No master was ever recorded.</summary>
    public static LineageHistory Empty { get; } = new([]);

    /// <inheritdoc/>
    public int Count => _entries.Length;

    /// <summary>The newest entry; null when empty.</summary>
    public LineageEntry? Newest => _entries.Length == 0 ? null : _entries[^1];

    /// <inheritdoc/>
    public LineageEntry this[int index] => _entries[index];

    /// <summary>
    /// Creates a history of entries that ascend strictly by position and name each id once; false otherwise, or with more than
    /// <see cref="MaxEntries"/>.
    /// </summary>
    public static bool TryCreate(IReadOnlyList<LineageEntry> entries, out LineageHistory history)
    {
        history = Empty;
        if (entries.Count > MaxEntries) return false;
        var ids = new HashSet<ReplicationId>();
        for (var i = 0; i < entries.Count; i++)
        {
            if (!ids.Add(entries[i].Id)) return false;
            if (i > 0 && entries[i].Position <= entries[i - 1].Position) return false;
        }

        history = new LineageHistory([.. entries]);
        return true;
    }

    /// <summary>Finds where <paramref name="id"/> stands.</summary>
    public LineageLookup Find(ReplicationId id) =>
        _entries.FirstOrDefault(e => e.Id == id) is { } entry ? new LineageLookup.Recorded(entry) : new LineageLookup.Unknown();

    /// <summary>
    /// Records that <paramref name="master"/> serves under <paramref name="id"/>. Where the id is the newest already, its entry is
    /// only bettered: a later term or epoch, a master that was not known; null where it would not come after all that is recorded (an older
    /// term or epoch, or an id of long ago that returns): the caller's view is stale, and it must not write.
    /// </summary>
    /// <param name="id">The new replication id.</param>
    /// <param name="startOffset">Offset at which it begins.</param>
    /// <param name="term">Term that the master serves in.</param>
    /// <param name="epoch">Sentinel's config-epoch that it serves in.</param>
    /// <param name="master">Who serves.</param>
    public LineageHistory? Append(ReplicationId id, long startOffset, long term, long epoch, NodeIdentity master)
    {
        if (Newest is { } newest && newest.Id == id) return Better(newest, term, epoch, master);
        var position = new LineagePosition(term, epoch, (Newest?.Position.Generation ?? 0) + 1);
        if (Find(id) is LineageLookup.Recorded || (Newest is { } last && position <= last.Position)) return null;
        return new LineageHistory(Bounded([.. _entries, new LineageEntry(id, startOffset, position, master)]));
    }

    // A promoted node sees its own role before the Sentinels' new epoch.
    private LineageHistory Better(LineageEntry newest, long term, long epoch, NodeIdentity master)
    {
        var position = newest.Position with { Term = Math.Max(term, newest.Position.Term), Epoch = Math.Max(epoch, newest.Position.Epoch) };
        var better = newest with { Position = position, Master = newest.Master == NodeIdentity.Unknown ? master : newest.Master };
        return better == newest ? this : new LineageHistory([.. _entries[..^1], better]);
    }

    /// <summary>Trusts its caller: ascending, ids unique.</summary>
    internal static LineageHistory OfSorted(LineageEntry[] entries) => new(Bounded(entries));

    /// <inheritdoc/>
    public bool Equals(LineageHistory? other) => other is not null && _entries.AsSpan().SequenceEqual(other._entries);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as LineageHistory);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Count, Newest);

    /// <inheritdoc/>
    public IEnumerator<LineageEntry> GetEnumerator() => ((IEnumerable<LineageEntry>)_entries).GetEnumerator();

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Number of entries and the newest.</summary>
    public override string ToString() => Newest is { } newest ? $"{Count} entries, newest {newest.Id.Short} at {newest.Position}" : "empty";

    private static LineageEntry[] Bounded(LineageEntry[] entries) => entries.Length <= MaxEntries ? entries : entries[^MaxEntries..];
}
