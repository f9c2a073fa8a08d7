using System.Text.RegularExpressions;
using Sidecars.Manifests.Tests.Rendering;
using Sidecars.TestKit.Groups;
using YamlDotNet.RepresentationModel;

namespace Sidecars.Manifests.Tests.Images;

/// <summary>A published port: of which service, at which address and port of the machine, to which port in the container.</summary>
internal sealed record PublishedPort(string Service, string Address, string Host, string Container);

/// <summary>docker/compose.yaml, its anchors and merge keys resolved.</summary>
internal sealed partial class ComposeFile(YamlNode node)
{
    public YamlNode Node { get; } = node;

    /// <summary>By name.</summary>
    public IReadOnlyDictionary<string, YamlNode> Services { get; } =
        ((YamlMappingNode)node.At("services")!).Children.ToDictionary(pair => pair.Key.Text()!, pair => pair.Value);

    /// <summary>Those that are the network of a pod.</summary>
    public IEnumerable<KeyValuePair<string, YamlNode>> Pods => Services.Where(one => one.Value.Texts("entrypoint") is ["sleep", ..]);

    /// <summary>Those that run an executable of ours, with its name.</summary>
    public IEnumerable<(string Name, YamlNode Service, string Executable)> Ours =>
        Services.Select(one => (one.Key, one.Value, one.Value.Texts("entrypoint") is [var named, ..] ? named : "redis-bootstrap"))
            .Where(one => one.Item3.StartsWith("redis-", StringComparison.Ordinal));

    /// <summary>All published ports.</summary>
    public IReadOnlyList<PublishedPort> HostPorts =>
        [.. Services.SelectMany(one => one.Value.Texts("ports").Select(port => port.Split(':'))
            .Select(parts => new PublishedPort(one.Key, parts[0], parts[1], parts[2])))];

    public static ComposeFile Load()
    {
        var text = File.ReadAllText(Path.Combine(Repository.Root, "docker", "compose.yaml"));
        return new ComposeFile(Merged(Assert.Single(YamlExtensions.Parse(text))));
    }

    /// <summary>A text of the file with the defaults of its variables.</summary>
    public static string Expanded(string? text) => Variable().Replace(text ?? "", match => match.Groups["default"].Value);

    // "<<: *one" or "<<: [*one, *other]" stands for the keys of these, unless the map has them itself; the first one wins. YamlDotNet's
    // MergingParser takes a key that is given again for a mistake.
    private static YamlNode Merged(YamlNode node)
    {
        if (node is YamlSequenceNode list) return new YamlSequenceNode(list.Select(Merged));
        if (node is not YamlMappingNode map) return node;
        var merged = new YamlMappingNode();
        foreach (var (key, value) in map.Children.Where(pair => pair.Key.Text() != "<<")) merged.Add(key, Merged(value));
        var sources = map.At("<<") is { } given ? given is YamlSequenceNode several ? several.Children : [given] : [];
        foreach (var (key, value) in sources.SelectMany(source => ((YamlMappingNode)Merged(source)).Children))
            if (!merged.Children.ContainsKey(key)) merged.Add(key, value);
        return merged;
    }

    [GeneratedRegex(@"\$\{[A-Z_]+:-(?<default>[^}]*)\}")]
    private static partial Regex Variable();
}
