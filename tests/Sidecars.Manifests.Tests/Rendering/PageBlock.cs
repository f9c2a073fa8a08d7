using System.Text.RegularExpressions;

namespace Sidecars.Manifests.Tests.Rendering;

/// <summary>Lines of YAML on a page of manifests/docs, which a reader copies.</summary>
public static partial class PageBlock
{
    /// <summary>The one block of a page that contains a text.</summary>
    public static string In(string page, string text)
    {
        var blocks = Block().Matches(File.ReadAllText(Path.Combine(Renders.Folder, "docs", page))).Select(match => match.Groups[1].Value);
        return Assert.Single(blocks, block => block.Contains(text, StringComparison.Ordinal));
    }

    [GeneratedRegex("```yaml\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Block();
}
