using System.Text;

namespace Sidecars.Demo.Output;

/// <summary>Breaks a sentence between words.</summary>
internal static class WordWrap
{
    /// <summary>At least one line; a word that is longer than its line stays whole.</summary>
    /// <param name="text">Words with single blanks between them.</param>
    /// <param name="first">Characters of the first line.</param>
    /// <param name="others">Characters of each further line, which the caller indents.</param>
    public static IReadOnlyList<string> Lines(string text, int first, int others)
    {
        var lines = new List<string>();
        var line = new StringBuilder();
        foreach (var word in text.Split(' '))
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > (lines.Count == 0 ? first : others))
            {
                lines.Add(line.ToString());
                line.Clear();
            }

            if (line.Length > 0) line.Append(' ');
            line.Append(word);
        }

        lines.Add(line.ToString());
        return lines;
    }
}
