using System.Text.RegularExpressions;
using Sidecars.TestKit.Groups;

namespace Sidecars.Manifests.Tests.Docs;

/// <summary>
/// What <c>manifests/docs/clients.md</c> shows is what <c>scripts/bench switch</c> runs: a program of tests/Sidecars.Demo/Clients marks its
/// part of the page by <c>page: NAME</c> and <c>end</c>, and the page names the program above each snippet.
/// </summary>
public sealed partial class ClientsPageTests
{
    private static readonly string Programs = Path.Combine(Repository.Root, "tests/Sidecars.Demo/Clients");

    public static TheoryData<string> Shown() => [.. Snippets().Keys.Order()];

    [Theory]
    [MemberData(nameof(Shown))]
    public void A_snippet_is_what_the_program_runs(string program) =>
        Assert.Equal(Snippets()[program], MarkedIn(File.ReadAllText(Path.Combine(Programs, program))));

    [Fact]
    public void Every_program_with_a_marked_part_is_on_the_page_and_every_snippet_has_a_program()
    {
        var programs = Directory.EnumerateFiles(Programs).Where(file => Marked().IsMatch(File.ReadAllText(file)));
        var marked = programs.Select(file => Path.GetFileName(file));
        var page = File.ReadAllText(Page);
        Assert.Equal(marked.Order(), Snippets().Keys.Order());
        Assert.Equal(Snippets().Count, Fence().Count(page) / 2);
    }

    [Fact]
    public void The_README_shows_two_of_them_unchanged()
    {
        var readme = Snippets(File.ReadAllText(Path.Combine(Repository.Root, "README.md")));
        Assert.Equal(["record.py", "redis-py.py"], readme.Keys.Order(StringComparer.Ordinal));
        Assert.All(readme, snippet => Assert.Equal(Snippets()[snippet.Key], snippet.Value));
    }

    private static string Page => Path.Combine(Repository.Root, "manifests/docs/clients.md");

    private static Dictionary<string, string> Snippets() => Snippets(File.ReadAllText(Page));

    private static Dictionary<string, string> Snippets(string page) =>
        Snippet().Matches(page)
            .ToDictionary(match => match.Groups["program"].Value, match => match.Groups["text"].Value.TrimEnd('\n'));

    // Imports stand apart from what uses them in some languages: all marked parts of a program, an empty line between them.
    private static string MarkedIn(string program) =>
        string.Join("\n\n", Marked().Matches(program).Select(match => match.Groups["text"].Value.TrimEnd('\n')));

    [GeneratedRegex(@"^(#|//) page: [a-z-]+\n(?<text>.*?)^(#|//) end$", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Marked();

    [GeneratedRegex(@"^<!-- (?<program>\S+) -->\n```[a-z]+\n(?<text>.*?)^```$", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Snippet();

    [GeneratedRegex("^```", RegexOptions.Multiline)]
    private static partial Regex Fence();
}
