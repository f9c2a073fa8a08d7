using System.Text.RegularExpressions;
using Sidecars.TestKit.Groups;

namespace Sidecars.TestKit.Pages;

/// <summary>
/// <c>manifests/docs/settings.md</c>. Its tables are generated: each stands between <c>&lt;!-- settings: NAME --&gt;</c> and
/// <c>&lt;!-- end --&gt;</c>; what is around them is written by hand.
/// </summary>
public static partial class SettingsPage
{
    /// <summary>Where the page is.</summary>
    public static string FilePath => Path.Combine(Repository.Root, "manifests", "docs", "settings.md");

    /// <summary>The tables of a page by name, each without its last line feed.</summary>
    public static IReadOnlyDictionary<string, string> Tables(string page) =>
        Table().Matches(page).ToDictionary(match => match.Groups["name"].Value, match => match.Groups["rows"].Value.TrimEnd('\n'));

    /// <summary>The page with other tables; those that are not given stay as they are.</summary>
    public static string With(string page, IReadOnlyDictionary<string, string> tables) =>
        Table().Replace(page, match => tables.TryGetValue(match.Groups["name"].Value, out var rows)
            ? $"{match.Groups["begin"].Value}{rows}\n{match.Groups["end"].Value}"
            : match.Value);

    /// <summary>The variables that the page lists in these tables, sorted, each once.</summary>
    public static IReadOnlyList<string> Names(params string[] tables)
    {
        var page = Tables(File.ReadAllText(FilePath));
        return [.. tables.SelectMany(table => FirstCell().Matches(page[table])).SelectMany(cell => Variable().Matches(cell.Value))
            .Select(name => name.Groups[1].Value).Distinct().Order(StringComparer.Ordinal)];
    }

    [GeneratedRegex(
        @"^(?<begin><!-- settings: (?<name>[a-z-]+) -->\n)(?<rows>.*?)^(?<end><!-- end -->)$",
        RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Table();

    [GeneratedRegex(@"^\| `[^|]*\|", RegexOptions.Multiline)]
    private static partial Regex FirstCell();

    [GeneratedRegex("`([A-Z][A-Z0-9_]+)`")]
    private static partial Regex Variable();
}
