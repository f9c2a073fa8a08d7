using System.Text.RegularExpressions;
using Sidecars.Manifests.Tests.Rendering;
using YamlDotNet.RepresentationModel;

namespace Sidecars.Manifests.Tests.Tenants;

/// <summary>What a tenant says wins over what base and components bring, in whichever order kustomize merges them.</summary>
public sealed partial class TenantSettingTests
{
    private static readonly string[] OfTheTenant = ["redis-group", "10-memory.conf", "90-tenant.conf"];

    public static TheoryData<string> Components => [.. Renders.Names("components")];

    [ToolFact("kubectl")]
    public async Task The_lines_that_the_page_shows_are_what_every_container_gets()
    {
        var page = await File.ReadAllTextAsync(Path.Combine(Renders.Folder, "README.md"));
        var snippet = Assert.Single(YamlBlock().Matches(page).Select(match => match.Groups[1].Value),
            block => block.Contains("redis-group", StringComparison.Ordinal));
        var shown = YamlExtensions.Parse(snippet)[0].Items("configMapGenerator")[0].Texts("literals")
            .Select(literal => literal.Split('=', 2)).ToArray();
        Assert.Equal(["BACKUP_STORE", "DNS_NAME", "ROUTE53_ZONE_ID"], shown.Select(pair => pair[0]));

        var rendered = await Renders.OverlayAsync(["components/backup", "components/route53"], snippet);

        foreach (var container in Configured(rendered))
            foreach (var pair in shown) Assert.Equal(pair[1], rendered.EnvironmentOf(container)[pair[0]]);
    }

    [ToolTheory("kubectl")]
    [MemberData(nameof(Components))]
    public async Task Every_setting_of_a_component_can_be_said_otherwise(string component)
    {
        var names = Defaults(await Renders.OverlayAsync([component], "")).Keys.ToArray();

        var rendered = await Renders.OverlayAsync([component], Merge(names.Select(name => $"{name}=of-the-tenant")));

        Assert.NotEmpty(names);
        foreach (var container in Configured(rendered))
            Assert.All(names, name => Assert.Equal("of-the-tenant", rendered.EnvironmentOf(container)[name]));
    }

    [Theory]
    [MemberData(nameof(Components))]
    public async Task No_component_writes_what_is_the_tenant_s(string component)
    {
        var kustomization =
            YamlExtensions.Parse(await File.ReadAllTextAsync(Path.Combine(Renders.Folder, component, "kustomization.yaml")))[0];
        foreach (var map in kustomization.Items("configMapGenerator"))
        {
            Assert.DoesNotContain(map.Text("name"), OfTheTenant);
            Assert.DoesNotContain(map.Texts("files"), file => OfTheTenant.Contains(Path.GetFileName(file)));
        }
    }

    [ToolFact("kubectl")]
    public async Task Images_and_patches_of_a_tenant_win_too()
    {
        var rendered = await Renders.OverlayAsync(["components/backup", "components/storage-ebs", "components/replicas-5"], """
            images:
              - {name: sidecars/redis, newName: registry.example/redis, newTag: 9.9.9}
            patches:
              - target: {kind: StatefulSet, name: redis}
                patch: |-
                  - {op: replace, path: /spec/volumeClaimTemplates/0/spec/storageClassName, value: mine}
              - target: {kind: CronJob, name: redis-backup-drill}
                patch: |-
                  - {op: replace, path: /spec/schedule, value: "1 1 * * *"}
            """);

        var ours = rendered.Workloads.Concat(rendered.Jobs).SelectMany(w => w.Containers).Select(c => c.Text("image")!)
            .Where(image => image.Contains("/redis:", StringComparison.Ordinal)).ToArray();
        Assert.Equal(["registry.example/redis:9.9.9"], ours.Distinct());
        Assert.Equal(
            "mine", rendered.Workload("redis").Owner.Node.Items("spec", "volumeClaimTemplates")[0].Text("spec", "storageClassName"));
        Assert.Equal("1 1 * * *", rendered.OfKind("CronJob").Single(job => job.Name == "redis-backup-drill").Node.Text("spec", "schedule"));
    }

    [GeneratedRegex("```yaml\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex YamlBlock();

    private static IReadOnlyDictionary<string, string> Defaults(Rendered rendered) =>
        rendered.OfKind("ConfigMap").Single(map => map.Name.StartsWith("redis-defaults-", StringComparison.Ordinal)).Node.Map("data");

    // Those that read the group's settings: all of ours in the pods of Redis, and the CronJobs.
    private static YamlNode[] Configured(Rendered rendered)
    {
        var containers = rendered.Workloads.Concat(rendered.Jobs).SelectMany(workload => workload.Containers)
            .Where(container => container.Items("envFrom").Count > 0).ToArray();
        Assert.True(containers.Length >= 2);
        return containers;
    }

    private static string Merge(IEnumerable<string> literals) =>
        "configMapGenerator:\n  - name: redis-group\n    behavior: merge\n    literals:\n"
        + string.Concat(literals.Select(literal => $"      - {literal}\n"));
}
