using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;
using Sidecars.Manifests.Tests.Rendering;
using Sidecars.TestKit.Groups;
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
            Assert.Contains(root.GetProperty("templating").GetProperty("list").EnumerateArray(),
                variable => variable.GetProperty("type").GetString() == "datasource");
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
        var rules = Queries().Select(
            (query, i) => $"  - record: panel:{i}\n    expr: |\n      {query.Replace("$namespace", "demo", StringComparison.Ordinal)}\n");

        var result = await Tool.RunAsync(
            "promtool", ["check", "rules", folder.Write("panels.yaml", "groups:\n- name: panels\n  rules:\n" + string.Concat(rules))]);

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
        Lines("sidecar-metrics.txt").Select(line => line.Split(' ')).SelectMany(
            family => family is [var name, "histogram"] ? [name + "_bucket", name + "_sum", name + "_count"] : new[] { family[0] }));

    // A metric that was renamed or removed in the code is found without a publish; Declared() is every name that is given to a MetricSet.
    [Fact]
    public void Every_metric_of_the_list_is_declared_by_the_code_and_the_other_way_round() =>
        Assert.Equal(Declared().Select(family => family.Name).Order(StringComparer.Ordinal),
            Lines("sidecar-metrics.txt").Select(line => line.Split(' ')[0]));

    [Fact]
    public void Help_says_by_itself_what_is_counted()
    {
        string[] dependent = ["Those", "It", "Its", "That", "This", "They", "There", "Such", "Same", "As"];
        foreach (var (name, help) in Declared())
        {
            Assert.True(help.EndsWith('.') && help.Split(' ').Length >= 4 && char.IsAsciiLetterOrDigit(help[0])
                && !char.IsAsciiLetterLower(help[0]),
                $"{name}: {help}");
            Assert.DoesNotContain(help.Split(' ', ',', ';', ':')[0], dependent);
            Assert.DoesNotMatch(Backwards(), help);
            // The name has the unit, and the sentence says it.
            if (name.EndsWith("_seconds", StringComparison.Ordinal)) Assert.Contains("econds", help, StringComparison.Ordinal);
            if (name.Contains("_bytes", StringComparison.Ordinal)) Assert.Contains("ytes", help, StringComparison.Ordinal);
        }
    }

    // What decides whether the product is well is not only in alerts.
    [Theory]
    [InlineData("tenant")]
    [InlineData("fleet")]
    public void A_dashboard_shows_what_the_sidecars_say_and_every_switch(string dashboard)
    {
        string[] own =
        [
            "sidecars_backup_tail_age_seconds", "sidecars_backup_verified_age_seconds", "sidecars_failover_fenced",
            "sidecars_failover_refusals_total",
            "sidecars_failover_switch_to_publish_seconds_bucket",
        ];
        var file = Path.Combine(AlertRules.Folder, "dashboards", dashboard + ".json");
        var panels = QueriesOf(file, "panels").SelectMany(query => SidecarMetric().Matches(query)).Select(match => match.Value).ToHashSet();
        using var document = JsonDocument.Parse(File.ReadAllText(file));
        var notes = document.RootElement.GetProperty("annotations").GetProperty("list").EnumerateArray().ToArray();

        Assert.Empty(own.Except(panels));
        Assert.Contains(notes, note => note.GetProperty("name").GetString() == "Switches"
            && note.GetProperty("expr").GetString()!.Contains("token_epoch", StringComparison.Ordinal));
        Assert.All(notes, note => Assert.True(
            note.GetProperty("enable").GetBoolean() && note.GetProperty("datasource").GetProperty("uid").GetString() == "${datasource}"));
    }

    [ToolFact("promtool")]
    public async Task A_switch_is_one_mark_and_a_quiet_hour_has_none()
    {
        using var document =
            JsonDocument.Parse(await File.ReadAllTextAsync(Files.Single(file => file.EndsWith("tenant.json", StringComparison.Ordinal))));
        var query =
            document.RootElement.GetProperty("annotations").GetProperty("list").EnumerateArray().First().GetProperty("expr").GetString()!
                .Replace("$namespace", "shop", StringComparison.Ordinal);
        using var folder = new TempFolder("switches");
        folder.Write("rules.yaml", "groups: []\n");
        // Epoch 4 becomes 5 in the tenth minute, in three sidecars at three places; another tenant does not count.
        var test = folder.Write("test.yaml", $$"""
            rule_files: [rules.yaml]
            evaluation_interval: 1m
            tests:
              - interval: 1m
                input_series:
                  - {series: 'sidecars_failover_published_token_epoch{namespace="shop", pod="redis-0", publisher="a"}', values: '4x9 5x20'}
                  - {series: 'sidecars_failover_published_token_epoch{namespace="shop", pod="redis-1", publisher="b"}', values: '4x9 5x20'}
                  - {series: 'sidecars_failover_published_token_epoch{namespace="other", pod="redis-0", publisher="a"}', values: '1+1x30'}
                promql_expr_test:
                  - {expr: '{{query}}', eval_time: 9m}
                  - {expr: '{{query}}', eval_time: 10m, exp_samples: [{labels: '{namespace="shop"}', value: 5}]}
                  - {expr: '{{query}}', eval_time: 11m}
            """);

        var result = await Tool.RunAsync("promtool", ["test", "rules", test], folder: folder.Path);

        Assert.True(result.ExitCode == 0, result.Output + result.Error);
    }

    // Of a call like metrics.Gauge("name", "help" …): both are literals, so that a search for an alert's metric finds them.
    private static IEnumerable<(string Name, string Help)> Declared() =>
        Directory.EnumerateFiles(Path.Combine(Repository.Root, "src"), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal))
            .SelectMany(file => Declaration().Matches(File.ReadAllText(file)))
            .Select(match => (match.Groups[1].Value, string.Concat(match.Groups[2].Captures.Select(part => part.Value))));

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
        return Files.SelectMany(file => QueriesOf(file, "panels").Concat(QueriesOf(file, "annotations")));
    }

    private static List<string> QueriesOf(string file, string part)
    {
        using var document = JsonDocument.Parse(File.ReadAllText(file));
        var root = document.RootElement.GetProperty(part);
        return part == "annotations"
            ? [.. root.GetProperty("list").EnumerateArray().Select(note => note.GetProperty("expr").GetString()!)]
            : [.. root.EnumerateArray().Where(panel => panel.TryGetProperty("targets", out _))
                .SelectMany(panel => panel.GetProperty("targets").EnumerateArray())
                .Select(target => target.GetProperty("expr").GetString()!)];
    }

    [GeneratedRegex(@"(?<![:\w])redis_\w+")]
    private static partial Regex Metric();

    [GeneratedRegex(@"(?<![:\w])sidecars_\w+")]
    private static partial Regex SidecarMetric();

    // A long help is of several literals.
    [GeneratedRegex(
        @"\.(?:Create)?(?:Counter|Gauge|Histogram)\(\s*""((?:sidecars|process)_[a-z_]+)"",\s*\$?""(?<2>[^""]+)""(?:\s*\+\s*\$?""(?<2>[^""]+)"")*")]
    private static partial Regex Declaration();

    [GeneratedRegex(@"\b(that drill|that event|stands there|those that|Its epoch)\b")]
    private static partial Regex Backwards();
}
