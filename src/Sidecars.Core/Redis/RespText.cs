using System.Globalization;

namespace Sidecars.Core.Redis;

/// <summary>The texts of RESP's one-line types, strictly.</summary>
internal static class RespText
{
    /// <summary>The number of a length header: 0 or more, or -1. Below 2^62, so that twice the number is no overflow.</summary>
    public static long Length(ReadOnlySpan<byte> text)
    {
        if (text is [(byte)'?']) throw new RespProtocolException(RespOffence.StreamedValue, "Streamed values are not accepted.");
        if (text is [(byte)'-', (byte)'1']) return -1;
        if (text.IsEmpty || !TryDigits(text, out var value) || value >= 1UL << 62)
            throw new RespProtocolException(RespOffence.BadLength, "A length is digits, or -1.");
        return (long)value;
    }

    /// <summary>A signed 64-bit number; a plus sign is allowed.</summary>
    public static long Integer(ReadOnlySpan<byte> text)
    {
        var negative = text is [(byte)'-', ..];
        var digits = negative || text is [(byte)'+', ..] ? text[1..] : text;
        if (!digits.IsEmpty && TryDigits(digits, out var value))
        {
            if (value <= long.MaxValue) return negative ? -(long)value : (long)value;
            if (negative && value == 1UL << 63) return long.MinValue;
        }

        throw Bad("An integer is an optional sign and digits, in 64 bits.");
    }

    public static RespValue Null(ReadOnlySpan<byte> text) =>
        text.IsEmpty ? RespValue.Null : throw Bad("A null has no text.");

    public static RespValue Boolean(ReadOnlySpan<byte> text) => text switch
    {
        [(byte)'t'] => RespValue.Number(RespKind.Boolean, 1),
        [(byte)'f'] => RespValue.Number(RespKind.Boolean, 0),
        _ => throw Bad("A boolean is t or f."),
    };

    // 'inf' and 'nan' as Redis prints them, else digits: no white space, no thousands, no "Infinity".
    public static RespValue Double(ReadOnlySpan<byte> text)
    {
        const NumberStyles Styles = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        var unsigned = text is [(byte)'-' or (byte)'+', ..] ? text[1..] : text;
        var isDouble = unsigned.SequenceEqual("inf"u8) || unsigned.SequenceEqual("nan"u8)
            || (unsigned is [>= (byte)'0' and <= (byte)'9' or (byte)'.', ..]
                && double.TryParse(text, Styles, CultureInfo.InvariantCulture, out _));
        return isDouble ? RespValue.Scalar(RespKind.Double, text.ToArray()) : throw Bad("A double is a decimal number, inf or nan.");
    }

    public static RespValue BigNumber(ReadOnlySpan<byte> text)
    {
        var digits = text is [(byte)'-' or (byte)'+', ..] ? text[1..] : text;
        return !digits.IsEmpty && !digits.ContainsAnyExceptInRange((byte)'0', (byte)'9')
            ? RespValue.Scalar(RespKind.BigNumber, text.ToArray())
            : throw Bad("A big number is an optional sign and digits.");
    }

    public static RespValue Verbatim(ReadOnlySpan<byte> payload) =>
        payload.Length >= 4 && payload[3] == ':'
            ? RespValue.Scalar(RespKind.VerbatimString, payload[4..].ToArray())
            : throw Bad("A verbatim string starts with three letters and a colon.");

    private static bool TryDigits(ReadOnlySpan<byte> digits, out ulong value)
    {
        value = 0;
        foreach (var digit in digits)
        {
            if (digit is < (byte)'0' or > (byte)'9') return false;
            var added = (ulong)(digit - '0');
            if (value > (ulong.MaxValue - added) / 10) return false;
            value = (value * 10) + added;
        }

        return true;
    }

    private static RespProtocolException Bad(string message) => new(RespOffence.BadScalar, message);
}
