using System.Text.RegularExpressions;
using Sidecars.Manifests.Tests.Policies;
using Sidecars.Manifests.Tests.Rendering;
using Sidecars.Manifests.Tests.Schema;
using Sidecars.Manifests.Tests.Tenants;

namespace Sidecars.Manifests.Tests.Release;

/// <summary>"helm template" of the chart and "kubectl kustomize" of the equal tenant give the same objects.</summary>
public sealed partial class ChartTests(GeneratedChart chart) : IClassFixture<GeneratedChart>
{
    // What a person writes in values to have what a component brings.
    private static readonly Dictionary<string, string> OfComponents = new()
    {
        ["acl"] = "acl: true",
        ["backup"] = "backup: {store: 's3://my-backups'}",
        ["backup-credentials"] = "backup: {store: 's3://my-backups', staticKey: true}",
        ["external-dns"] = "dns: {publisher: external-dns, name: redis.example.org}",
        ["monitoring"] = "monitoring: true",
        ["process-namespace"] = "processNamespace: true",
        ["replicas-5"] = "replicas: 5",
        ["role-label"] = "roleLabel: true",
        ["route53"] = "dns: {publisher: route53, name: redis.example.org, zoneId: Z0123456789}",
        ["storage-ebs"] = "storage: {className: sidecars-ebs}",
        ["storage-local"] = "storage: {className: sidecars-local}",
        ["tls-cert-manager"] = "tls: cert-manager",
        ["tls-secret"] = "tls: secret",
    };

    // What a tenant's folder has to say for the same.
    private static readonly Dictionary<string, string> GroupOf = new()
    {
        ["backup"] = "BACKUP_STORE=s3://my-backups",
        ["backup-credentials"] = "BACKUP_STORE=s3://my-backups",
        ["external-dns"] = "DNS_NAME=redis.example.org",
        ["route53"] = "DNS_NAME=redis.example.org, ROUTE53_ZONE_ID=Z0123456789",
    };

    private const string Large = """
        imagePullSecret: registry
        redis: {memoryMi: 4096, config: "maxmemory-policy allkeys-lru\n"}
        storage: {sizeGi: 32, className: sidecars-ebs}
        replicas: 5
        settings: {DURABILITY: rdb, METRICS_PORT: "9120"}
        aws: {roleArn: "arn:aws:iam::1:role/redis", backupRoleArn: "arn:aws:iam::1:role/backup"}
        backup: {store: "s3://my-backups/team", endpoint: "https://s3.example:9000", region: us-east-1, staticKey: true}
        dns: {publisher: route53, name: redis.example.org, zoneId: Z0123456789}
        tls: cert-manager
        acl: true
        monitoring: true
        roleLabel: true
        processNamespace: true
        egressPorts: [9000, 16443]
        """;

    private static readonly string[] LargeComponents = ["monitoring", "replicas-5", "storage-ebs", "tls-cert-manager", "acl",
        "backup-credentials", "route53", "role-label", "process-namespace"];

    private const string LargePatches = """
          - target: {kind: ServiceAccount}
            patch: |-
              - {op: add, path: /imagePullSecrets, value: [{name: registry}]}
          - target: {kind: ServiceAccount, name: ^redis$}
            patch: |-
              - {op: add, path: /metadata/annotations, value: {eks.amazonaws.com/role-arn: "arn:aws:iam::1:role/redis"}}
          - target: {kind: ServiceAccount, name: redis-backup}
            patch: |-
              - {op: add, path: /metadata/annotations, value: {eks.amazonaws.com/role-arn: "arn:aws:iam::1:role/backup"}}
          - patch: |-
              apiVersion: batch/v1
              kind: CronJob
              metadata: {name: redis-backup-drill}
              spec:
                jobTemplate:
                  spec:
                    template:
                      spec:
                        containers:
                          - {name: backup, resources: {requests: {memory: 4Gi}, limits: {memory: 4Gi}}}
                        volumes:
                          - {name: scratch, emptyDir: {sizeLimit: 32Gi}}
        """;

    public static TheoryData<string> Components => [.. Renders.Names("components").Select(name => Path.GetFileName(name))];

    [ToolFact("kubectl", "helm", "bash")]
    public async Task Without_values_it_is_the_smallest_tenant() => await AssertEqualAsync("{}", [], []);

    [ToolTheory("kubectl", "helm", "bash")]
    [MemberData(nameof(Components))]
    public async Task Every_component_is_a_value(string component)
    {
        Assert.True(OfComponents.ContainsKey(component), $"the chart has no value for {component}: scripts/release.d/Sidecars.Chart");
        await AssertEqualAsync(OfComponents[component], ["--component", component],
            GroupOf.TryGetValue(component, out var group) ? [("configMapGenerator:", Group(group))] : []);
    }

    [ToolFact("kubectl", "helm", "bash")]
    public async Task With_nearly_everything_it_is_the_same_tenant()
    {
        string[] arguments = ["--memory", "4Gi", "--storage", "32Gi", "--egress-port", "9000", "--egress-port", "16443",
            .. LargeComponents.SelectMany(component => (string[])["--component", component])];
        await AssertEqualAsync(Large, arguments, [
            ("configMapGenerator:", Group("DURABILITY=rdb, METRICS_PORT=9120, 'BACKUP_STORE=s3://my-backups/team', "
                + "'BACKUP_S3_ENDPOINT=https://s3.example:9000', BACKUP_S3_REGION=us-east-1, DNS_NAME=redis.example.org, "
                + "ROUTE53_ZONE_ID=Z0123456789")),
            // The generator of 10-memory.conf is there already, by --memory.
            ("    files: [10-memory.conf]", "    literals: [\"90-tenant.conf=maxmemory-policy allkeys-lru\\n\"]\n"),
            ("patches:", LargePatches + "\n")]);
    }

