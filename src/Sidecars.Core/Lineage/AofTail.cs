namespace Sidecars.Core.Lineage;

/// <summary>How an AOF file ends.</summary>
public enum AofEnd
{
    /// <summary>No bytes.</summary>
    Empty,

    /// <summary>With a whole command.</summary>
    Complete,

    /// <summary>Within a command: normal after a crash; the server drops it (<c>aof-load-truncated yes</c>).</summary>
    Torn,

    /// <summary>No command was recognised up to the end: garbage, or a value larger than the window.</summary>
    Unrecognised,
}

/// <summary>What the end of an AOF file says.</summary>
/// <param name="End">How it ends.</param>
/// <param name="LastTimestamp">
/// The last <c>#TS:</c>, seconds since 1970 by the writer's clock; null where none was seen, which does not mean that there is none.
/// </param>
/// <param name="FromStart">The whole file was parsed from its first byte: nothing was guessed.</param>
public sealed record AofTail(AofEnd End, long? LastTimestamp, bool FromStart)
{
    /// <summary>Of the last bytes that the caller asked about, those that are no whole command: annotations, and a torn end.</summary>
    public long Overhead { get; init; }
}
