using System.Text;

namespace Sidecars.Core.Configuration;

/// <summary>
/// One line of redis.conf or sentinel.conf, split into words and written from words as Redis does (<c>sdssplitargs</c> and
/// <c>sdscatrepr</c> in sds.c, 7.0.15). Words are bytes: Redis knows no encoding.
/// </summary>
public static class ConfigText
{
    private const string Hex = "0123456789abcdef";

    /// <summary>
    /// Splits a line. Double quotes take the escapes <c>\xHH \n \r \t \a \b \\ \"</c> (any other escaped byte is itself),
    /// single quotes only <c>\'</c>; a closing quote must be followed by white space or the end.
    /// </summary>
    /// <param name="line">The line, without its line feed.</param>
    /// <param name="words">The words; empty where false is returned, and for a blank line.</param>
    /// <returns>False for unbalanced quotes and for a NUL byte, at which Redis would stop reading.</returns>
    public static bool TrySplit(ReadOnlySpan<byte> line, out IReadOnlyList<byte[]> words)
    {
        var result = new List<byte[]>();
        words = [];
        if (line.Contains((byte)0)) return false;
        var word = new List<byte>(line.Length);
        for (var at = 0; ;)
        {
            while (at < line.Length && IsSpace(line[at])) at++;
            if (at == line.Length) break;
            word.Clear();
            if (!TryReadWord(line, ref at, word)) return false;
            result.Add([.. word]);
        }

        words = result;
        return true;
    }

    /// <summary>
    /// Writes one word so that <see cref="TrySplit"/>, and Redis, read exactly these bytes: bare where that is safe, quoted otherwise.
    /// </summary>
    public static string Quote(ReadOnlySpan<byte> word)
    {
        if (IsBare(word)) return Encoding.ASCII.GetString(word);
        var text = new StringBuilder(word.Length + 2).Append('"');
        foreach (var b in word)
            switch (b)
            {
                case (byte)'"' or (byte)'\\': text.Append('\\').Append((char)b); break;
                case (byte)'\n': text.Append("\\n"); break;
                case (byte)'\r': text.Append("\\r"); break;
                case (byte)'\t': text.Append("\\t"); break;
                case (byte)'\a': text.Append("\\a"); break;
                case (byte)'\b': text.Append("\\b"); break;
                case >= 0x20 and <= 0x7e: text.Append((char)b); break;
                default: text.Append("\\x").Append(Hex[b >> 4]).Append(Hex[b & 15]); break;
            }

        return text.Append('"').ToString();
    }

    private static bool TryReadWord(ReadOnlySpan<byte> line, ref int at, List<byte> word)
    {
        byte quote = 0;
        while (at < line.Length)
        {
            var b = line[at];
            if (quote == 0)
            {
                // The terminators differ from the white space that is skipped between words: so it is in Redis.
                if (b is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t') return true;
                if (b is (byte)'"' or (byte)'\'') quote = b;
                else word.Add(b);
                at++;
            }
            else if (b == quote)
            {
                at++;
                return at == line.Length || IsSpace(line[at]);
            }
            else if (b == '\\')
            {
                at += quote == '"' ? Unescape(line[at..], word) : UnescapeSingle(line[at..], word);
            }
            else
            {
                word.Add(b);
                at++;
            }
        }

        return quote == 0;
    }

    private static int Unescape(ReadOnlySpan<byte> text, List<byte> word)
    {
        if (text.Length >= 4 && text[1] == 'x' && HexValue(text[2]) is var high and >= 0 && HexValue(text[3]) is var low and >= 0)
        {
            word.Add((byte)((high << 4) | low));
            return 4;
        }

        if (text.Length < 2)
        {
            word.Add((byte)'\\');
            return 1;
        }

        word.Add(text[1] switch
        {
            (byte)'n' => (byte)'\n',
            (byte)'r' => (byte)'\r',
            (byte)'t' => (byte)'\t',
            (byte)'b' => (byte)'\b',
            (byte)'a' => (byte)'\a',
            var other => other,
        });
        return 2;
    }

    private static int UnescapeSingle(ReadOnlySpan<byte> text, List<byte> word)
    {
        var escaped = text.Length > 1 && text[1] == '\'';
        word.Add(escaped ? (byte)'\'' : (byte)'\\');
        return escaped ? 2 : 1;
    }

    private static bool IsBare(ReadOnlySpan<byte> word)
    {
        if (word.IsEmpty) return false;
        foreach (var b in word)
            if (b is <= 0x20 or >= 0x7f or (byte)'"' or (byte)'\'' or (byte)'\\' or (byte)'#')
                return false;
        return true;
    }

    private static int HexValue(byte b) => char.IsAsciiHexDigit((char)b) ? Convert.ToInt32(((char)b).ToString(), 16) : -1;

    // C's isspace in the C locale.
    private static bool IsSpace(byte b) => b is (byte)' ' or (>= 9 and <= 13);
}
