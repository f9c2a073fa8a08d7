using System.Reflection;
using System.Text.RegularExpressions;
using YamlDotNet.RepresentationModel;

namespace Sidecars.Chart;

/// <summary>What the chart is made for.</summary>
/// <param name="Manifests">The folder with base and components.</param>
/// <param name="Version">Of chart and product.</param>
/// <param name="Images">References by their keys in the values: redis, sentinel, exporter.</param>
internal sealed record ChartRequest(string Manifests, string Version, IReadOnlyDictionary<string, string> Images);

/// <summary>The files of the chart: templates made of kustomize's renders, and what a person wrote in <c>files/</c>.</summary>
internal sealed partial class Chart(ChartRequest request)
{
    // The tenant's ConfigMap, as an overlay would write it. The schema keeps what has a value of its own out of "settings", so that no key
    // is there twice.
    private const string Group = """
        {{- range $name, $value := .Values.settings }}
        {{ $name }}: {{ $value | quote }}
        {{- end }}
        {{- if .Values.backup.store }}
        BACKUP_STORE: {{ .Values.backup.store | quote }}
        {{- end }}
        {{- if .Values.backup.endpoint }}
        BACKUP_S3_ENDPOINT: {{ .Values.backup.endpoint | quote }}
        {{- end }}
        {{- if .Values.backup.region }}
        BACKUP_S3_REGION: {{ .Values.backup.region | quote }}
        {{- end }}
        {{- if ne .Values.dns.publisher "none" }}
        DNS_NAME: {{ .Values.dns.name | quote }}
        {{- end }}
        {{- if eq .Values.dns.publisher "route53" }}
        ROUTE53_ZONE_ID: {{ .Values.dns.zoneId | quote }}
        {{- end }}
        """;

    private const string AnyOfGroup =
        "(or .Values.settings .Values.backup.store .Values.backup.endpoint .Values.backup.region (ne .Values.dns.publisher \"none\"))";

    /// <summary>All files by their paths in the chart.</summary>
    public async Task<IReadOnlyDictionary<string, string>> FilesAsync()
    {
        var files = Written();
        var renders = await new Renders(request.Manifests).AllAsync();
        foreach (var (id, full) in renders["*"])
        {
            // A release is installed into a namespace that is there, and Helm has no way to own that.
            if (full["kind"].ToString() == "Namespace") continue;
            var views = new Views(id, renders.Where(render => render.Value.ContainsKey(id))
                .ToDictionary(render => render.Key, render => (YamlNode)render.Value[id]));
            var path = $"templates/{full["kind"].ToString().ToLowerInvariant()}-{full["metadata"]["name"]}.yaml";
            files.Add(path, Template.Of(Merge.ConditionOf(views), Adapted(id, (MapPart)Merge.Of(views))));
        }

        return files;
    }

    private static MapPart Adapted(string id, MapPart part)
    {
        part = (MapPart)Rewrite(part);
        if (id == "ConfigMap/redis-group") return new MapPart([new Entry("data", AnyOfGroup, new RawPart(Group)), .. part.Entries]);
        return id is "StatefulSet/redis" or "Deployment/sentinel" ? WithChecksums(part) : part;
    }

    // The names of ConfigMaps stay the same, so it is the checksum of what is in them that makes Kubernetes replace the pods.
    private static MapPart WithChecksums(MapPart workload)
    {
        var used = ConfigMaps(workload).Distinct().Order(StringComparer.Ordinal).Select(name => new Entry($"checksum/{name}", null,
            new RawPart($$$"""{{ include (print $.Template.BasePath "/configmap-{{{name}}}.yaml") . | sha256sum }}""")));
        return (MapPart)Change(
            workload, ["spec", "template", "metadata", "annotations"], found => new MapPart([.. used, .. ((MapPart)found).Entries]));
    }

    private static Part Change(Part part, ReadOnlySpan<string> path, Func<Part, Part> change)
    {
        if (path.IsEmpty) return change(part);
        var entries = ((MapPart)part).Entries.ToArray();
        for (var index = 0; index < entries.Length; index++)
        {
            if (entries[index].Key != path[0]) continue;
            entries[index] = entries[index] with { Value = Change(entries[index].Value, path[1..], change) };
        }

        return new MapPart(entries);
    }

    // configMapRef.name of an environment, configMap.name of a volume.
    private static IEnumerable<string> ConfigMaps(Part part) => part switch
    {
        MapPart map => map.Entries.SelectMany(entry => entry is { Key: "configMapRef" or "configMap", Value: MapPart source }
            ? source.Entries.Where(member => member.Key == "name").Select(member => ((ScalarPart)member.Value).Text)
            : ConfigMaps(entry.Value)),
        ListPart list => list.Entries.SelectMany(entry => ConfigMaps(entry.Value)),
        _ => [],
    };

    // Helm labels what it owns with its own name, and would change it behind the chart's back.
    private static Part Rewrite(Part part) => part switch
    {
        MapPart map => new MapPart([.. map.Entries.Select(entry => entry.Key == "app.kubernetes.io/managed-by"
            ? entry with { Value = new RawPart("{{ .Release.Service }}") }
            : entry with { Value = Rewrite(entry.Value) })]),
        ListPart list => new ListPart([.. list.Entries.Select(entry => entry with { Value = Rewrite(entry.Value) })]),
        _ => part,
    };

    private Dictionary<string, string> Written()
    {
        var assembly = Assembly.GetExecutingAssembly();
        var files = new Dictionary<string, string>();
        foreach (var name in assembly.GetManifestResourceNames().Order(StringComparer.Ordinal))
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            // A template is no YAML: here it has a name by which nothing takes it for that.
            files.Add(name.Replace(".tpl", "", StringComparison.Ordinal), Word().Replace(reader.ReadToEnd(), match => Fill(match.Value)));
        }

        return files;
    }

    private string Fill(string word) => word switch
    {
        "CHART_VERSION" => request.Version,
        "CHART_IMAGE_REDIS" => request.Images["redis"],
        "CHART_IMAGE_SENTINEL" => request.Images["sentinel"],
        "CHART_IMAGE_EXPORTER" => request.Images["exporter"],
        "CHART_REDIS_CONFIG" => TenantConfig("redis"),
        "CHART_SENTINEL_CONFIG" => TenantConfig("sentinel"),
        _ => throw new InvalidDataException($"no text for {word}"),
    };

    private string TenantConfig(string role) =>
        File.ReadAllText(Path.Combine(request.Manifests, "base", role, "config", "90-tenant.conf")).TrimEnd('\n')
            .Replace("\n", "\n    ", StringComparison.Ordinal);

    [GeneratedRegex("CHART_[A-Z_]+")]
    private static partial Regex Word();
}
