using System.Text.RegularExpressions;
using Sidecars.TestKit.Groups;
using Xunit.Abstractions;

namespace Sidecars.Unit.Tests.Architecture;

/// <summary>The pages of the rooms: a README beside the code, short enough to be read before the code.</summary>
public sealed partial class PageTests(ITestOutputHelper output)
{
    /// <summary>Words of a room's page, counted as by <c>wc -w</c>, tables included.</summary>
    private const int MaxWords = 550;

    /// <summary>Words of <c>src/README.md</c>, which has a line for every room.</summary>
    private const int MaxWordsOfMap = 750;

    private static readonly string Source = Path.Combine(Repository.Root, "src");
    private static readonly string Map = Path.Combine(Source, "README.md");

    [Fact]
    public void A_room_has_one_page()
    {
        var pages = Pages().Select(page => (Name: Path.GetRelativePath(Source, page), Words: Words(page), Most: page == Map ? MaxWordsOfMap : MaxWords)).ToList();
        foreach (var (name, words, _) in pages) output.WriteLine($"{words,5} {name}");
        Assert.True(pages.Count >= 20);
        Assert.Empty(pages.Where(page => page.Words > page.Most).Select(page => $"{page.Name} has {page.Words} words, {page.Most} at most"));
    }

    [Fact]
    public void Links_of_a_page_lead_to_files()
    {
        var links = Pages().SelectMany(page => Link().Matches(File.ReadAllText(page)).Select(link => (Page: page, To: link.Groups[1].Value))).ToList();
        Assert.NotEmpty(links);
        Assert.Empty(links.Where(link => !Path.Exists(Path.Combine(Path.GetDirectoryName(link.Page)!, link.To)))
            .Select(link => $"{Path.GetRelativePath(Source, link.Page)}: {link.To}"));
    }

    private static IEnumerable<string> Pages() => Directory.EnumerateFiles(Source, "README.md", SearchOption.AllDirectories)
        .Where(page => !page.Contains("/obj/", StringComparison.Ordinal) && !page.Contains("/bin/", StringComparison.Ordinal)).Order(StringComparer.Ordinal);

    private static int Words(string page) => File.ReadAllText(page).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length;

    // Relative ones; an anchor within a page is not followed.
    [GeneratedRegex(@"\]\((?!https?:)([^)#\s]+)")]
    private static partial Regex Link();
}
