namespace Sidecars.Core.Kubernetes;

/// <summary>A kind of API object: where the server keeps it, and its JSON.</summary>
/// <param name="Group">Path of group and version, such as <c>apis/discovery.k8s.io/v1</c>.</param>
/// <param name="Resource">Its plural, such as <c>endpointslices</c>.</param>
/// <param name="Read">From JSON.</param>
/// <param name="Write">To JSON.</param>
internal sealed record KubernetesKind<T>(string Group, string Resource, Func<JsonMembers, T> Read, Func<T, byte[]> Write)
    where T : KubernetesDocument;
