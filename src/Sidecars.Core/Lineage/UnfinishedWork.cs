namespace Sidecars.Core.Lineage;

/// <summary>
/// Temporary files that a server left behind when it was killed, with the time of last change of the newest of each kind (UTC ticks;
/// null: none). Names are those of rdb.c (<c>temp-PID.rdb</c>), replication.c (<c>temp-TIME.PID.rdb</c>) and aof.c.
/// </summary>
public sealed record UnfinishedWork
{
    /// <summary>Nothing was left.</summary>
    public static UnfinishedWork None { get; } = new();

    /// <summary><c>temp-PID.rdb</c>: an own save was interrupted. Harmless: the dataset is where it was.</summary>
    public long? OwnSave { get; init; }

    /// <summary><c>temp-TIME.PID.rdb</c>: a dataset was being received. What is on disk is the node's own older dataset, whole.</summary>
    public long? ReceivedSnapshot { get; init; }

    /// <summary>
    /// <c>temp-rewriteaof-*</c>: a rewrite was interrupted. Harmless while the AOF was on: base and increments are continuous.
    /// </summary>
    public long? AofRewrite { get; init; }

    /// <summary>
    /// <c>temp-appendonly.aof.incr</c>: the AOF was being started anew, after a full sync or CONFIG SET, and no manifest names the new
    /// one yet. The AOF that the server would load is the dataset from before: the stale-AOF trap.
    /// </summary>
    public long? AofStart { get; init; }

    /// <summary>Adds a file by its name; names of no known kind change nothing.</summary>
    /// <param name="name">File name.</param>
    /// <param name="changedTicks">Its last change, UTC ticks.</param>
    /// <param name="appendFileName">The setting <c>appendfilename</c>.</param>
    public UnfinishedWork With(string name, long changedTicks, string appendFileName)
    {
        if (name == $"temp-{appendFileName}.incr") return this with { AofStart = Newest(AofStart, changedTicks) };
        if (name.StartsWith("temp-rewriteaof-", StringComparison.Ordinal))
            return this with { AofRewrite = Newest(AofRewrite, changedTicks) };
        if (!name.StartsWith("temp-", StringComparison.Ordinal) || !name.EndsWith(".rdb", StringComparison.Ordinal) || name.Length < 10)
            return this;
        var middle = name["temp-".Length..^".rdb".Length];
        var dots = middle.Count(c => c == '.');
        if (!middle.All(c => char.IsAsciiDigit(c) || c == '.')) return this;
        return dots switch
        {
            0 => this with { OwnSave = Newest(OwnSave, changedTicks) },
            1 => this with { ReceivedSnapshot = Newest(ReceivedSnapshot, changedTicks) },
            _ => this,
        };
    }

    private static long Newest(long? known, long changed) => Math.Max(known ?? long.MinValue, changed);
}