    [ToolTheory("kubectl", "helm")]
    [InlineData("{}")]
    [InlineData(Large)]
    public async Task Its_objects_are_right(string values)
    {
        var rendered = new Rendered((await TemplatedAsync(values)).Output);
        var schema = ManifestSchema.Load();

        Assert.Empty(rendered.Objects.SelectMany(item => schema.Check(item.Node)));
        Assert.Empty(FileMounts.Missing(rendered));
        foreach (var container in rendered.Workloads.SelectMany(workload => workload.Containers))
        {
            // $(NAME) is replaced by what stands above it, or not at all.
            var above = new HashSet<string>();
            foreach (var variable in container.Items("env"))
            {
                Assert.All(Reference().Matches(variable.Text("value") ?? ""), match => Assert.Contains(match.Groups[1].Value, above));
                above.Add(variable.Text("name")!);
            }
        }

        // The order of init containers is not compared above, since none of them waits for another.
        Assert.All(rendered.Workloads.SelectMany(workload => workload.Pod.Items("initContainers")),
            container => Assert.Equal("Always", container.Text("restartPolicy")));
    }

    [ToolTheory("kubectl", "helm")]
    [InlineData("redis: {config: 'maxclients 5'}", "StatefulSet/redis")]
    [InlineData("settings: {DURABILITY: rdb}", "StatefulSet/redis")]
    [InlineData("sentinel: {config: 'loglevel debug'}", "Deployment/sentinel")]
    [InlineData("monitoring: true", "")]
    public async Task What_is_in_a_ConfigMap_replaces_the_pods_that_read_it(string values, string replaced)
    {
        var before = new Rendered((await TemplatedAsync("{}")).Output);
        var after = new Rendered((await TemplatedAsync(values)).Output);

        var changed = before.Workloads.Where(workload => Annotations(workload) != Annotations(after.Workload(workload.Owner.Name)));
        Assert.Equal(replaced, string.Join(' ', changed.Select(workload => workload.Owner)));
    }

    [ToolTheory("kubectl", "helm")]
    [InlineData("memory: 2Gi", "memory")]
    [InlineData("redis: {memoryMi: 64}", "redis.memoryMi")]
    [InlineData("redis: {memoryMi: 8192}", "at least twice redis.memoryMi")]
    [InlineData("replicas: 4", "replicas")]
    [InlineData("backup: {staticKey: true}", "backup.store")]
    [InlineData("backup: {store: /data}", "backup.store")]
    [InlineData("dns: {publisher: route53, name: redis.example.org}", "dns.zoneId")]
    [InlineData("dns: {publisher: external-dns}", "dns.name")]
    [InlineData("tls: yes please", "tls")]
    [InlineData("settings: {REDIS_COUNT: 5}", "settings.REDIS_COUNT")]
    [InlineData("settings: {DNS_NAME: redis.example.org}", "DNS_NAME")]
    [InlineData("egressPorts: [70000]", "egressPorts")]
    [InlineData("images: {redis: registry.example/redis}", "images.redis")]
    public async Task A_value_that_is_wrong_or_missing_is_refused_and_named(string values, string named)
    {
        var result = await chart.TemplateAsync(values);

        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains(named, result.Error, StringComparison.Ordinal);
    }

    [ToolFact("kubectl", "helm")]
    public async Task Helm_finds_nothing_to_complain_about()
    {
        var result = await Tool.RunAsync("helm", ["lint", "--strict", chart.Folder]);
        Assert.True(result.ExitCode == 0, result.Output + result.Error);
    }

    private static string Annotations(Workload workload) => string.Join('\n', workload.Template.Map("metadata", "annotations"));

    private async Task<ToolResult> TemplatedAsync(string values)
    {
        var result = await chart.TemplateAsync(values);
        Assert.True(result.ExitCode == 0, result.Error);
        return result;
    }

    private async Task AssertEqualAsync(string values, string[] arguments, (string Key, string Item)[] lines)
    {
        using var tenant = new TenantScript("#!/bin/sh\nexec \"$REAL_KUBECTL\" \"$@\"\n");
        var made = await tenant.RunAsync(["new", "one", "--registry", GeneratedChart.Registry, .. arguments]);
        Assert.True(made.ExitCode == 0, made.Error);
        var file = tenant.File("manifests", "tenants", "one", "kustomization.yaml");
        foreach (var (key, item) in lines) await File.WriteAllTextAsync(file, WithItem(await File.ReadAllTextAsync(file), key, item));
        var rendered = await tenant.RunAsync("render", "one");
        Assert.True(rendered.ExitCode == 0, rendered.Error);

        var wanted = ObjectLines.Of(rendered.Output);
        var found = ObjectLines.Of((await TemplatedAsync(values)).Output);

        Assert.True(wanted.Length > 300);
        Assert.Equal(([], []), (wanted.Except(found).ToArray(), found.Except(wanted).ToArray()));
        Assert.Equal(wanted, found);
    }

    private static string Group(string literals) => $"  - {{name: redis-group, behavior: merge, literals: [{literals}]}}\n";

    private static string WithItem(string kustomization, string key, string item) =>
        kustomization.Contains($"\n{key}\n", StringComparison.Ordinal)
            ? kustomization.Replace($"\n{key}\n", $"\n{key}\n{item}", StringComparison.Ordinal)
            : $"{kustomization}{key}\n{item}";

    [GeneratedRegex(@"\$\(([A-Z_]+)\)")]
    private static partial Regex Reference();
}
