using System.Diagnostics;
using System.Text.RegularExpressions;
using YamlDotNet.RepresentationModel;

namespace Sidecars.Chart;

/// <summary>The objects of one tenant by "Kind/name", as kustomize renders a set of features.</summary>
internal sealed partial class Renders(string manifests)
{
    /// <summary>Renders the plain tenant (""), the tenant with each feature and what that includes, and the one with all ("*").</summary>
    public async Task<IReadOnlyDictionary<string, IReadOnlyDictionary<string, YamlMappingNode>>> AllAsync()
    {
        var sets = new Dictionary<string, Feature[]> { [""] = [], ["*"] = [.. Features.All] };
        foreach (var feature in Features.All)
            sets[feature.Name] = [.. Features.All.Where(other => other == feature || feature.Includes.Contains(other.Name))];
        var renders = new Dictionary<string, IReadOnlyDictionary<string, YamlMappingNode>>();
        await Parallel.ForEachAsync(sets, async (set, cancel) =>
        {
            var objects = Objects(await RenderAsync(set.Value, cancel));
            lock (renders) renders[set.Key] = objects;
        });
        // In the order of the features, so that the result does not depend on which render ends first.
        return sets.Keys.ToDictionary(name => name, name => renders[name]);
    }

    private async Task<string> RenderAsync(Feature[] features, CancellationToken cancel)
    {
        var folder = Directory.CreateTempSubdirectory("sidecars-chart-").FullName;
        try
        {
            await File.WriteAllTextAsync(Path.Combine(folder, "kustomization.yaml"), Overlay(folder, features), cancel);
            await File.WriteAllTextAsync(Path.Combine(folder, "10-memory.conf"), $"""
                maxmemory {Tokens.Maxmemory}mb
                maxmemory-policy noeviction
                repl-backlog-size {Tokens.Backlog}mb

                """, cancel);
            return await KustomizeAsync(folder, cancel);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private string Overlay(string folder, Feature[] features)
    {
        var there = Path.GetRelativePath(folder, manifests);
        // A component that includes another one brings it: taken beside it, it would be merged twice.
        var within = features.Where(feature => feature.Components.Length > 0).SelectMany(feature => feature.Includes).ToHashSet();
        var components = features.Where(feature => !within.Contains(feature.Name)).SelectMany(feature => feature.Components);
        return $$"""
            apiVersion: kustomize.config.k8s.io/v1beta1
            kind: Kustomization
            namespace: {{Tokens.Namespace}}
            resources: [{{there}}/base]
            components: [{{string.Join(", ", components.Select(component => $"{there}/components/{component}"))}}]
            images:
              - {name: sidecars/redis, newName: {{Tokens.ImageOf("redis")}}}
              - {name: sidecars/sentinel, newName: {{Tokens.ImageOf("sentinel")}}}
              - {name: docker.io/oliver006/redis_exporter, newName: {{Tokens.ImageOf("exporter")}}}
            configMapGenerator:
              - name: redis-config
                behavior: merge
                files: [10-memory.conf]
                literals: [90-tenant.conf={{Tokens.RedisConfig}}]
              - name: sentinel-config
                behavior: merge
                literals: [90-tenant.conf={{Tokens.SentinelConfig}}]
            patches:

            """ + Features.Sizes + string.Concat(features.Select(feature => feature.Patches));
    }

    private static async Task<string> KustomizeAsync(string folder, CancellationToken cancel)
    {
        var start = new ProcessStartInfo("kubectl", ["kustomize", folder]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start) ?? throw new InvalidDataException("kubectl was not started");
        var error = process.StandardError.ReadToEndAsync(cancel);
        var output = await process.StandardOutput.ReadToEndAsync(cancel);
        await process.WaitForExitAsync(cancel);
        return process.ExitCode == 0 ? output : throw new InvalidDataException($"kubectl kustomize: {await error}");
    }

    // ConfigMaps lose the hash in their names, which Helm can't calculate: pods get a checksum in its place.
    private static Dictionary<string, YamlMappingNode> Objects(string text)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(text));
        var hashed = stream.Documents.Select(document => (YamlMappingNode)document.RootNode)
            .Where(node => node["kind"].ToString() == "ConfigMap").Select(node => node["metadata"]["name"].ToString()).ToArray();
        foreach (var name in hashed) text = text.Replace(name, Hash().Replace(name, ""), StringComparison.Ordinal);
        stream = [];
        stream.Load(new StringReader(text));
        return stream.Documents.Select(document => (YamlMappingNode)document.RootNode)
            .ToDictionary(node => $"{node["kind"]}/{node["metadata"]["name"]}");
    }

    [GeneratedRegex("-[a-z0-9]{10}$")]
    private static partial Regex Hash();
}
