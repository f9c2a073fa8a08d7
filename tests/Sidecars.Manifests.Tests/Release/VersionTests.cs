using System.Reflection;
using System.Text.RegularExpressions;
using Sidecars.Core.Primitives;
using Sidecars.Manifests.Tests.Rendering;
using Sidecars.TestKit.Groups;

namespace Sidecars.Manifests.Tests.Release;

/// <summary>One version, that of Directory.Build.props. What can't read it there is held to it here, and named where it differs.</summary>
public sealed partial class VersionTests
{
    private static readonly string[] Places = ["README.md", "docker", "manifests"];

    [Fact]
    public void Every_version_of_ours_in_a_file_is_that_of_the_tree()
    {
        var found = Files().SelectMany(file => Named().Matches(File.ReadAllText(file))
            .Select(match => (File: Path.GetRelativePath(Repository.Root, file), Version: match.Groups["version"].Value))).ToArray();

        string[] known = ["docker/redis/Dockerfile", "docker/sentinel/Dockerfile", "manifests/base/kustomization.yaml",
            "manifests/components/backup/kustomization.yaml", "manifests/docs/install.md", "manifests/docs/changelog.md"];
        Assert.Subset(found.Select(place => place.File).ToHashSet(), known.ToHashSet());
        Assert.DoesNotContain(found, place => place.Version != Versions.Tree);
    }

    [Fact]
    public void What_is_compiled_has_the_version_of_the_tree()
    {
        var compiled = typeof(RedisEndpoint).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
        Assert.Equal(Versions.Tree, compiled.Split('+')[0]);
    }

    [ToolFact("bash")]
    public async Task Scripts_read_it_where_a_person_changes_it()
    {
        var script = $"source '{Path.Combine(Repository.Root, "scripts", "lib.sh")}'; tree_version";
        Assert.Equal(Versions.Tree + "\n", await ReleaseRepository.RunAsync("bash", "-c", script));
    }

    private static IEnumerable<string> Files() => Places.Select(place => Path.Combine(Repository.Root, place))
        .SelectMany(path => Directory.Exists(path) ? Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories) : [path]);

    // Of our images, chart, archives and tags; the versions of others (redis_exporter, Redis, Helm) are their own.
    [GeneratedRegex("""
        (?x) (?: name:\ sidecars/[a-z]+\n\s*newTag:\ | sidecars/(?:redis|sentinel|\$name): | REGISTRY/\$name: | ARG\ VERSION= |
        the\ tree\ is\ | scripts/release\ | artifacts/release/ |
        ref=v | tag\ `?v | origin\ v | charts/sidecars\ --version\  | (?:sidecars|NAME)- )
        (?<version>[0-9]+\.[0-9]+\.[0-9]+(?:-[0-9A-Za-z][0-9A-Za-z-]*)?)
        """)]
    private static partial Regex Named();
}
