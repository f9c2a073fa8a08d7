namespace Sidecars.Backup.Tail;

/// <summary>
/// The quick way through what is nearly always there: a command that lies whole in the bytes at hand, skipped by its lengths. What is not
/// whole, or not as it should be, is left to <see cref="AofCommandReader"/>, which takes it a line at a time and knows what to say of it.
/// </summary>
internal static class AofWholeCommand
{
    private const int MaxDigits = 10; // as AofCommandReader

    /// <summary>Bytes of the command that the bytes begin with; 0 where that is not for here to say.</summary>
    /// <param name="bytes">From the start of a unit.</param>
    /// <param name="name">Its first word.</param>
    public static int LengthOf(ReadOnlySpan<byte> bytes, out ReadOnlySpan<byte> name)
    {
        name = default;
        var at = Header(bytes, 0, (byte)'*', out var arguments);
        if (at == 0 || arguments == 0) return 0;
        for (var i = 0L; i < arguments; i++)
        {
            at = Header(bytes, at, (byte)'$', out var length);
            if (at == 0 || length > bytes.Length - at - 2) return 0;
            var end = at + (int)length;
            if (bytes[end] != '\r' || bytes[end + 1] != '\n') return 0;
            if (i == 0) name = bytes[at..end];
            at = end + 2;
        }

        return at;
    }

    /// <summary>The place behind mark, digits, CR LF; 0 where they are not there.</summary>
    private static int Header(ReadOnlySpan<byte> bytes, int at, byte mark, out long number)
    {
        number = 0;
        if ((uint)at >= (uint)bytes.Length || bytes[at] != mark) return 0;
        var first = ++at;
        for (; at < bytes.Length && at - first <= MaxDigits && (uint)(bytes[at] - '0') <= 9; at++)
            number = (number * 10) + (bytes[at] - '0');
        return at > first && at - first <= MaxDigits && at + 1 < bytes.Length && bytes[at] == '\r' && bytes[at + 1] == '\n' ? at + 2 : 0;
    }
}
