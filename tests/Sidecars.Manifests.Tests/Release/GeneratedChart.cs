using Sidecars.Manifests.Tests.Rendering;
using Sidecars.TestKit.Processes;

namespace Sidecars.Manifests.Tests.Release;

/// <summary>The chart of this tree, made once for all tests, and what Helm renders of it.</summary>
public sealed class GeneratedChart : IAsyncLifetime, IDisposable
{
    /// <summary>Images as <c>scripts/tenant new --registry registry.example</c> gives them.</summary>
    public const string Registry = "registry.example";

    private readonly TempFolder _folder = new("chart");

    public string Folder => _folder.Path;

    public async Task InitializeAsync()
    {
        if (Tool.Find("kubectl") is null) return; // the tests are skipped
        var version = Versions.Tree;
        var result = await Tool.RunAsync("dotnet", [
            Path.Combine(AppContext.BaseDirectory, "sidecars-chart.dll"), "--manifests", Renders.Folder, "--version", version,
            "--out", Folder,
            "--redis", $"{Registry}/redis:{version}", "--sentinel", $"{Registry}/sentinel:{version}",
            "--exporter", $"{Registry}/redis_exporter:v1.74.0"]);
        Assert.True(result.ExitCode == 0, result.Error);
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose() => _folder.Dispose();

    /// <summary>"helm template" in namespace one with these values.</summary>
    public async Task<ToolResult> TemplateAsync(string values)
    {
        using var folder = new TempFolder("values");
        return await Tool.RunAsync("helm", ["template", "redis", Folder, "-n", "one", "-f", folder.Write("values.yaml", values)]);
    }
}
