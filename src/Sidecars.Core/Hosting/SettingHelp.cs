using System.Text;

namespace Sidecars.Core.Hosting;

/// <summary>Writes settings as <c>--help</c> lists them: by section, each with what it takes, its default and its meaning.</summary>
public static class SettingHelp
{
    private const int NameIndent = 2, ContinuedIndent = 4, TextIndent = 6;

    /// <summary>Formats the sections in the order of their first settings.</summary>
    /// <param name="settings">The settings; those without a section come without a heading.</param>
    /// <param name="width">Columns of the terminal; only a word that is longer by itself passes them.</param>
    public static string Of(IEnumerable<SettingDescription> settings, int width)
    {
        var text = new StringBuilder();
        foreach (var section in settings.GroupBy(setting => setting.Section))
        {
            if (section.Key.Length > 0) text.Append('\n').Append(section.Key).Append('\n');
            foreach (var setting in section)
            {
                Wrap(text, Head(setting), width, NameIndent, ContinuedIndent);
                Wrap(text, setting.Description, width, TextIndent, TextIndent);
            }
        }

        return text.ToString();
    }

    private static string Head(SettingDescription setting)
    {
        var head = $"{setting.Name} ({setting.Kind})";
        if (setting.IsRequired) return head + ", required";
        return setting.Default switch
        {
            null => head,
            "" => head + ", default empty",
            var value => $"{head}, default {value}",
        };
    }

    private static void Wrap(StringBuilder text, string words, int width, int first, int others)
    {
        text.Append(' ', first);
        var column = first;
        var isFirst = true;
        foreach (var word in words.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!isFirst && column + 1 + word.Length > width)
            {
                text.Append('\n').Append(' ', others);
                column = others;
            }
            else if (!isFirst)
            {
                text.Append(' ');
                column++;
            }

            text.Append(word);
            column += word.Length;
            isFirst = false;
        }

        text.Append('\n');
    }
}
