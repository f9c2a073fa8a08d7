using System.Text;
using YamlDotNet.RepresentationModel;

namespace Sidecars.Contract.Tests;

/// <summary>What the current context of a kubeconfig says, as far as a pod's configuration can express it: a CA and a token.</summary>
public sealed record Kubeconfig(Uri Server, string CaPem, string Token, string Namespace)
{
    /// <summary>The file.</summary>
    public required string Path { get; init; }

    /// <summary>Reads a file; throws with what is missing.</summary>
    public static Kubeconfig Read(string path)
    {
        var yaml = new YamlStream();
        using (var reader = new StringReader(File.ReadAllText(path))) yaml.Load(reader);
        var root = (YamlMappingNode)yaml.Documents[0].RootNode;
        var context = (YamlMappingNode)Named(root, "contexts", Text(root, "current-context")!).Children["context"];
        var cluster = (YamlMappingNode)Named(root, "clusters", Text(context, "cluster")!).Children["cluster"];
        var user = (YamlMappingNode)Named(root, "users", Text(context, "user")!).Children["user"];
        var folder = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!;
        return new Kubeconfig(
            new Uri(Text(cluster, "server")!.TrimEnd('/') + "/"),
            Text(cluster, "certificate-authority-data") is { } data ? Encoding.UTF8.GetString(Convert.FromBase64String(data))
                : Text(cluster, "certificate-authority") is { } file ? File.ReadAllText(System.IO.Path.Combine(folder, file))
                : throw new InvalidDataException($"{path}: the cluster has no certificate-authority"),
            Text(user, "token") ?? (Text(user, "tokenFile") is { } token ? File.ReadAllText(System.IO.Path.Combine(folder, token))
                : throw new InvalidDataException(
                    $"{path}: the user has no token; a pod's client can't use client certificates (kubectl create token … makes one)")),
            Text(context, "namespace") ?? "default")
        {
            Path = path,
        };
    }

    private static YamlMappingNode Named(YamlMappingNode root, string list, string name) =>
        ((YamlSequenceNode)root.Children[list]).OfType<YamlMappingNode>().First(n => Text(n, "name") == name);

    private static string? Text(YamlMappingNode node, string key) =>
        node.Children.TryGetValue(key, out var value) ? ((YamlScalarNode)value).Value : null;
}
