using Sidecars.Manifests.Tests.Rendering;
using Sidecars.TestKit.Processes;

namespace Sidecars.Manifests.Tests.Monitoring;

public sealed class AlertTests
{
    [ToolFact("promtool")]
    public async Task Promtool_accepts_every_rule()
    {
        using var folder = new TempFolder("rules");

        var result = await Tool.RunAsync("promtool", ["check", "rules", folder.Write("rules.yaml", AlertRules.AsFile())]);

        Assert.True(result.ExitCode == 0, result.Output + result.Error);
        Assert.Contains($"{AlertRules.Rules.Count()} rules found", result.Output, StringComparison.Ordinal);
    }

    [ToolTheory("promtool")]
    [MemberData(nameof(AlertRules.TestFiles), MemberType = typeof(AlertRules))]
    public async Task Alerts_fire_when_they_should_and_not_before(string file)
    {
        using var folder = new TempFolder("rules");
        folder.Write("rules.yaml", AlertRules.AsFile());
        var test = folder.Write(file, await File.ReadAllTextAsync(Path.Combine(AlertRules.Folder, "tests", file)));

        var result = await Tool.RunAsync("promtool", ["test", "rules", test]);

        Assert.True(result.ExitCode == 0, result.Output + result.Error);
    }

    [ToolFact("promtool")]
    public async Task A_rule_that_never_fires_fails_its_test()
    {
        using var folder = new TempFolder("rules");
        folder.Write("rules.yaml",
            AlertRules.AsFile().Replace("sidecars:redis_masters:count == 0", "sidecars:redis_masters:count < 0", StringComparison.Ordinal));
        var test = folder.Write(
            "availability.yaml", await File.ReadAllTextAsync(Path.Combine(AlertRules.Folder, "tests", "availability.yaml")));

        var result = await Tool.RunAsync("promtool", ["test", "rules", test]);

        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("RedisNoMaster", result.Output + result.Error, StringComparison.Ordinal);
    }

    [ToolTheory("kubectl")]
    [InlineData("https://git.example/ops/sidecars/-/blob/main/manifests")]
    [InlineData("manifests")]
    public async Task One_setting_makes_every_link_to_a_runbook_absolute(string manifests)
    {
        using var copy = new TempFolder("monitoring");
        Assert.Equal(0, (await Tool.RunAsync("cp", ["-r", AlertRules.Folder, copy.File("monitoring")])).ExitCode);
        var file = copy.File("monitoring", "kustomization.yaml");
        await File.WriteAllTextAsync(file,
            (await File.ReadAllTextAsync(file)).Replace("[manifests=manifests]", $"['manifests={manifests}']", StringComparison.Ordinal));

        var rendered = await Renders.KustomizeAsync(copy.File("monitoring"));

        var rules = rendered.OfKind("PrometheusRule").SelectMany(item => item.Node.Items("spec", "groups"))
            .SelectMany(group => group.Items("rules")).ToArray();
        var alerts = rules.Where(rule => rule.Text("alert") is not null).ToArray();
        Assert.Equal(AlertRules.Rules.Count(), rules.Length);
        Assert.All(
            alerts, alert => Assert.Equal($"{manifests}/runbooks/{alert.Text("alert")}.md", alert.Text("annotations", "runbook_url")));
        // The setting is none of the cluster's objects.
        Assert.DoesNotContain(rendered.Objects, item => item.Name.StartsWith("runbooks", StringComparison.Ordinal));
    }

    [Fact]
    public void Every_alert_has_a_firing_and_two_silent_cases()
    {
        var cases = Directory.EnumerateFiles(Path.Combine(AlertRules.Folder, "tests"), "*.yaml")
            .SelectMany(file => YamlExtensions.Parse(File.ReadAllText(file))[0].Items("tests"))
            .SelectMany(test => test.Items("alert_rule_test"))
            .ToLookup(test => test.Text("alertname")!, test => test.Items("exp_alerts").Count > 0);

        foreach (var name in AlertRules.Alerts.Select(alert => alert.Text("alert")!))
        {
            Assert.Contains(true, cases[name]);
            Assert.True(cases[name].Count(fires => !fires) >= 2, $"{name}: silent while it waits, and silent for a healthy group");
        }
    }

    [Fact]
    public void Every_alert_says_how_bad_it_is_and_what_to_do()
    {
        foreach (var alert in AlertRules.Alerts)
        {
            var name = alert.Text("alert")!;
            Assert.Contains(alert.Text("labels", "severity"), new[] { "critical", "warning", "info" });
            Assert.Contains("{{ $labels.", alert.Text("annotations", "summary"), StringComparison.Ordinal);
            Assert.NotNull(alert.Text("annotations", "description"));
            Assert.Equal($"manifests/runbooks/{name}.md", alert.Text("annotations", "runbook_url"));
            Assert.True(File.Exists(Path.Combine(Renders.Folder, "runbooks", name + ".md")), $"{name} has no runbook");
        }

        Assert.Distinct(AlertRules.Alerts.Select(alert => alert.Text("alert")));
    }
}
