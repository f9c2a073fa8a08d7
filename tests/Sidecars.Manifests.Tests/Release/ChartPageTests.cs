using System.Text.RegularExpressions;
using Sidecars.Manifests.Tests.Policies;
using Sidecars.Manifests.Tests.Rendering;
using Sidecars.TestKit.Processes;

namespace Sidecars.Manifests.Tests.Release;

/// <summary>The page that comes with the chart (<c>helm show readme</c>).</summary>
public sealed partial class ChartPageTests(GeneratedChart chart) : IClassFixture<GeneratedChart>
{
    private const string Kubectl = """
        #!/bin/sh
        echo "$*" >>"$CALLS"
        case "$*" in
            *"create secret"*)
                for last; do :; done
                wc -c "${last#--from-file=}"/* >"$CALLS.keys" ;;
        esac
        """;

    // What it would install, by the real one.
    private const string Helm = "#!/bin/sh\n[ \"$1\" = install ] || exit 2\nshift\nexec \"$REAL_HELM\" template \"$@\"\n";

    [ToolFact("kubectl", "helm", "bash", "openssl", "tar")]
    public async Task Its_lines_make_the_namespace_the_passwords_and_the_tenant()
    {
        using var folder = new TempFolder("page");
        foreach (var (name, text) in new[] { ("kubectl", Kubectl), ("helm", Helm) })
            await ReleaseRepository.RunAsync("chmod", "+x", folder.Write($"bin/{name}", text));
        await ReleaseRepository.RunAsync("cp", "-r", chart.Folder, folder.File("sidecars"));
        await ReleaseRepository.RunAsync("tar", "-czf", folder.File($"sidecars-{Versions.Tree}.tgz"), "-C", folder.Path, "sidecars");
        var lines = Assert.Single(ShellBlock().Matches(await ReadAsync())).Groups[1].Value;

        var result = await Tool.RunAsync("bash", ["-eu", folder.Write("page.sh", lines)], new Dictionary<string, string>
        {
            ["PATH"] = $"{folder.File("bin")}:{Environment.GetEnvironmentVariable("PATH")}",
            ["CALLS"] = folder.File("calls"),
            ["REAL_HELM"] = Tool.Find("helm")!,
        }, folder.Path);

        Assert.True(result.ExitCode == 0, result.Error);
        var redis = new Rendered(result.Output).Workload("redis");
        Assert.Equal(("shop", "2048Mi"), (redis.Owner.Namespace, redis.Main.Text("resources", "limits", "memory")));
        var keys = Key().Matches(await File.ReadAllTextAsync(folder.File("calls.keys"))).Select(match => match.Groups["name"].Value);
        Assert.Equal(ReferenceTests.Inputs()["redis-auth"].Order(StringComparer.Ordinal), keys.Order(StringComparer.Ordinal));
        Assert.Equal("create namespace shop", (await File.ReadAllLinesAsync(folder.File("calls")))[0]);
    }

    [ToolFact("kubectl")]
    public async Task It_gives_the_namespace_the_labels_of_a_tenant()
    {
        var labels = Label().Matches(await ReadAsync()).Select(match => (match.Groups[1].Value, match.Groups[2].Value));
        var space = (await Renders.GetAsync("tenants/demo-a")).OfKind("Namespace").Single();

        Assert.Equal(space.Node.Map("metadata", "labels").Select(pair => (pair.Key, pair.Value)).Order(), labels.Order());
    }

    private Task<string> ReadAsync() => File.ReadAllTextAsync(Path.Combine(chart.Folder, "README.md"));

    [GeneratedRegex("```bash\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex ShellBlock();

    // 64 letters and digits, without the end of a line.
    [GeneratedRegex(@"^ *64 .*/(?<name>[a-z-]+)$", RegexOptions.Multiline)]
    private static partial Regex Key();

    [GeneratedRegex(@"([a-z-]+\.kubernetes\.io/[a-z-]+)=(\S+)")]
    private static partial Regex Label();
}
