namespace Sidecars.Core.Redis;

/// <summary>What a peer did against the protocol or the limits.</summary>
public enum RespOffence
{
    /// <summary>The first byte of a value names no type.</summary>
    UnknownType,

    /// <summary>A line ends in LF alone, or holds a CR inside.</summary>
    BadLineEnd,

    /// <summary>The bytes after a bulk string are no CRLF.</summary>
    BadBulkEnd,

    /// <summary>A length is no number, or negative and not the -1 of a null.</summary>
    BadLength,

    /// <summary>The text of an integer, boolean, double, big number, null or verbatim string is malformed.</summary>
    BadScalar,

    /// <summary><c>$?</c>, <c>*?</c> …: streamed values of the RESP3 draft, which no server sends.</summary>
    StreamedValue,

    /// <summary>A push inside another value.</summary>
    NestedPush,

    /// <summary>Past <see cref="RespLimits.MaxLineBytes"/>.</summary>
    LineTooLong,

    /// <summary>Past <see cref="RespLimits.MaxBulkBytes"/>.</summary>
    BulkTooLarge,

    /// <summary>Past <see cref="RespLimits.MaxItems"/>.</summary>
    TooManyItems,

    /// <summary>Past <see cref="RespLimits.MaxDepth"/>.</summary>
    TooDeep,

    /// <summary>Past <see cref="RespLimits.MaxReplyBytes"/>.</summary>
    ReplyTooLarge,
}

/// <summary>The peer's bytes are no RESP, or too much of it. The stream can't be read any further.</summary>
public sealed class RespProtocolException(RespOffence offence, string message) : IOException(message)
{
    /// <summary>The offence.</summary>
    public RespOffence Offence { get; } = offence;
}
