namespace Sidecars.Core.Redis;

/// <summary>What one reply may cost at most. A peer that goes past any of them is a <see cref="RespProtocolException"/>.</summary>
public sealed record RespLimits
{
    /// <summary>The defaults.</summary>
    public static RespLimits Default { get; } = new();

    /// <summary>
    /// Bytes of one bulk string; 8 MiB. Redis allows 512 MiB (proto-max-bulk-len); the largest reply that is asked for is an INFO of some
    /// hundred KiB, and a peer at a reused address may be anything: a sidecar's memory limit is 64 MiB in all.
    /// </summary>
    public int MaxBulkBytes { get; init; } = 8 << 20;

    /// <summary>
    /// Bytes of one line, type byte included, CRLF not; 64 KiB, the limit Redis sets for its own inline commands (PROTO_INLINE_MAX_SIZE).
    /// </summary>
    public int MaxLineBytes { get; init; } = 64 << 10;

    /// <summary>Aggregates inside each other; 16. The deepest reply of a server is COMMAND DOCS with 9 or so.</summary>
    public int MaxDepth { get; init; } = 16;

    /// <summary>
    /// Items of all aggregates of one reply together (a map counts two each); 262,144. An item of 3 bytes on the wire costs
    /// some 60 in memory, so this is what bounds memory, to about 16 MiB, where bytes alone would not.
    /// </summary>
    public int MaxItems { get; init; } = 1 << 18;

    /// <summary>Bytes of one whole reply on the wire, attributes included; 8 MiB.</summary>
    public long MaxReplyBytes { get; init; } = 8L << 20;
}
