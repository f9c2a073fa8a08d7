using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Sidecars.Chart;

/// <summary>Renders of one node, by the name of the feature that was on: the plain tenant is "", all features are "*".</summary>
internal sealed class Views(string path, IReadOnlyDictionary<string, YamlNode> nodes)
{
    public string Path { get; } = path;

    public IReadOnlyDictionary<string, YamlNode> Nodes { get; } = nodes;

    public YamlNode Full => Nodes["*"];

    public Views Of(string step, Func<YamlNode, YamlNode?> child) => new(
        $"{Path}/{step}",
        Nodes.Select(pair => (pair.Key, Child: child(pair.Value))).Where(pair => pair.Child is not null)
            .ToDictionary(pair => pair.Key, pair => pair.Child!));
}

/// <summary>
/// One template of many renders: what every render has is there always, what only a feature's render has is there on its condition. A
/// node that no single feature explains is an error; a feature that includes two others is how it is explained.
/// </summary>
internal static class Merge
{
    /// <summary>Null where the plain tenant has it, too; otherwise the condition on which it is there.</summary>
    public static string? ConditionOf(Views views, Views? around = null)
    {
        // What all renders of its surroundings have needs no condition of its own.
        var places = (around?.Nodes.Keys ?? ["", .. Features.All.Select(feature => feature.Name)]).Where(name => name != "*").ToArray();
        if (places.All(views.Nodes.ContainsKey)) return null;
        return Any(views.Path, places.Where(views.Nodes.ContainsKey));
    }

    public static Part Of(Views views) => views.Full switch
    {
        YamlMappingNode full => new MapPart([.. full.Children.Keys.Select(key => Member(views, ((YamlScalarNode)key).Value!))]),
        YamlSequenceNode full when IsKeyed(views) => new ListPart([.. full.Select(item => Named(views, NameOf(item)!))]),
        YamlSequenceNode => new ListPart([.. Items(views)]),
        YamlScalarNode => Scalar(views),
        _ => throw new InvalidDataException($"{views.Path}: neither map, list nor scalar"),
    };

    private static Entry Member(Views views, string key) => Entry(views, key, views.Of(key, node => Child(node, key)));

    private static Entry Named(Views views, string name) =>
        Entry(views, "", views.Of(name, node => ((YamlSequenceNode)node).SingleOrDefault(item => NameOf(item) == name)));

    private static Entry Entry(Views around, string key, Views views) => new(key, ConditionOf(views, around), Of(views));

    // Without names, items are what their place says: those of the plain tenant first, then what each feature appends.
    private static IEnumerable<Entry> Items(Views views)
    {
        foreach (var (owner, from) in new[] { ("", 0) }.Concat(Features.All.Select(feature => (feature.Name, Before(views, feature)))))
        {
            if (!views.Nodes.TryGetValue(owner, out var node)) continue;
            for (var index = from; index < ((YamlSequenceNode)node).Children.Count; index++)
                yield return Item(views, owner, index);
        }
    }

    private static Entry Item(Views views, string owner, int index)
    {
        var place = index;
        var item = new Views($"{views.Path}/{place}", views.Nodes
            .Where(pair => pair.Key == owner || (owner.Length == 0 ? pair.Key != "*" : pair.Key != "*" && Includes(pair.Key, owner)))
            .ToDictionary(pair => pair.Key, pair => ((YamlSequenceNode)pair.Value)[place]));
        item = new Views(item.Path, new Dictionary<string, YamlNode>(item.Nodes) { ["*"] = Richest(item) });
        return new Entry("", owner.Length == 0 || Covers(views, owner) ? null : Any(views.Path, [owner]), Of(item));
    }

    // True where the list itself is there only with the feature.
    private static bool Covers(Views views, string owner) =>
        views.Nodes.Keys.All(name => name == "*" || name == owner || Includes(name, owner));

    // The render of an item that has most of it: all features together move items, so the full render can't be asked by place.
    private static YamlNode Richest(Views item) => item.Nodes.Values.MaxBy(node => node.AllNodes.Count())!;

    private static int Before(Views views, Feature feature)
    {
        var names = feature.Includes.Append("").Where(views.Nodes.ContainsKey).ToArray();
        return names.Length == 0 ? 0 : names.Max(name => ((YamlSequenceNode)views.Nodes[name]).Children.Count);
    }

    private static ScalarPart Scalar(Views views)
    {
        var renders = views.Nodes.Where(pair => pair.Key != "*").ToDictionary(pair => pair.Key, pair => (YamlScalarNode)pair.Value);
        var plain = renders.TryGetValue("", out var found) ? found : renders.Values.First();
        var changed = renders.Where(pair => pair.Value.Value != plain.Value).ToArray();
        if (changed.Length == 0) return Text(plain);
        var others = changed.Select(pair => pair.Value.Value).Distinct().ToArray();
        if (others.Length > 1) throw new InvalidDataException($"{views.Path}: features want {string.Join(" and ", others)}");
        return Text(plain) with { If = Any(views.Path, changed.Select(pair => pair.Key)), Then = Text(changed[0].Value) };
    }

    private static ScalarPart Text(YamlScalarNode node) => new(node.Value ?? "", node.Style is not ScalarStyle.Plain);

    private static string Any(string path, IEnumerable<string> names)
    {
        var found = names.ToArray();
        if (found.Contains("")) throw new InvalidDataException($"{path}: a feature removes it, which no template here can say");
        var least = found.Where(name => !found.Any(other => other != name && Includes(name, other)))
            .Select(name => Features.All.Single(feature => feature.Name == name).Condition).Distinct().ToArray();
        return least.Length switch
        {
            0 => throw new InvalidDataException($"{path}: there only with several features; one that includes them must say when"),
            1 => least[0],
            _ => $"(or {string.Join(' ', least)})",
        };
    }

    private static bool Includes(string name, string other) =>
        Features.All.SingleOrDefault(feature => feature.Name == name)?.Includes.Contains(other) == true;

    private static YamlNode? Child(YamlNode node, string key) =>
        node is YamlMappingNode map && map.Children.TryGetValue(new YamlScalarNode(key), out var child) ? child : null;

    private static bool IsKeyed(Views views) => views.Nodes.Values.OfType<YamlSequenceNode>()
        .All(list => list.All(item => NameOf(item) is not null) && list.Select(NameOf).Distinct().Count() == list.Children.Count);

    private static string? NameOf(YamlNode item) => (Child(item, "name") as YamlScalarNode)?.Value;
}
