using Sidecars.Manifests.Tests.Release;
using Sidecars.Manifests.Tests.Rendering;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Manifests.Tests.Images;

/// <summary>
/// What scripts/images --push sends where. The script runs as it is, in a copy of what it reads, with a buildah that only takes notes.
/// </summary>
public sealed class PushTests : IDisposable
{
    private const string Registry = "registry.example:5000/team";
    private readonly TempFolder _root = new("push");

    private string Calls => _root.File("calls");

    public void Dispose() => _root.Dispose();

    [PushFact]
    public async Task Both_images_and_the_exporter_are_sent_as_a_tenant_names_them()
    {
        var result = await PushAsync();

        Assert.True(result.ExitCode == 0, result.Output + result.Error);
        var exporter = (await File.ReadAllLinesAsync(Path.Combine(Repository.Root, "manifests", "base", "kustomization.yaml")))
            .SkipWhile(line => !line.EndsWith("redis_exporter", StringComparison.Ordinal)).Skip(1).First().Split(": ")[1];
        Assert.Equal(
            [
                $"push --quiet localhost/sidecars/redis:{Versions.Tree} docker://{Registry}/redis:{Versions.Tree}",
                $"push --quiet localhost/sidecars/sentinel:{Versions.Tree} docker://{Registry}/sentinel:{Versions.Tree}",
                $"pull --quiet docker://docker.io/oliver006/redis_exporter:{exporter}",
                $"push --quiet docker.io/oliver006/redis_exporter:{exporter} docker://{Registry}/redis_exporter:{exporter}",
            ],
            Sent());
    }

    [PushFact]
    public async Task What_a_registry_refuses_ends_it_with_the_name_and_the_way_to_log_in()
    {
        await File.WriteAllTextAsync(Calls + ".refuses", "team/sentinel");

        var result = await PushAsync();

        Assert.Equal(1, result.ExitCode);
        Assert.Contains($"{Registry}/sentinel:{Versions.Tree} was not pushed", result.Error, StringComparison.Ordinal);
        Assert.Contains("buildah login registry.example:5000\n", result.Error, StringComparison.Ordinal);
        Assert.Equal(2, Sent().Length);
    }

    [Theory]
    [InlineData("docker://registry.example")]
    [InlineData("registry.example/")]
    [InlineData("registry.example/team:1")]
    [InlineData("")]
    public async Task What_is_no_registry_is_refused_before_anything_is_built(string registry)
    {
        var result = await Tool.RunAsync(Path.Combine(Repository.Root, "scripts", "images"), ["--push", registry]);

        Assert.Equal(2, result.ExitCode);
        Assert.Contains($"--push: '{registry}' is not HOST[:PORT][/PATH]", result.Error, StringComparison.Ordinal);
    }

    private string[] Sent() => File.Exists(Calls) ? File.ReadAllLines(Calls) : [];

    private async Task<ToolResult> PushAsync()
    {
        foreach (var file in (string[])["scripts/images", "scripts/images.d/push.sh", "scripts/lib.sh", "Directory.Build.props",
            "manifests/base/kustomization.yaml"])
            _root.Write(file, await File.ReadAllTextAsync(Path.Combine(Repository.Root, file)));
        foreach (var program in (string[])["redis-bootstrap", "redis-probe", "redis-sidecars"])
        {
            _root.Write($"artifacts/native/{program}", program);
            _root.Write($"mounted/usr/local/bin/{program}", program);
        }

        _root.Write("mounted/var/lib/dpkg/status", "");
        // Behind the options of its storage: a container is a name, its file system a folder, and a push or pull a line.
        _root.Write("bin/buildah", $"""
            #!/bin/bash
            shift 6
            case $1 in
                from) echo container ;;
                mount) echo '{_root.File("mounted")}' ;;
                push | pull)
                    echo "$*" >>'{Calls}'
                    ! grep -qsf '{Calls}.refuses' <<<"$*"
                    ;;
            esac
            """);
        foreach (var program in (string[])["bin/dotnet", "scripts/setup", "scripts/publish"])
            _root.Write(program, "#!/bin/sh\necho 10.0.0\n");
        string[] run = ["scripts/images", "scripts/setup", "scripts/publish", "bin/buildah", "bin/dotnet"];
        Assert.Equal(0, (await Tool.RunAsync("chmod", ["+x", .. run.Select(file => _root.File(file))])).ExitCode);
        return await Tool.RunAsync(
            _root.File("scripts/images"), ["--no-smoke", "--push", Registry],
            new Dictionary<string, string> { ["PATH"] = $"{_root.File("bin")}:{Environment.GetEnvironmentVariable("PATH")}" });
    }

    [AttributeUsage(AttributeTargets.Method)]
    private sealed class PushFactAttribute : FactAttribute
    {
        public PushFactAttribute() => Skip = !Environment.IsPrivilegedProcess
            ? "needs root, as scripts/images does"
            : !Directory.Exists("/usr/share/ca-certificates/mozilla")
            ? "ca-certificates is not installed"
            : Tool.Missing(["bash", "dpkg-query"]);
    }
}
