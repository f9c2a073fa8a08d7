using System.Globalization;
using Sidecars.TestKit.FakeKubernetes;
using Sidecars.TestKit.Groups;

namespace Sidecars.TestKit.Pods;

/// <summary>What pods and Services are called, as in manifests/base.</summary>
internal static class PodNames
{
    /// <summary>The cluster's domain; nothing in the pods' settings names it.</summary>
    public const string Domain = "cluster.local";

    /// <summary>The tenant's namespace.</summary>
    public const string Space = FakeKubernetesServer.Namespace;

    /// <summary>The headless Service of all Sentinels.</summary>
    public const string Sentinels = "sentinel-nodes";

    /// <summary>The headless Service of all Redis nodes.</summary>
    public const string RedisNodes = "redis-nodes";

    /// <summary>The name of a Redis' pod, and of the Service in front of it.</summary>
    public static string Redis(int index) => "redis-" + index.ToString(CultureInfo.InvariantCulture);

    /// <summary>What a node's own hosts file knows: a pod of a StatefulSet also has a name below its headless Service.</summary>
    public static string[] Own(LocalNodeKind kind, string name) =>
        kind == LocalNodeKind.Redis ? [name, $"{name}.{RedisNodes}.{Space}.svc.{Domain}"] : [name];

    /// <summary>A Service's name within any namespace of any cluster.</summary>
    public static string Service(string name) => $"{name}.{Space}.svc";

    /// <summary>A Service's full name.</summary>
    public static string Full(string name) => $"{Service(name)}.{Domain}";
}
