using System.Runtime.InteropServices;
using System.Text.Json;
using Sidecars.Manifests.Tests.Rendering;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Manifests.Tests.Images;

/// <summary>Builds both images by scripts/images and runs them. SIDECARS_IMAGES=1, as .ci/run sets it for root, and 10 to 80 s.</summary>
public sealed class ImageTests
{
    [ImagesFact]
    public async Task Both_images_build_and_run_as_a_pod_does()
    {
        using var export = new TempFolder("export");
        var result = await Tool.RunAsync(Path.Combine(Repository.Root, "scripts", "images"), ["--export", export.Path]);

        Assert.True(result.ExitCode == 0, result.Output + result.Error);
        Assert.Contains(
            "cold start, write, sidecars healthy, backup, drill, restore, restart, read, SIGTERM", result.Output, StringComparison.Ordinal);
        var folder = Path.Combine(Repository.Root, "artifacts", "images");
        using var sizes = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "sizes.json")));
        Assert.InRange(sizes.RootElement.GetProperty("added_bytes").GetInt64(), 1, 40_000_000);
        var platform = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? "amd64" : "arm64";
        foreach (var image in new[] { "redis", "sentinel" })
        {
            AssertSbom(Path.Combine(folder, $"{image}.spdx.json"));
            AssertSbom(export.File($"{image}-{platform}.spdx.json"));
            using var index = JsonDocument.Parse(
                await File.ReadAllTextAsync(Path.Combine(export.Path, $"{image}-{platform}", "index.json")));
            Assert.Single(index.RootElement.GetProperty("manifests").EnumerateArray());
        }
    }

    [RootTheory]
    [InlineData("needs --base NAME:TAG@sha256:DIGEST", "--base", "registry.example/redis:7.2.11-bookworm")]
    [InlineData("needs --sdk NAME:TAG@sha256:DIGEST", "--base", "redis@sha256:1", "--from-source")]
    [InlineData("needs --build-base NAME:TAG@sha256:DIGEST", "--base", "redis@sha256:1", "--from-source", "--sdk", "sdk@sha256:2",
        "--build-base", "debian:bookworm-slim")]
    public async Task A_release_of_what_can_be_moved_is_refused_before_anything_is_built(string message, params string[] arguments)
    {
        var result = await Tool.RunAsync(Path.Combine(Repository.Root, "scripts", "images"), ["--release", .. arguments]);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
    }

    private static void AssertSbom(string file)
    {
        using var document = JsonDocument.Parse(File.ReadAllText(file));
        var root = document.RootElement;
        Assert.Equal("SPDX-2.3", root.GetProperty("spdxVersion").GetString());
        var packages = root.GetProperty("packages").EnumerateArray().ToArray();
        var ids = packages.Select(package => package.GetProperty("SPDXID").GetString()!).ToArray();
        Assert.Distinct(ids);
        Assert.Contains("SPDXRef-deb-libc6-amd64", ids.Select(id => id.Replace("arm64", "amd64", StringComparison.Ordinal))
            .Select(id => id == "SPDXRef-deb-libc6" ? id + "-amd64" : id));
        Assert.Contains(packages, package => package.GetProperty("name").GetString() == "redis-bootstrap"
            && package.GetProperty("checksums")[0].GetProperty("checksumValue").GetString()!.Length == 64);
        Assert.All(root.GetProperty("relationships").EnumerateArray(),
            relation => Assert.Contains(relation.GetProperty("relatedSpdxElement").GetString(), ids));
    }

    [AttributeUsage(AttributeTargets.Method)]
    private sealed class RootTheoryAttribute : TheoryAttribute
    {
        public RootTheoryAttribute() =>
            Skip = !Environment.IsPrivilegedProcess ? "needs root, as scripts/images does" : Tool.Missing(["bash", "git"]);
    }

    [AttributeUsage(AttributeTargets.Method)]
    private sealed class ImagesFactAttribute : FactAttribute
    {
        public ImagesFactAttribute() => Skip = Environment.GetEnvironmentVariable("SIDECARS_IMAGES") != "1"
            ? "SIDECARS_IMAGES is not 1: scripts/images takes 80 s where no base is there yet"
            : !Environment.IsPrivilegedProcess
            ? "needs root: file systems are mounted"
            : Tool.Missing(["buildah", "debootstrap", "unshare", "ip"]);
    }
}
