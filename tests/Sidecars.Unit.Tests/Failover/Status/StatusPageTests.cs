using System.Text.RegularExpressions;
using Sidecars.Failover.Status;
using Sidecars.TestKit.Groups;

namespace Sidecars.Unit.Tests.Failover.Status;

/// <summary>What a person looks up is what the command says.</summary>
public sealed partial class StatusPageTests
{
    [Fact]
    public void The_page_explains_every_finding_in_the_order_of_the_command_and_no_other()
    {
        var page = File.ReadAllText(Path.Combine(Repository.Root, "manifests", "docs", "status.md"));
        var notes = page.IndexOf("## Notes", StringComparison.Ordinal);
        Assert.Equal(Names(FindingKind.Disagreement), Codes(page[..notes]));
        Assert.Equal(Names(FindingKind.Note), Codes(page[notes..]));
    }

    [Fact]
    public void Its_links_lead_to_pages()
    {
        var docs = Path.Combine(Repository.Root, "manifests", "docs");
        var links = Link().Matches(File.ReadAllText(Path.Combine(docs, "status.md"))).Select(link => link.Groups[1].Value).ToList();
        Assert.NotEmpty(links);
        Assert.All(links, link => Assert.True(File.Exists(Path.Combine(docs, link)), link));
    }

    private static IEnumerable<string> Names(FindingKind kind) =>
        FindingCodes.All.Where(code => code.Kind == kind).Select(code => code.Name);

    private static IEnumerable<string> Codes(string part) => Row().Matches(part).Select(row => row.Groups[1].Value);

    // Each column says something.
    [GeneratedRegex(@"^\| `([a-z-]+)` \| [^|]{10,} \| [^|]{5,} \|$", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@"\]\(([^)#]+)\)")]
    private static partial Regex Link();
}
