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
    public YamlNode? Template => Owner.Node.At("spec", "template");

    public YamlNode? Pod => Template.At("spec");

    public IReadOnlyDictionary<string, string> Labels => Template.Map("metadata", "labels");

    public int Replicas => Owner.Node.Number("spec", "replicas") ?? 1;

    /// <summary>The container that the workload is named after.</summary>
    public YamlNode Main => Pod.Items("containers").Single(container => container.Text("name") == Owner.Name);

    /// <summary>Native sidecars first, as kubelet starts them.</summary>
    public IEnumerable<YamlNode> Containers => Pod.Items("initContainers").Concat(Pod.Items("containers"));

    /// <summary>Literal values of the main container's environment.</summary>
    public string? Variable(string name) => Main.Items("env").LastOrDefault(variable => variable.Text("name") == name).Text("value");
}

/// <summary>What "kubectl kustomize" made of a folder.</summary>
public sealed class Rendered(string text)
{
    public string Text { get; } = text;

    public IReadOnlyList<KubeObject> Objects { get; } = [.. YamlExtensions.Parse(text).Select(node => new KubeObject(node))];

    public IEnumerable<KubeObject> OfKind(string kind) => Objects.Where(item => item.Kind == kind);

    public IReadOnlyList<Workload> Workloads => [.. Objects.Where(item => item.Kind is "StatefulSet" or "Deployment").Select(item => new Workload(item))];

    public Workload Workload(string name) => Workloads.Single(workload => workload.Owner.Name == name);
}
