using System.Text;

namespace Sidecars.Core.Hosting;

/// <summary>Lays out <c>--help</c> from the table that <see cref="SettingReader"/> collected.</summary>
public static class HelpText
{
    /// <summary>Wide enough for two columns of a terminal of 120.</summary>
    private const int DescriptionWidth = 96;

    /// <summary>The settings, each with its unit and default on one line and its description wrapped below.</summary>
    public static string Settings(IEnumerable<SettingHelp> settings)
    {
        var text = new StringBuilder();
        foreach (var s in settings)
        {
            text.Append("  ").Append(s.Name).Append("  <").Append(s.Unit).Append('>');
            if (s.Default.Length > 0) text.Append("  default ").Append(s.Default);
            text.Append('\n');
            foreach (var line in Wrap(s.Description)) text.Append("      ").Append(line).Append('\n');
        }

        return text.ToString();
    }

    private static IEnumerable<string> Wrap(string text)
    {
        var line = new StringBuilder();
        foreach (var word in text.Split(' '))
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > DescriptionWidth)
            {
                yield return line.ToString();
                line.Clear();
            }

            if (line.Length > 0) line.Append(' ');
            line.Append(word);
        }

        yield return line.ToString();
    }
}
