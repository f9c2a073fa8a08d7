using Sidecars.Manifests.Tests.Release;
using Sidecars.Manifests.Tests.Rendering;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Manifests.Tests.Images;

/// <summary>The label of an image that says where its source is; the build itself is tested by ImageTests.</summary>
public sealed class SourceLabelTests
{
    [ToolTheory("bash", "git")]
    [InlineData("https://git.example.org/team/sidecars.git", "https://git.example.org/team/sidecars\n")]
    [InlineData("https://user:secret@git.example.org/team/sidecars", "https://git.example.org/team/sidecars\n")]
    [InlineData("https://secret@git.example.org:8443/team/sidecars.git", "https://git.example.org:8443/team/sidecars\n")]
    [InlineData("git@git.example.org:team/sidecars.git", "https://git.example.org/team/sidecars\n")]
    [InlineData("ssh://git@git.example.org/team/sidecars.git", "https://git.example.org/team/sidecars\n")]
    [InlineData("ssh://git@git.example.org:2222/team/sidecars.git", "")] // the port of https is not known
    [InlineData("https://user:a/b@git.example.org/team/sidecars", "")] // a password that can't be told from the path
    [InlineData("/srv/git/sidecars", "")]
    [InlineData("file:///srv/git/sidecars", "")]
    public async Task An_address_is_what_others_can_reach_without_a_user(string origin, string expected)
    {
        using var folder = new TempFolder("source");
        await ReleaseRepository.RunAsync("git", "init", "--quiet", folder.Path);
        Assert.Equal("", await SourceAsync(folder.Path, ""));
        await ReleaseRepository.RunAsync("git", "-C", folder.Path, "remote", "add", "origin", origin);

        Assert.Equal(expected, await SourceAsync(folder.Path, ""));
        Assert.Equal("https://elsewhere.example/x\n", await SourceAsync(folder.Path, "https://elsewhere.example/x"));
    }

    [Fact]
    public void Every_argument_that_a_label_is_made_of_is_given()
    {
        var script = File.ReadAllText(Path.Combine(Repository.Root, "scripts", "images"));
        foreach (var image in (string[])["redis", "sentinel"])
        {
            var arguments = File.ReadLines(Path.Combine(Repository.Root, "docker", image, "Dockerfile"))
                .Where(line => line.StartsWith("ARG ", StringComparison.Ordinal)).Select(line => line[4..].Split('=')[0]).ToHashSet();
            Assert.Contains("SOURCE", arguments);
            Assert.All(arguments, name => Assert.Contains($"--build-arg \"{name}=", script, StringComparison.Ordinal));
        }
    }

    private static async Task<string> SourceAsync(string folder, string given)
    {
        var result = await Tool.RunAsync("bash", ["-euc", "source \"$LIB\"; source_url \"$FOLDER\""], new Dictionary<string, string>
        {
            ["LIB"] = Path.Combine(Repository.Root, "scripts", "lib.sh"),
            ["FOLDER"] = folder,
            ["SIDECARS_SOURCE"] = given,
        });
        Assert.True(result.ExitCode == 0, result.Error);
        return result.Output;
    }
}
