using System.Collections.Concurrent;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Manifests.Tests.Rendering;

/// <summary>
/// Everything in manifests/ that can be rendered, by name: <c>base</c>, <c>tenants/NAME</c>, <c>cluster/NAME</c>, <c>examples/NAME</c>,
/// and <c>components/NAME</c>, which is that component on the base. With <c>SIDECARS_TENANT</c> only that tenant.
/// </summary>
public static class Renders
{
    private static readonly ConcurrentDictionary<string, Task<Rendered>> Cache = [];

    public static string Folder => Path.Combine(Repository.Root, "manifests");

    /// <summary>Those that are a whole tenant: base, each component on it, each tenant.</summary>
    public static TheoryData<string> Tenants => [.. TenantNames];

    /// <summary>All.</summary>
    public static TheoryData<string> All => [.. TenantNames, .. Only is null ? [.. Names("cluster"), .. Examples] : Array.Empty<string>()];

    // That of kind is no kustomization.
    private static IEnumerable<string> Examples =>
        Names("examples").Where(name => File.Exists(Path.Combine(Folder, name, "kustomization.yaml")));

    private static IEnumerable<string> TenantNames =>
        Only is { } tenant ? [$"tenants/{tenant}"] : ["base", .. Names("components"), .. Names("tenants")];

    private static string? Only => Environment.GetEnvironmentVariable("SIDECARS_TENANT") is { Length: > 0 } tenant ? tenant : null;

    /// <summary>Renders once in the life of this process.</summary>
    public static Task<Rendered> GetAsync(string name) => Cache.GetOrAdd(name, RenderAsync);

    public static IEnumerable<string> Names(string kind) =>
        Directory.EnumerateDirectories(Path.Combine(Folder, kind)).Select(folder => $"{kind}/{Path.GetFileName(folder)}")
            .Order(StringComparer.Ordinal);

    private static async Task<Rendered> RenderAsync(string name)
    {
        if (name.StartsWith("components/", StringComparison.Ordinal)) return await OverlayAsync([name], "");
        var rendered = await KustomizeAsync(Path.Combine(Folder, name));
        // Every test would fail of it, and none would say why.
        var renamed = rendered.Workloads.Select(workload => workload.Owner.Name).Except(["redis", "sentinel"]).ToArray();
        return renamed.Length == 0 ? rendered : throw new InvalidOperationException(
            $"{name} renames objects ({string.Join(", ", renamed)}): take namePrefix and nameSuffix out; "
            + "settings and Roles refer to objects by their fixed names");
    }

    /// <summary>The base with components, as a tenant "one" with lines of its own.</summary>
    public static async Task<Rendered> OverlayAsync(IEnumerable<string> components, string lines)
    {
        using var overlay = new TempFolder("overlay");
        var there = Path.GetRelativePath(overlay.Path, Folder);
        overlay.Write("kustomization.yaml", $"""
            apiVersion: kustomize.config.k8s.io/v1beta1
            kind: Kustomization
            namespace: one
            resources: [{there}/base]
            components: [{string.Join(", ", components.Select(component => $"{there}/{component}"))}]

            """ + lines);
        return await KustomizeAsync(overlay.Path);
    }

    /// <summary>"kubectl kustomize" of a folder; throws with its message where it refuses.</summary>
    public static async Task<Rendered> KustomizeAsync(string folder)
    {
        var result = await Tool.RunAsync("kubectl", ["kustomize", folder]);
        return result.ExitCode == 0
            ? new Rendered(result.Output)
            : throw new InvalidOperationException($"kubectl kustomize {folder}: {result.Error}");
    }
}
