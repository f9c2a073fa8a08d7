using System.Globalization;
using System.Text;

namespace Sidecars.Core.Hosting;

/// <summary>
/// Text of a log line. Much of it comes from servers and files: it is cut, and in a line of text nothing of it can end the line or drive
/// a terminal.
/// </summary>
internal static class LogText
{
    /// <summary>The longest message or field: a trace has some thousand characters, and a reply may have millions.</summary>
    public const int MaxLength = 8192;

    public static string Cut(string text)
    {
        if (text.Length <= MaxLength) return text;
        var end = char.IsHighSurrogate(text[MaxLength - 1]) ? MaxLength - 1 : MaxLength;
        return text[..end] + "…";
    }

    public static void AppendMessage(StringBuilder line, string text)
    {
        foreach (var c in Cut(text)) Append(line, c);
    }

    /// <summary>As it is where it is one word, else in quotes.</summary>
    public static void AppendValue(StringBuilder line, string text)
    {
        var isWord = !text.Any(c => c is ' ' or '"' or '=' or '\\');
        if (!isWord) line.Append('"');
        foreach (var c in Cut(text))
        {
            if (c is '"' or '\\') line.Append('\\');
            Append(line, c);
        }

        if (!isWord) line.Append('"');
    }

    private static void Append(StringBuilder line, char c)
    {
        // Format characters turn the direction of what follows, or can't be seen.
        if (char.GetUnicodeCategory(c) is not (UnicodeCategory.Control or UnicodeCategory.Format
            or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator)) line.Append(c);
        else if (c is '\n') line.Append("\\n");
        else line.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
    }
}
