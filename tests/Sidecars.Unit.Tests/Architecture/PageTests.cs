using System.Text.RegularExpressions;
using Sidecars.Failover.Publish;
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
        var pages = Pages().Select(
            page => (Name: Path.GetRelativePath(Source, page), Words: Words(page), Most: page == Map ? MaxWordsOfMap : MaxWords)).ToList();
        foreach (var (name, words, _) in pages) output.WriteLine($"{words,5} {name}");
        Assert.True(pages.Count >= 20);
        Assert.Empty(
            pages.Where(page => page.Words > page.Most).Select(page => $"{page.Name} has {page.Words} words, {page.Most} at most"));
    }

    [Fact]
    public void Reasons_that_people_look_up_are_those_of_the_code()
    {
        var reasons = File.ReadLines(Path.Combine(Repository.Root, "manifests", "docs", "refusals.md")).SelectMany(Reasons).ToHashSet();
        Assert.True(reasons.Count > 50);
        var texts = Files("*.cs").SelectMany(file => Text().Matches(File.ReadAllText(file)).Select(text => text.Groups[1].Value));
        var kinds = Enum.GetNames<TargetFailureKind>().Select(kind => kind.ToLowerInvariant());
        Assert.Empty(reasons.Except(texts).Except(kinds));
    }

    private static IEnumerable<string> Pages() => Files("README.md");

    private static IEnumerable<string> Files(string name) => Directory.EnumerateFiles(Source, name, SearchOption.AllDirectories)
        .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal))
        .Order(StringComparer.Ordinal);

    // A line of a table ends with what is missing; before that is the reason, and before that, where there is one, the loop.
    private static IEnumerable<string> Reasons(string line) =>
        line.Split('|') is [_, .., var reasons, _, _] ? Reason().Matches(reasons).Select(reason => reason.Groups[1].Value) : [];

    private static int Words(string page) => File.ReadAllText(page).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length;

    [GeneratedRegex("`([a-z]+(?:-[a-z]+)*)`")]
    private static partial Regex Reason();

    [GeneratedRegex("\"([a-z]+(?:-[a-z]+)*)\"")]
    private static partial Regex Text();
}
