using YamlDotNet.RepresentationModel;

namespace Sidecars.Manifests.Tests.Rendering;

/// <summary>One object of a render.</summary>
public sealed record KubeObject(YamlNode Node)
{
    public string Kind => Node.Text("kind") ?? "";

    public string ApiVersion => Node.Text("apiVersion") ?? "";

    public string Name => Node.Text("metadata", "name") ?? "";

    public string? Namespace => Node.Text("metadata", "namespace");

    public override string ToString() => $"{Kind}/{Name}";
}

/// <summary>A pod template with the workload that makes pods of it.</summary>
public sealed record Workload(KubeObject Owner)
{
    public YamlNode? Template =>
        Owner.Kind == "CronJob" ? Owner.Node.At("spec", "jobTemplate", "spec", "template") : Owner.Node.At("spec", "template");

    public YamlNode? Pod => Template.At("spec");

    public IReadOnlyDictionary<string, string> Labels => Template.Map("metadata", "labels");

    public int Replicas => Owner.Node.Number("spec", "replicas") ?? 1;

    /// <summary>The container that the workload is named after.</summary>
    public YamlNode Main => Pod.Items("containers").Single(container => container.Text("name") == Owner.Name);

    /// <summary>Native sidecars first, as kubelet starts them.</summary>
    public IEnumerable<YamlNode> Containers => Pod.Items("initContainers").Concat(Pod.Items("containers"));
}

/// <summary>What "kubectl kustomize" made of a folder.</summary>
public sealed class Rendered(string text)
{
    public string Text { get; } = text;

    public IReadOnlyList<KubeObject> Objects { get; } = [.. YamlExtensions.Parse(text).Select(node => new KubeObject(node))];

    public IEnumerable<KubeObject> OfKind(string kind) => Objects.Where(item => item.Kind == kind);

    public IReadOnlyList<Workload> Workloads =>
        [.. Objects.Where(item => item.Kind is "StatefulSet" or "Deployment").Select(item => new Workload(item))];

    /// <summary>
    /// A container's environment: its ConfigMaps, then its own. What the pod decides at run time (its name, say) is null.
    /// </summary>
    public IReadOnlyDictionary<string, string?> EnvironmentOf(YamlNode container)
    {
        var environment = new Dictionary<string, string?>();
        foreach (var map in container.Items("envFrom").Select(source => source.Text("configMapRef", "name")))
            foreach (var (name, value) in OfKind("ConfigMap").Single(item => item.Name == map).Node.Map("data")) environment[name] = value;
        foreach (var variable in container.Items("env")) environment[variable.Text("name")!] = variable.Text("value");
        return environment;
    }

    /// <summary>A value of the main container's environment.</summary>
    public string? Variable(Workload workload, string name) => EnvironmentOf(workload.Main).GetValueOrDefault(name);

    /// <summary>Pods that run now and then.</summary>
    public IReadOnlyList<Workload> Jobs => [.. OfKind("CronJob").Select(item => new Workload(item))];

    public Workload Workload(string name) => Workloads.Single(workload => workload.Owner.Name == name);
}
