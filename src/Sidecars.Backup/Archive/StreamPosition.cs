using System.Security.Cryptography;
using Sidecars.Backup.Store;
using Sidecars.Backup.Store.Encryption;

namespace Sidecars.Backup.Archive;

/// <summary>
/// A place in the stream of commands that a node's AOF is: increment files follow one another through rewrites, and base 1 with
/// increments 1 to 5 is the same data as base 5 with increment 5 (measured, reference of issue 6).
/// </summary>
/// <param name="Sequence">Sequence number of the increment file.</param>
/// <param name="Offset">Bytes from its start.</param>
public readonly record struct StreamPosition(long Sequence, long Offset) : IComparable<StreamPosition>
{
    /// <inheritdoc/>
    public int CompareTo(StreamPosition other) => (Sequence, Offset).CompareTo((other.Sequence, other.Offset));

    /// <summary>Earlier.</summary>
    public static bool operator <(StreamPosition left, StreamPosition right) => left.CompareTo(right) < 0;

    /// <summary>Later.</summary>
    public static bool operator >(StreamPosition left, StreamPosition right) => left.CompareTo(right) > 0;

    /// <summary>Earlier or equal.</summary>
    public static bool operator <=(StreamPosition left, StreamPosition right) => left.CompareTo(right) <= 0;

    /// <summary>Later or equal.</summary>
    public static bool operator >=(StreamPosition left, StreamPosition right) => left.CompareTo(right) >= 0;

    /// <summary><c>sequence:offset</c>.</summary>
    public override string ToString() => $"{Sequence}:{Offset}";
}

/// <summary>
/// A hash (<see cref="ContentHash"/>) over everything that a generation has shipped, as a chain: a segment's is that of (digest before,
/// content). So one digest names one history, and a segment that is missing, changed or of another history is noticed.
/// </summary>
public readonly record struct ChainDigest
{
    /// <summary>Hex digits of the text.</summary>
    public const int Length = 64;

    private readonly string? _text;

    private ChainDigest(string text) => _text = text;

    /// <summary>The digest of nothing, where a chain begins.</summary>
    public static ChainDigest Start => default;

    /// <summary>The first 16 digits, by which a segment's name refers to the one before it.</summary>
    public string Short => ToString()[..16];

    /// <summary>Reads 64 lower-case hex digits.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out ChainDigest digest)
    {
        digest = default;
        if (text.Length != Length || !IsHex(text)) return false;
        // Zeros are the start, in its one representation.
        if (text.ContainsAnyExcept('0')) digest = new ChainDigest(text.ToString());
        return true;
    }

    /// <summary>Calculates the digest after one more segment.</summary>
    public ChainDigest Append(ObjectContent content, ContentHash? hash = null) =>
        new(Convert.ToHexStringLower((hash ?? ContentHash.Plain).Of(Bytes, content)));

    /// <summary>A hash that has this digest in it, to be given the content as it comes.</summary>
    public IncrementalHash Begin(ContentHash? with = null)
    {
        var hash = (with ?? ContentHash.Plain).Begin();
        hash.AppendData(Bytes);
        return hash;
    }

    /// <summary>The digest of what <see cref="Begin"/> has begun.</summary>
    public static ChainDigest End(IncrementalHash hash) => new(Convert.ToHexStringLower(hash.GetHashAndReset()));

    /// <summary>64 lower-case hex digits.</summary>
    public override string ToString() => _text ?? new string('0', Length);

    internal static bool IsHex(ReadOnlySpan<char> text)
    {
        foreach (var c in text)
            if (!char.IsAsciiDigit(c) && c is not (>= 'a' and <= 'f')) return false;
        return true;
    }

    private byte[] Bytes => Convert.FromHexString(ToString());
}
