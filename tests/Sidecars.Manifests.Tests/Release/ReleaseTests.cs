using System.Security.Cryptography;
using System.Text.Json;
using Sidecars.Manifests.Tests.Rendering;

namespace Sidecars.Manifests.Tests.Release;

/// <summary>What scripts/release makes of a commit and exported images; the build of these is tested by ImageTests.</summary>
public sealed class ReleaseTests(ReleaseTests.Made made) : IClassFixture<ReleaseTests.Made>
{
    private const string Registry = "registry.example:5000/team";

    /// <summary>A release made twice, once by a key of each kind.</summary>
    public sealed class Made : IAsyncLifetime
    {
        public ReleaseRepository Repository { get; private set; } = null!;

        public ToolResult First { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            if (Tool.Missing(["kubectl", "git", "openssl"]) is not null) return; // the tests are skipped
            Repository = await ReleaseRepository.CreateAsync();
            First = await Repository.MakeAsync("first", "--key", await Repository.KeyAsync("ed25519"));
            Assert.True(First.ExitCode == 0, First.Error);
            var key = await Repository.KeyAsync("EC", "-pkeyopt", "ec_paramgen_curve:P-256");
            var second = await Repository.MakeAsync("second", "--push", "--key", key);
            Assert.True(second.ExitCode == 0, second.Error);
        }

        public Task DisposeAsync()
        {
            Repository?.Dispose();
            return Task.CompletedTask;
        }
    }

    [ToolFact("kubectl", "git", "openssl")]
    public void The_same_commit_gives_the_same_bytes() => Assert.Equal(Read("first/SHA256SUMS"), Read("second/SHA256SUMS"));

    [ToolFact("kubectl", "git", "openssl")]
    public async Task Every_file_has_a_checksum_that_is_right()
    {
        var names = Read("first/SHA256SUMS").Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line[66..]).ToArray();

