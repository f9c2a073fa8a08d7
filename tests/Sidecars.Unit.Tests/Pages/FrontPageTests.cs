using System.Text.RegularExpressions;
using Sidecars.TestKit.Groups;

namespace Sidecars.Unit.Tests.Pages;

/// <summary>What is read first stays short, and prose fits into a window.</summary>
public sealed partial class FrontPageTests
{
    /// <summary>Five minutes, counted as by <c>wc -w</c>.</summary>
    private const int MaxWords = 1200;

    /// <summary>Characters of a line of prose. Rows of tables and programs can't be broken.</summary>
    private const int MaxLine = 140;

    [Fact]
    public void The_README_is_read_in_five_minutes()
    {
        var text = File.ReadAllText(Path.Combine(Repository.Root, "README.md"));
        var words = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length;
        Assert.True(words <= MaxWords, $"README.md has {words} words, {MaxWords} at most");
    }

    [Fact]
    public void Lines_of_prose_are_not_longer_than_a_window()
    {
        var pages = MarkdownPages.Of("README.md", "manifests/docs", "src/README.md", "src/working.md", "src/dependencies.md").ToList();
        Assert.True(pages.Count > 15);
        Assert.Empty(pages.SelectMany(LongLines));
    }

    [Fact]
    public void Every_package_of_the_product_is_in_the_table_of_dependencies()
    {
        var source = Path.Combine(Repository.Root, "src");
        var projects = ((string[])["*.csproj", "*.props"])
            .SelectMany(kind => Directory.EnumerateFiles(source, kind, SearchOption.AllDirectories))
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal));
        var used = projects.SelectMany(file => Package().Matches(File.ReadAllText(file)))
            .Select(match => match.Groups[1].Value).Distinct().ToList();
        Assert.Contains("Polly.Core", used);
        var page = File.ReadAllText(Path.Combine(source, "dependencies.md"));
        Assert.DoesNotContain(used, package => !page.Contains(package, StringComparison.Ordinal));
    }

    private static IEnumerable<string> LongLines(string page)
    {
        var inProgram = false;
        var number = 0;
        foreach (var line in File.ReadLines(Path.Combine(Repository.Root, page)))
        {
            number++;
            if (line.StartsWith("```", StringComparison.Ordinal)) inProgram = !inProgram;
            else if (!inProgram && line.Length > MaxLine && !line.StartsWith('|'))
                yield return $"{page}:{number} has {line.Length} characters";
        }
    }

    [GeneratedRegex("<(?:Global)?PackageReference Include=\"([^\"]+)\"")]
    private static partial Regex Package();
}
