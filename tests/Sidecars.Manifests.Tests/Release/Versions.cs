using System.Xml.Linq;
using Sidecars.TestKit.Groups;

namespace Sidecars.Manifests.Tests.Release;

/// <summary>The version that everything in the tree has.</summary>
internal static class Versions
{
    /// <summary>That of Directory.Build.props, the only place where a person changes it first.</summary>
    public static string Tree { get; } =
        XDocument.Load(Path.Combine(Repository.Root, "Directory.Build.props")).Descendants("Version").Single().Value;
}