        Assert.Equal(Files("first").Except(["SHA256SUMS", "SHA256SUMS.sig", "release.pub"]).Order(StringComparer.Ordinal), names);
        var check = await Tool.RunAsync("sha256sum", ["--check", "--strict", "SHA256SUMS"], folder: PathOf("first"));
        Assert.True(check.ExitCode == 0, check.Output + check.Error);
        var version = Versions.Tree;
        Assert.Subset(names.ToHashSet(), new HashSet<string>
        {
            "digests.txt", $"images/redis-{version}.oci.tar", $"images/sentinel-{version}.oci.tar", $"charts/sidecars-{version}.tgz",
            $"charts/sidecars-{version}.oci.tar", $"sidecars-{version}.bundle", "manifests/base/kustomization.yaml",
            "sbom/redis-amd64.spdx.json", "sbom/redis-arm64.spdx.json", "sbom/sentinel-amd64.spdx.json", "sbom/sentinel-arm64.spdx.json",
        });
    }

    [ToolTheory("kubectl", "git", "openssl")]
    [InlineData("first")]
    [InlineData("second")]
    public async Task The_signature_is_accepted_for_these_checksums_only(string release)
    {
        Assert.Equal(0, (await VerifyAsync(release, PathOf($"{release}/SHA256SUMS"))).ExitCode);

        var changed = PathOf($"{release}.changed");
        await File.WriteAllTextAsync(changed, Read($"{release}/SHA256SUMS").Replace('0', '1'));
        Assert.NotEqual(0, (await VerifyAsync(release, changed)).ExitCode);
    }

    [ToolFact("kubectl", "git", "openssl", "tar")]
    public async Task An_archive_holds_both_platforms_below_the_digest_that_is_pinned()
    {
        foreach (var image in (string[])["redis", "sentinel"])
        {
            var folder = Directory.CreateDirectory(PathOf($"unpacked-{image}")).FullName;
            await ReleaseRepository.RunAsync("tar", "-xf", PathOf($"first/images/{image}-{Versions.Tree}.oci.tar"), "-C", folder);
            using var top = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "index.json")));
            var digest = Assert.Single(top.RootElement.GetProperty("manifests").EnumerateArray()).GetProperty("digest").GetString()!;
            using var index = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "blobs", "sha256", digest[7..])));
            var platforms = index.RootElement.GetProperty("manifests").EnumerateArray()
                .Select(manifest => (Name: manifest.GetProperty("platform").GetProperty("architecture").GetString(),
                    Digest: manifest.GetProperty("digest").GetString())).ToArray();

            Assert.Equal(["amd64", "arm64"], platforms.Select(platform => platform.Name));
            Assert.All(platforms, platform => Assert.Contains(
                $"{Registry}/{image} linux/{platform.Name} {platform.Digest}\n", Read("first/digests.txt"), StringComparison.Ordinal));
            Assert.Contains($"{Registry}/{image} index {digest}\n", Read("first/digests.txt"), StringComparison.Ordinal);
            foreach (var blob in Directory.EnumerateFiles(Path.Combine(folder, "blobs", "sha256")))
                Assert.Equal(Path.GetFileName(blob), Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(blob))));
        }
    }

    [ToolFact("kubectl", "git", "openssl")]
    public async Task The_tag_can_be_applied_from_a_bare_clone()
    {
        var bare = PathOf("bare.git");
        await ReleaseRepository.RunAsync("git", "clone", "--quiet", "--bare", made.Repository.Root, bare);
        await ReleaseRepository.RunAsync(
            "git", "-C", bare, "fetch", "--quiet", PathOf($"first/sidecars-{Versions.Tree}.bundle"), "tag", $"v{Versions.Tree}");

        foreach (var tenant in (string[])["demo-a", "demo-b"])
        {
            var rendered = new Rendered(await ReleaseRepository.RunAsync(
                "kubectl", "kustomize", $"file://{bare}//manifests/tenants/{tenant}?ref=v{Versions.Tree}"));
            var images = rendered.Workloads.SelectMany(workload => workload.Containers)
                .Select(container => container.Text("image")!).Distinct();
            Assert.Equal([Digest("redis"), Digest("sentinel"), "docker.io/oliver006/redis_exporter:v1.74.0"],
                images.OrderBy(image => image.StartsWith("docker.io", StringComparison.Ordinal))
                    .ThenBy(image => image, StringComparer.Ordinal));
        }

        // The folder of the release is the content of the tag.
        await ReleaseRepository.RunAsync("git", "clone", "--quiet", "--branch", $"v{Versions.Tree}", bare, PathOf("work"));
        await ReleaseRepository.RunAsync("diff", "-r", PathOf("work/manifests"), PathOf("first/manifests"));
    }

    [ToolFact("kubectl", "git", "openssl", "helm")]
    public async Task The_chart_installs_the_same_images()
    {
        var chart = PathOf($"first/charts/sidecars-{Versions.Tree}.tgz");
        var rendered = new Rendered(await ReleaseRepository.RunAsync("helm", "template", "redis", chart, "-n", "shop"));

        Assert.Equal(Digest("redis"), rendered.Workload("redis").Main.Text("image"));
        Assert.Equal(Digest("sentinel"), rendered.Workload("sentinel").Main.Text("image"));
        var shown = await ReleaseRepository.RunAsync("helm", "show", "chart", chart);
        Assert.Contains($"version: {Versions.Tree}\n", shown, StringComparison.Ordinal);
    }

    [ToolFact("kubectl", "git", "openssl", "tar")]
    public async Task The_chart_is_an_OCI_artifact_as_helm_would_push_it()
    {
        var folder = Directory.CreateDirectory(PathOf("unpacked-chart")).FullName;
        await ReleaseRepository.RunAsync("tar", "-xf", PathOf($"first/charts/sidecars-{Versions.Tree}.oci.tar"), "-C", folder);
        var content = await File.ReadAllBytesAsync(PathOf($"first/charts/sidecars-{Versions.Tree}.tgz"));
        var archive = Convert.ToHexStringLower(SHA256.HashData(content));
        using var top = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "index.json")));
        var digest = top.RootElement.GetProperty("manifests")[0].GetProperty("digest").GetString()!;
        using var manifest = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "blobs", "sha256", digest[7..])));
        var config = manifest.RootElement.GetProperty("config");
        using var chart = JsonDocument.Parse(await File.ReadAllTextAsync(
            Path.Combine(folder, "blobs", "sha256", config.GetProperty("digest").GetString()![7..])));

        Assert.Equal("application/vnd.cncf.helm.config.v1+json", config.GetProperty("mediaType").GetString());
        Assert.Equal($"sha256:{archive}", manifest.RootElement.GetProperty("layers")[0].GetProperty("digest").GetString());
        Assert.Equal("sidecars", chart.RootElement.GetProperty("name").GetString());
        Assert.Equal(Versions.Tree, chart.RootElement.GetProperty("version").GetString());
    }

    [ToolFact("kubectl", "git", "openssl")]
    public async Task Every_step_says_how_long_it_took_and_the_repository_stays_as_it_was()
    {
        string[] steps = ["images of amd64,arm64", "archives and digests", $"manifests and tag v{Versions.Tree}", "chart", "checksums",
            "signature"];
        Assert.All(steps, step => Assert.Matches($"(?m)^release: {step} \\([0-9]+ s\\)$", made.First.Error));
        Assert.Equal("", await made.Repository.GitAsync("status", "--porcelain"));
        Assert.Equal("", await made.Repository.GitAsync("tag"));
        Assert.DoesNotContain(Directory.EnumerateFileSystemEntries(PathOf(".")),
            entry => Path.GetFileName(entry).StartsWith(".release-", StringComparison.Ordinal));
    }

    [ToolFact("kubectl", "git", "openssl")]
    public void A_push_sends_images_and_chart_with_their_digests()
    {
        string[] sent = [.. made.Repository.Calls.Select(call => call.Replace(PathOf("second"), "", StringComparison.Ordinal))];
        var version = Versions.Tree;
        Assert.Equal([
            $"copy --all --preserve-digests oci-archive:/images/redis-{version}.oci.tar docker://{Registry}/redis:{version}",
            $"copy --all --preserve-digests oci-archive:/images/sentinel-{version}.oci.tar docker://{Registry}/sentinel:{version}",
            $"copy --preserve-digests oci-archive:/charts/sidecars-{version}.oci.tar docker://{Registry}/charts/sidecars:{version}"], sent);
    }

    [ToolFact("kubectl", "git", "openssl", "bash")]
    public async Task The_lines_of_the_page_send_the_images_of_the_folder_to_another_registry_with_their_digests()
    {
        var lines = PageBlock.In("install.md", "oci-archive:images", "bash").Replace("REGISTRY", Registry, StringComparison.Ordinal);

        var sent = await made.Repository.SentByLinesAsync(lines, "second");

        // As the push of the release, but for the chart; and the exporter, which is another repository's.
        string[] pushed = [.. made.Repository.Calls.Where(call => call.Contains("/images/", StringComparison.Ordinal))
            .Select(call => call.Replace(PathOf("second") + "/", "", StringComparison.Ordinal))];
        Assert.Equal(2, pushed.Length);
        Assert.Equal(pushed, sent[..^1]);
        Assert.EndsWith($"docker://{Registry}/redis_exporter:v1.74.0", sent[^1], StringComparison.Ordinal);
        Assert.All(sent[..^1], call => Assert.True(File.Exists(PathOf($"second/{call.Split("oci-archive:")[1].Split(' ')[0]}")), call));
    }

    private Task<ToolResult> VerifyAsync(string release, string file) => Tool.RunAsync("openssl", ["pkeyutl", "-verify", "-pubin", "-inkey",
        PathOf($"{release}/release.pub"), "-rawin", "-in", file, "-sigfile", PathOf($"{release}/SHA256SUMS.sig")]);

    private string Digest(string image) => $"{Registry}/{image}@" + Read("first/digests.txt").Split('\n')
        .Single(line => line.StartsWith($"{Registry}/{image} index ", StringComparison.Ordinal)).Split(' ')[2];

    private string PathOf(string name) => made.Repository.File(name);

    private string Read(string name) => File.ReadAllText(PathOf(name));

    private IEnumerable<string> Files(string folder) => Directory.EnumerateFiles(PathOf(folder), "*", SearchOption.AllDirectories)
        .Select(file => Path.GetRelativePath(PathOf(folder), file));
}
