using System.Text.RegularExpressions;
using Sidecars.Manifests.Tests.Rendering;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Sidecars.Manifests.Tests.Release;

/// <summary>
/// Objects as sorted lines "path = value", without what the chart has otherwise: hashes of ConfigMaps' names (checksums on the pods), who
/// manages it, the Namespace, comments in configuration, and how a quantity is written.
/// </summary>
internal static partial class ObjectLines
{
    // Lists of these names are maps in Kubernetes: their items are told apart by name.
    private static readonly HashSet<string> ByName = ["containers", "initContainers", "env", "volumes", "volumeMounts", "ports"];

    public static string[] Of(string render)
    {
        var objects = YamlExtensions.Parse(render).Select(node => new KubeObject(node)).ToArray();
        foreach (var map in objects.Where(item => item.Kind == "ConfigMap").Select(item => item.Name))
            render = render.Replace(map, Hash().Replace(map, ""), StringComparison.Ordinal);
        return [.. YamlExtensions.Parse(render).Select(node => new KubeObject(node)).Where(item => item.Kind != "Namespace")
            .SelectMany(item => Lines(item.Node, item.ToString())).Order(StringComparer.Ordinal)];
    }

    private static IEnumerable<string> Lines(YamlNode node, string path) => node switch
    {
        YamlMappingNode { Children.Count: 0 } => [$"{path} = {{}}"],
        YamlMappingNode map => map.Children.Where(pair => !pair.Key.Text()!.StartsWith("checksum/", StringComparison.Ordinal))
            .SelectMany(pair => Lines(pair.Value, $"{path}/{pair.Key}")),
        YamlSequenceNode list => list.SelectMany((item, index) => Lines(item, $"{path}/{NameOf(path, item) ?? $"{index}"}")),
        YamlScalarNode scalar => [$"{path} = {Value(path, scalar)}"],
        _ => throw new InvalidOperationException(path),
    };

    private static string? NameOf(string path, YamlNode item) =>
        ByName.Contains(path[(path.LastIndexOf('/') + 1)..]) ? item.Text("name") : null;

    private static string Value(string path, YamlScalarNode scalar)
    {
        if (path.EndsWith("managed-by", StringComparison.Ordinal)) return "kustomize or Helm";
        var value = scalar.Value ?? "";
        if (path.EndsWith(".conf", StringComparison.Ordinal)) value = Comment().Replace(value, "");
        if (Gibibytes().Match(value) is { Success: true } size) value = $"{int.Parse(size.Groups[1].Value, null) * 1024}Mi";
        // Where the cluster would read a number and a text is meant, the two are not equal.
        return scalar.Style == ScalarStyle.Plain && NoText().IsMatch(value) ? value : $"'{value}'";
    }

    [GeneratedRegex("-[a-z0-9]{10}$")]
    private static partial Regex Hash();

    [GeneratedRegex("^#.*\n", RegexOptions.Multiline)]
    private static partial Regex Comment();

    [GeneratedRegex("^([0-9]+)Gi$")]
    private static partial Regex Gibibytes();

    [GeneratedRegex("^([-+]?[0-9.]+(e[0-9]+)?|true|false|null|~|)$", RegexOptions.IgnoreCase)]
    private static partial Regex NoText();
}
