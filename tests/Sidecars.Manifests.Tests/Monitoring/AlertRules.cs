using System.Text;
using Sidecars.Manifests.Tests.Rendering;
using YamlDotNet.RepresentationModel;

namespace Sidecars.Manifests.Tests.Monitoring;

/// <summary>The rules inside the PrometheusRules, and the file that promtool reads.</summary>
public static class AlertRules
{
    public static string Folder => Path.Combine(Renders.Folder, "cluster", "monitoring");

    public static IReadOnlyList<YamlNode> Groups { get; } =
    [
        .. Directory.EnumerateFiles(Folder, "prometheusrule-*.yaml").Order(StringComparer.Ordinal)
            .SelectMany(file => YamlExtensions.Parse(File.ReadAllText(file))[0].Items("spec", "groups")),
    ];

    public static IEnumerable<YamlNode> Rules => Groups.SelectMany(group => group.Items("rules"));

    public static IEnumerable<YamlNode> Alerts => Rules.Where(rule => rule.Text("alert") is not null);

    /// <summary>Files of promtool tests, by name.</summary>
    public static TheoryData<string> TestFiles => [.. Directory.EnumerateFiles(Path.Combine(Folder, "tests"), "*.yaml")
        .Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];

    /// <summary>All groups as Prometheus reads them.</summary>
    public static string AsFile()
    {
        var root = new YamlMappingNode { { "groups", new YamlSequenceNode(Groups) } };
        var text = new StringBuilder();
        using var writer = new StringWriter(text);
        new YamlStream(new YamlDocument(root)).Save(writer, assignAnchors: false);
        return text.ToString();
    }
}
