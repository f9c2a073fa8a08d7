using System.Text.RegularExpressions;
using Sidecars.TestKit.Groups;

namespace Sidecars.Unit.Tests.Pages;

/// <summary>What every page leads to is there.</summary>
public sealed partial class PageLinkTests
{
    [Fact]
    public void Links_of_every_page_lead_to_files()
    {
        var links = Found(Link()).ToList();
        Assert.True(links.Count > 150, $"{links.Count}");
        Assert.Empty(links.Where(link => !IsThere(Target(link))).Select(link => $"{link.Page}: {link.Name}"));
    }

    [Fact]
    public void Paths_that_a_page_names_are_there()
    {
        var names = Found(Named()).ToList();
        Assert.True(names.Count > 100, $"{names.Count}");
        Assert.Empty(names.Where(found => !IsThere(found.Name)).Select(found => $"{found.Page}: {found.Name}"));
    }

    [Fact]
    public void Every_page_for_users_can_be_reached_from_the_README()
    {
        var reached = new HashSet<string>(["README.md"]);
        for (var pages = reached.ToArray(); pages.Length > 0;)
        {
            var targets = pages.SelectMany(page => Found(Link(), page)).Select(Target);
            pages = [.. targets.Where(page => page.EndsWith(".md", StringComparison.Ordinal) && reached.Add(page))];
        }

        Assert.Empty(MarkdownPages.Of("manifests/docs", "docker/README.md", "src/working.md", "src/dependencies.md").Except(reached));
    }

    private static bool IsThere(string path) => Path.Exists(Path.Combine(Repository.Root, path));

    // Below the root.
    private static string Target((string Page, string Name) link)
    {
        var folder = Path.Combine(Repository.Root, Path.GetDirectoryName(link.Page)!);
        return Path.GetRelativePath(Repository.Root, Path.GetFullPath(link.Name, folder));
    }

    private static IEnumerable<(string Page, string Name)> Found(Regex pattern) =>
        MarkdownPages.All.SelectMany(page => Found(pattern, page));

    private static IEnumerable<(string Page, string Name)> Found(Regex pattern, string page) =>
        pattern.Matches(File.ReadAllText(Path.Combine(Repository.Root, page))).Select(match => (page, match.Groups[1].Value));

    // Relative ones; an anchor within a page is not followed. A "|" is of a pattern in a command, not of a link.
    [GeneratedRegex(@"\]\((?!https?:)([^)#\s|]+)[)#]")]
    private static partial Regex Link();

    // From the root, in code; NAME and the like are for the reader to replace.
    [GeneratedRegex(@"`((?:src|tests|docker|manifests|scripts)/(?:(?!NAME|demo-c)[\w./-])+)(?![\w./*<{-])")]
    private static partial Regex Named();
}
