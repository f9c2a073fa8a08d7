using Sidecars.TestKit.Groups;

namespace Sidecars.Unit.Tests.Pages;

/// <summary>The pages of the repository, by their paths below its root.</summary>
internal static class MarkdownPages
{
    private static readonly string[] Folders = ["src", "tests", "docker", "manifests"];

    /// <summary>README.md and everything below the folders that are kept.</summary>
    public static IEnumerable<string> All => Of(["README.md", .. Folders]);

    /// <summary>These pages, and those below these folders.</summary>
    public static IEnumerable<string> Of(params string[] names) => names.SelectMany(Below);

    private static IEnumerable<string> Below(string name)
    {
        var path = Path.Combine(Repository.Root, name);
        if (!Directory.Exists(path)) return [name];
        return Directory.EnumerateFiles(path, "*.md", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal))
            .Select(file => Path.GetRelativePath(Repository.Root, file)).Order(StringComparer.Ordinal);
    }
}
