using System.Globalization;
using Sidecars.Manifests.Tests.Rendering;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Sidecars.Manifests.Tests.Schema;

/// <summary>
/// The part of the Kubernetes API that our manifests use, kept by hand in kubernetes.yaml: a field that is not there is an
/// error. An API server drops or refuses a misspelt field; here the typing mistake fails before there is a server.
/// </summary>
public sealed class ManifestSchema
{
    private readonly YamlNode _kinds;
    private readonly YamlNode _types;

    private ManifestSchema(YamlNode root) => (_kinds, _types) = (root.At("kinds")!, root.At("types")!);

    public static ManifestSchema Load()
    {
        using var stream = typeof(ManifestSchema).Assembly.GetManifestResourceStream("kubernetes.yaml")!;
        using var reader = new StreamReader(stream);
        return new ManifestSchema(YamlExtensions.Parse(reader.ReadToEnd())[0]);
    }

    /// <summary>One sentence for each mistake, with the path of the field.</summary>
    public IReadOnlyList<string> Check(YamlNode item)
    {
        var id = $"{item.Text("apiVersion")}/{item.Text("kind")}";
        if (_kinds.Text(id) is not { } type) return [$"{id}: unknown kind"];
        List<string> errors = [];
        Check(item, type, $"{item.Text("kind")}/{item.Text("metadata", "name")}", errors);
        return errors;
    }

    private void Check(YamlNode node, string type, string path, List<string> errors)
    {
        if (type.StartsWith('[') && type.EndsWith(']')) CheckList(node, type[1..^1], path, errors);
        else if (type == "any") return;
        else if (type == "map") CheckMap(node, path, errors);
        else if (char.IsUpper(type[0]) && _types.At(type) is YamlMappingNode fields) CheckFields(node, fields, path, errors);
        else if (node is not YamlScalarNode scalar || !Fits(scalar, type)) errors.Add($"{path}: {Shown(node)} is no {type}");
    }

    private void CheckList(YamlNode node, string type, string path, List<string> errors)
    {
        if (node is not YamlSequenceNode list)
        {
            errors.Add($"{path}: {Shown(node)} is no list");
            return;
        }

        for (var i = 0; i < list.Children.Count; i++) Check(list.Children[i], type, $"{path}[{i}]", errors);
    }

    private static void CheckMap(YamlNode node, string path, List<string> errors)
    {
        if (node is not YamlMappingNode map) errors.Add($"{path}: {Shown(node)} is no map");
        else
            errors.AddRange(map.Children.Where(pair => pair.Value is not YamlScalarNode scalar || !Fits(scalar, "string"))
                .Select(pair => $"{path}.{pair.Key}: {Shown(pair.Value)} is no string"));
    }

    private void CheckFields(YamlNode node, YamlMappingNode fields, string path, List<string> errors)
    {
        if (node is not YamlMappingNode map)
        {
            errors.Add($"{path}: {Shown(node)} is no object");
            return;
        }

        var known = fields.Children.ToDictionary(pair => pair.Key.Text()!.TrimEnd('!'), pair => pair.Value.Text()!);
        foreach (var (key, value) in map.Children)
        {
            if (known.TryGetValue(key.Text()!, out var type)) Check(value, type, $"{path}.{key}", errors);
            else errors.Add($"{path}.{key}: unknown field");
        }

        errors.AddRange(fields.Children.Keys.Select(key => key.Text()!).Where(key => key.EndsWith('!') && map.At(key[..^1]) is null)
            .Select(key => $"{path}.{key[..^1]}: required"));
    }

    // Plain scalars have YAML's own type: a number where the API wants a string is refused by the server.
    private static bool Fits(YamlScalarNode scalar, string type)
    {
        var text = scalar.Value ?? "";
        var isPlain = scalar.Style == ScalarStyle.Plain;
        var isNumber = isPlain && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _);
        var isBool = isPlain && text is "true" or "false";
        return type switch
        {
            "int" => isPlain && int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _),
            "bool" => isBool,
            "string" => !isNumber && !isBool && !(isPlain && text is "" or "null" or "~"),
            "intOrString" => !isBool,
            "quantity" => text.TrimStart("0123456789.".ToCharArray()) is "" or "m" or "k" or "M" or "G" or "Ki" or "Mi" or "Gi" or "Ti"
                && char.IsAsciiDigit(text.FirstOrDefault('x')),
            _ when type.Contains('|', StringComparison.Ordinal) => type.Split('|').Contains(text),
            _ when char.IsUpper(type[0]) => text == type, // the one value that we use
            _ => throw new InvalidOperationException($"kubernetes.yaml names a type {type} that it does not define"),
        };
    }

    private static string Shown(YamlNode node) =>
        node is YamlScalarNode scalar ? $"'{scalar.Value}'" : node.NodeType.ToString().ToLowerInvariant();
}
