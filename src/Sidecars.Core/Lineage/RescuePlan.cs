using System.Globalization;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Lineage;

/// <summary>A file kept in a rescue.</summary>
/// <param name="Name">Path within the rescue, with <c>/</c>.</param>
/// <param name="Length">Bytes when it was linked. A linked increment of a server that still ran has grown since: cut it here.</param>
/// <param name="ChangedTicks">Its last change, UTC ticks.</param>
public sealed record RescuedFile(string Name, long Length, long ChangedTicks);

/// <summary>A dataset that was kept before it was overwritten.</summary>
/// <param name="Name">
/// Directory name: <c>yyyyMMddTHHmmssfffZ-&lt;replid8&gt;</c>, for people: a clock that was set back names a newer one older.
/// </param>
/// <param name="Reason">Why the node gave its data up, for people.</param>
/// <param name="Token">The token of the master that it went on to follow.</param>
/// <param name="From">The node whose data it is.</param>
/// <param name="Intact">The dataset was whole: <see cref="DiskEvidence.IsIntact"/>.</param>
/// <param name="Files">What was kept.</param>
public sealed record Rescue(
    string Name, string Reason, FencingToken Token, NodeIdentity From, bool Intact, IReadOnlyList<RescuedFile> Files)
{
    internal const string StampFormat = "yyyyMMdd'T'HHmmssfff'Z'"; // of its name

    /// <summary>When it was made, as its name says; null where a person has renamed it.</summary>
    public DateTimeOffset? MadeAt =>
        DateTimeOffset.TryParseExact(
            Name.Split('-')[0], StampFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at)
            ? at
            : null;

    /// <summary>Point in the stream, where it is known.</summary>
    public ReplicationPosition? Position { get; init; }

    /// <summary>
    /// Counts the rescues of a volume: their order, whatever the clock says. 0 in those of earlier versions, which are older than all with
    /// one.
    /// </summary>
    public long Sequence { get; init; }

    /// <summary>Bytes of its files. They cost space only from when the server replaces its own.</summary>
    public long Bytes => Files.Sum(f => f.Length);
}

/// <summary>Bounds of the rescues of a node.</summary>
/// <param name="MaxCount">Rescues kept, 1 or more; default 3: the mistake, the try to mend it, and one more.</param>
/// <param name="MaxBytes">Bytes of all rescues, more than 0.</param>
public sealed record RescueLimits(int MaxCount, long MaxBytes)
{
    /// <summary>Default of <see cref="MaxCount"/>.</summary>
    public const int DefaultMaxCount = 3;
}

/// <summary>What to do before a dataset is given up.</summary>
public abstract record RescuePlan
{
    private RescuePlan()
    {
    }

    /// <summary>Keep it, after deleting these.</summary>
    /// <param name="Delete">Oldest first; damaged ones before intact ones.</param>
    public sealed record Keep(IReadOnlyList<Rescue> Delete) : RescuePlan;

    /// <summary>The same files, unchanged, are kept already: a restart loop must not push out what it means to protect.</summary>
    /// <param name="Existing">Where.</param>
    public sealed record AlreadyKept(Rescue Existing) : RescuePlan;

    /// <summary>It cannot be kept within the bounds; whether to go on without is the caller's setting.</summary>
    /// <param name="Reason">Why, for people.</param>
    public sealed record Refuse(string Reason) : RescuePlan;

    /// <summary>Calculates the plan. Pure.</summary>
    /// <param name="existing">Rescues that are there.</param>
    /// <param name="files">What would be kept.</param>
    /// <param name="intact">It is a whole dataset.</param>
    /// <param name="limits">The bounds.</param>
    public static RescuePlan Calculate(
        IReadOnlyCollection<Rescue> existing, IReadOnlyList<RescuedFile> files, bool intact, RescueLimits limits)
    {
        if (existing.FirstOrDefault(r => r.Files.ToHashSet().SetEquals(files)) is { } same) return new AlreadyKept(same);
        var bytes = files.Sum(f => f.Length);
        if (bytes > limits.MaxBytes) return new Refuse($"{bytes} bytes to keep, {limits.MaxBytes} allowed");

        // Half a sync must not push out the last whole dataset: that is what somebody will be looking for.
        var candidates = existing.OrderBy(r => r.Intact).ThenBy(r => r.Sequence).ThenBy(r => r.Name, StringComparer.Ordinal).ToList();
        if (!intact && candidates.FindLastIndex(r => r.Intact) is >= 0 and var newestIntact) candidates.RemoveAt(newestIntact);
        var count = existing.Count + 1;
        var total = existing.Sum(r => r.Bytes) + bytes;
        var delete = new List<Rescue>();
        foreach (var rescue in candidates)
        {
            if (count <= limits.MaxCount && total <= limits.MaxBytes) break;
            delete.Add(rescue);
            count--;
            total -= rescue.Bytes;
        }

        return count <= limits.MaxCount && total <= limits.MaxBytes
            ? new Keep(delete)
            : new Refuse("no room without deleting the last intact rescue for a damaged dataset");
    }
}
