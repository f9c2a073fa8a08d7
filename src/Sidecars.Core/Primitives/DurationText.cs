using System.Globalization;

namespace Sidecars.Core.Primitives;

/// <summary>
/// Reads and writes durations as people write them: <c>25s</c>, <c>5m</c>, <c>250ms</c>, <c>1.5s</c>, <c>1h30m</c>, <c>7d</c>.
/// Units go from the largest to the smallest, each at most once; nothing is finer than a millisecond.
/// </summary>
public static class DurationText
{
    private const long Second = 1000, Minute = 60 * Second, Hour = 60 * Minute, Day = 24 * Hour;

    // 274 years: sums of parts stay far from an overflow.
    private const long MostMilliseconds = 100_000 * Day;

    /// <summary>Reads a duration.</summary>
    /// <param name="text">Without blanks.</param>
    /// <param name="bareUnit">What a number without a unit counts.</param>
    /// <param name="duration">Zero where the text is wrong.</param>
    public static bool TryParse(string text, TimeSpan bareUnit, out TimeSpan duration)
    {
        ArgumentNullException.ThrowIfNull(text);
        duration = TimeSpan.Zero;
        long total = 0, previous = long.MaxValue;
        var position = 0;
        do
        {
            if (!TryReadNumber(text, ref position, out var number, out var scale)) return false;
            var start = position;
            while (position < text.Length && char.IsAsciiLetterLower(text[position])) position++;
            var isBare = start == text.Length && previous == long.MaxValue && scale == 1;
            var unit = isBare ? (long)bareUnit.TotalMilliseconds : Milliseconds(text.AsSpan(start, position - start));
            if (unit == 0 || unit >= previous || number > MostMilliseconds / unit || number * unit % scale != 0) return false;
            total += number * unit / scale;
            previous = unit;
        }
        while (position < text.Length);
        duration = TimeSpan.FromTicks(total * TimeSpan.TicksPerMillisecond);
        return true;
    }

    /// <summary>Formats a duration to the millisecond, in the form that <see cref="TryParse"/> reads.</summary>
    public static string Of(TimeSpan duration)
    {
        if (duration < TimeSpan.Zero) return "-" + Of(duration == TimeSpan.MinValue ? TimeSpan.MaxValue : -duration);
        var left = (long)Math.Round(Math.Min(duration.TotalMilliseconds, MostMilliseconds));
        if (left == 0) return "0s";
        if (left < Second) return Part(left, "ms");
        var text = "";
        if (left >= Day) text += Part(left / Day, "d");
        if (left % Day >= Hour) text += Part(left % Day / Hour, "h");
        if (left % Hour >= Minute) text += Part(left % Hour / Minute, "m");
        if (left % Minute == 0) return text;
        text += Part(left % Minute / Second, "");
        // The three digits of the rest, without the last zeros.
        if (left % Second != 0) text += "." + Part(left % Second + Second, "")[1..].TrimEnd('0');
        return text + "s";
    }

    /// <summary>
    /// Formats a measured duration, as exact as a reader needs it: tenths below ten milliseconds and between one and ten seconds, and above
    /// that the two largest units.
    /// </summary>
    public static string About(TimeSpan duration)
    {
        if (duration > TimeSpan.Zero && duration < TimeSpan.FromMilliseconds(10))
            return duration.TotalMilliseconds.ToString("0.0", CultureInfo.InvariantCulture) + "ms";
        var step = duration.TotalMilliseconds switch
        {
            < Second => 1,
            < 10 * Second => Second / 10,
            < Hour => Second,
            < Day => Minute,
            _ => Hour,
        };
        var milliseconds = Math.Clamp(duration.TotalMilliseconds, -MostMilliseconds, MostMilliseconds);
        return Of(TimeSpan.FromMilliseconds(Math.Round(milliseconds / step) * step));
    }

    // Digits, and after a point up to three more: the number is their value times the scale.
    private static bool TryReadNumber(string text, ref int position, out long number, out long scale)
    {
        (number, scale) = (0, 1);
        var (start, point) = (position, -1);
        for (; position < text.Length; position++)
        {
            var digit = text[position];
            if (digit == '.' && point < 0 && position > start)
            {
                point = position;
                continue;
            }

            if (!char.IsAsciiDigit(digit)) break;
            number = (number * 10) + digit - '0';
            if (point >= 0) scale *= 10;
            if (number > MostMilliseconds || scale > Second) return false;
        }

        return position > start && point != position - 1;
    }

    private static long Milliseconds(ReadOnlySpan<char> unit) => unit switch
    {
        "ms" => 1,
        "s" => Second,
        "m" => Minute,
        "h" => Hour,
        "d" => Day,
        _ => 0,
    };

    private static string Part(long number, string unit) => number.ToString(CultureInfo.InvariantCulture) + unit;
}
