using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;
using Sidecars.Manifests.Tests.Rendering;
using Sidecars.TestKit.Processes;

namespace Sidecars.Manifests.Tests.Monitoring;

public sealed partial class DashboardTests
{
    private static string[] Files => Directory.GetFiles(Path.Combine(AlertRules.Folder, "dashboards"), "*.json");

    [Fact]
    public void Every_panel_says_what_good_looks_like_and_takes_the_data_source_from_the_reader()
    {
        foreach (var file in Files)
        {
            using var document = JsonDocument.Parse(File.ReadAllText(file));
            var root = document.RootElement;
            Assert.Contains(root.GetProperty("templating").GetProperty("list").EnumerateArray(), variable => variable.GetProperty("type").GetString() == "datasource");
            var panels = root.GetProperty("panels").EnumerateArray().ToArray();
            Assert.Distinct(panels.Select(panel => panel.GetProperty("id").GetInt32()));
            foreach (var panel in panels.Where(panel => panel.GetProperty("type").GetString() != "row"))
            {
                Assert.StartsWith("Good: ", panel.GetProperty("description").GetString(), StringComparison.Ordinal);
                Assert.Equal("${datasource}", panel.GetProperty("datasource").GetProperty("uid").GetString());
                Assert.NotEmpty(panel.GetProperty("targets").EnumerateArray());
            }
        }

        Assert.Equal(2, Files.Length);
    }

    [ToolFact("promtool")]
    public async Task Every_query_is_PromQL()
    {
        using var folder = new TempFolder("dashboards");
        var rules = Queries().Select((query, i) => $"  - record: panel:{i}\n    expr: |\n      {query.Replace("$namespace", "demo", StringComparison.Ordinal)}\n");

        var result = await Tool.RunAsync("promtool", ["check", "rules", folder.Write("panels.yaml", "groups:\n- name: panels\n  rules:\n" + string.Concat(rules))]);

        Assert.True(result.ExitCode == 0, result.Output + result.Error);
    }

    // exporter-metrics.txt: what redis_exporter 1.45 served for a master, a replica and a Sentinel of ours, as the sidecars' user.
    [Fact]
    public void Every_metric_of_Redis_is_one_that_the_exporter_serves() => AssertServed(21, Metric(), Lines("exporter-metrics.txt"));

    // sidecar-metrics.txt: every family of both sidecars; an integration test compares it with what they serve.
    [Fact]
    public void Every_metric_of_the_sidecars_is_one_that_they_serve() => AssertServed(
        10,
        SidecarMetric(),
        Lines("sidecar-metrics.txt").Select(line => line.Split(' ')).SelectMany(family => family is [var name, "histogram"] ? [name + "_bucket", name + "_sum", name + "_count"] : new[] { family[0] }));

    private static void AssertServed(int least, Regex metric, IEnumerable<string> served)
    {
        var expressions = Queries().Concat(AlertRules.Rules.Select(rule => rule.Text("expr")!));

        var used = expressions.SelectMany(expression => metric.Matches(expression)).Select(match => match.Value).ToHashSet();

        Assert.True(used.Count >= least, $"{used.Count} metrics are used");
        Assert.Empty(used.Except(served));
    }

    private static string[] Lines(string resource)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(resource)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private static IEnumerable<string> Queries()
    {
        foreach (var file in Files)
        {
            using var document = JsonDocument.Parse(File.ReadAllText(file));
            foreach (var panel in document.RootElement.GetProperty("panels").EnumerateArray().Where(panel => panel.TryGetProperty("targets", out _)))
                foreach (var target in panel.GetProperty("targets").EnumerateArray())
                    yield return target.GetProperty("expr").GetString()!;
        }
    }

    [GeneratedRegex(@"(?<![:\w])redis_\w+")]
    private static partial Regex Metric();

    [GeneratedRegex(@"(?<![:\w])sidecars_\w+")]
    private static partial Regex SidecarMetric();
}
