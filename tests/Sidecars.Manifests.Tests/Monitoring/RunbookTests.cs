using System.Text.RegularExpressions;
using Sidecars.Manifests.Tests.Rendering;
using Sidecars.TestKit.Groups;

namespace Sidecars.Manifests.Tests.Monitoring;

public sealed partial class RunbookTests
{
    private static readonly string[] Parts = ["**You see.**", "**It means.**", "**First command.**", "**Decide.**", "**Over when.**"];

    private static IEnumerable<string> Pages => Directory.EnumerateFiles(Path.Combine(Renders.Folder, "runbooks"), "*.md");

    [Fact]
    public void Every_page_has_its_five_parts_in_order()
    {
        foreach (var page in Pages.Where(page => Path.GetFileName(page) != "README.md"))
        {
            var text = File.ReadAllText(page);
            var places = Parts.Select(part => text.IndexOf(part, StringComparison.Ordinal)).ToArray();
            Assert.True(places[0] > 0 && places.SequenceEqual(places.Order()) && places.Distinct().Count() == Parts.Length, $"{page}: {string.Join(' ', places)}");
        }
    }

    [Fact]
    public void A_page_in_capitals_is_of_an_alert_that_exists()
    {
        var alerts = AlertRules.Alerts.Select(alert => alert.Text("alert")).ToHashSet();

        Assert.Empty(Pages.Select(page => Path.GetFileNameWithoutExtension(page)).Where(page => page != "README" && char.IsAsciiLetterUpper(page[0])).Except(alerts));
    }

    [Fact]
    public void Links_and_names_lead_somewhere()
    {
        var names = Pages.Select(page => Path.GetFileNameWithoutExtension(page)).ToHashSet();
        foreach (var page in Pages)
        {
            var text = File.ReadAllText(page);
            Assert.All(Link().Matches(text), link => Assert.Contains(link.Groups[1].Value, names));
            Assert.All(Alert().Matches(text), alert => Assert.Contains(alert.Value, names));
        }
    }

    [Fact]
    public void Every_command_of_scripts_tenant_is_one_that_it_has()
    {
        var help = File.ReadAllText(Path.Combine(Repository.Root, "scripts", "tenant"));
        foreach (var page in Pages)
            Assert.All(Command().Matches(File.ReadAllText(page)), command => Assert.Contains($"#        scripts/tenant {command.Groups[1].Value} NAME", help.Replace("# Usage: ", "#        ", StringComparison.Ordinal), StringComparison.Ordinal));
    }

    [GeneratedRegex(@"\]\(([\w-]+)\.md\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"\b(?:Redis|Sentinels?)[A-Z][a-zA-Z]+\b")]
    private static partial Regex Alert();

    [GeneratedRegex(@"scripts/tenant\s+([a-z][a-z-]*)\b")]
    private static partial Regex Command();
}
