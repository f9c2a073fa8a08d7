using System.Text.RegularExpressions;

namespace Sidecars.Manifests.Tests.Rendering;

/// <summary>Lines on a page of manifests/docs, which a reader copies.</summary>
public static partial class PageBlock
{
    /// <summary>The one block of a page, of YAML unless another language is named, that contains a text.</summary>
    public static string In(string page, string text, string language = "yaml")
    {
        var blocks = Block().Matches(File.ReadAllText(Path.Combine(Renders.Folder, "docs", page)))
            .Where(match => match.Groups["language"].Value == language).Select(match => match.Groups["lines"].Value);
        return Assert.Single(blocks, block => block.Contains(text, StringComparison.Ordinal));
    }

    [GeneratedRegex("^```(?<language>[a-z]*)\n(?<lines>.*?)^```$", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Block();
}
