using Sidecars.Manifests.Tests.Rendering;
using Sidecars.TestKit.Processes;
using YamlDotNet.RepresentationModel;

namespace Sidecars.Manifests.Tests.Policies;

/// <summary>manifests/README.md, "Names, labels, annotations".</summary>
public sealed class ConventionTests
{
    [ToolTheory("kubectl")]
    [MemberData(nameof(Renders.All), MemberType = typeof(Renders))]
    public async Task Labels_are_those_of_the_convention(string name)
    {
        var isTenant = !name.StartsWith("cluster/", StringComparison.Ordinal) && !name.StartsWith("examples/", StringComparison.Ordinal);
        foreach (var item in (await Renders.GetAsync(name)).Objects)
        {
            var labels = item.Node.Map("metadata", "labels");
            Assert.Equal("sidecars", labels.GetValueOrDefault("app.kubernetes.io/part-of"));
            Assert.Equal("kustomize", labels.GetValueOrDefault("app.kubernetes.io/managed-by"));
            if (isTenant) Assert.Equal("redis", labels.GetValueOrDefault("app.kubernetes.io/instance"));
            if (labels.TryGetValue("app.kubernetes.io/name", out var part))
                Assert.Contains(part, new[] { "redis", "sentinel", "redis-backup" });
            if (labels.TryGetValue("app.kubernetes.io/component", out var component))
                Assert.Contains(component, new[] { "data", "sentinel", "tls", "monitoring", "backup" });
            Assert.All(labels.Keys.Concat(item.Node.Map("metadata", "annotations").Keys),
                key => Assert.Contains('/', key == "grafana_dashboard" ? "/" : key));
        }
    }

    [ToolTheory("kubectl")]
    [MemberData(nameof(Renders.Tenants), MemberType = typeof(Renders))]
    public async Task A_selector_holds_what_never_changes_and_matches_its_own_pods(string name)
    {
        foreach (var workload in (await Renders.GetAsync(name)).Workloads)
        {
            var selector = workload.Owner.Node.Map("spec", "selector", "matchLabels");
            Assert.Equal(["app.kubernetes.io/name", "app.kubernetes.io/part-of"], selector.Keys.Order(StringComparer.Ordinal));
            Assert.All(selector, pair => Assert.Equal(pair.Value, workload.Labels[pair.Key]));
            Assert.Equal(Sorted(workload.Owner.Node.Map("metadata", "labels")), Sorted(workload.Labels));
        }
    }

    [ToolTheory("kubectl")]
    [MemberData(nameof(Renders.Tenants), MemberType = typeof(Renders))]
    public async Task A_tenant_is_one_namespace_and_nothing_outside_it(string name)
    {
        var rendered = await Renders.GetAsync(name);
        var space = Assert.Single(rendered.OfKind("Namespace")).Name;
        if (name == "base") return; // the namespace is the tenant's

        Assert.NotEqual("tenant", space);
        Assert.All(rendered.Objects.Where(item => item.Kind != "Namespace"), item => Assert.Equal(space, item.Namespace));
        Assert.DoesNotContain(
            rendered.Objects, item => item.Kind.StartsWith("Cluster", StringComparison.Ordinal) || item.Kind == "StorageClass");
        Assert.All(rendered.OfKind("RoleBinding").SelectMany(binding => binding.Node.Items("subjects")),
            subject => Assert.Equal(space, subject.Text("namespace")));
    }

    [ToolTheory("kubectl")]
    [InlineData("namePrefix: shop-")]
    [InlineData("nameSuffix: -shop")]
    public async Task A_tenant_that_renames_objects_fails_by_that_and_nothing_else(string line)
    {
        using var tenant = new TempFolder("renamed");
        tenant.Write(
            "kustomization.yaml", $"resources: [{Path.GetRelativePath(tenant.Path, Renders.Folder)}/base]\nnamespace: shop\n{line}\n");

        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => Renders.GetAsync(tenant.Path));

        Assert.Contains("take namePrefix and nameSuffix out", refused.Message, StringComparison.Ordinal);
    }

    [ToolTheory("kubectl")]
    [MemberData(nameof(Renders.Tenants), MemberType = typeof(Renders))]
    public async Task What_runs_may_write_nothing_that_is_applied(string name)
    {
        var rendered = await Renders.GetAsync(name);
        // Applied again over a living group, nothing differs, and GitOps has nothing to put back: whatever the Roles let a pod write is
        // not among the objects here, but for one that has nothing but a name; and no annotation of a run-time fact is.
        var writable = rendered.OfKind("Role").SelectMany(role => role.Node.Items("rules"))
            .Where(rule => rule.Texts("verbs").Intersect(["create", "update", "patch", "delete"]).Any())
            .SelectMany(rule => rule.Texts("resources")).ToHashSet();
        Assert.NotEmpty(writable);
        foreach (var item in rendered.Objects.Where(item => writable.Contains(item.Kind.ToLowerInvariant() + "s")))
        {
            Assert.Equal("DNSEndpoint", item.Kind);
            Assert.Equal(["apiVersion", "kind", "metadata"],
                Assert.IsType<YamlMappingNode>(item.Node).Children.Keys.Select(key => key.Text()!).Order(StringComparer.Ordinal));
        }

        Assert.DoesNotContain(rendered.Objects.SelectMany(item => item.Node.Map("metadata", "annotations").Keys),
            key => key.StartsWith("sidecars.redis/", StringComparison.Ordinal));
        // Nor does a controller fill in what is left out here and said elsewhere: a Service that selects nothing has no slice of the
        // cluster's.
        Assert.Null(rendered.OfKind("Service").Single(service => service.Name == "redis-master").Node.At("spec", "selector"));
    }

    [ToolFact("kubectl")]
    public async Task A_name_in_a_zone_is_one_tenants()
    {
        // Each has a DNSEndpoint of its own, so that no TXT record of another stands in its way: what external-dns does with a name that
        // is given twice is not for us to say.
        Dictionary<string, string> owners = [];
        foreach (var tenant in Renders.Names("tenants"))
        {
            var rendered = await Renders.GetAsync(tenant);
            if (rendered.Variable(rendered.Workload("redis"), "DNS_NAME") is not { } name) continue;
            Assert.False(
                owners.TryGetValue(name.TrimEnd('.').ToLowerInvariant(), out var owner), $"{name} is given by {owner} and {tenant}");
            owners[name.TrimEnd('.').ToLowerInvariant()] = tenant;
        }
    }

    [Fact]
    public void One_object_a_file_and_every_file_is_used()
    {
        foreach (var folder in Directory.EnumerateDirectories(Renders.Folder, "*", SearchOption.AllDirectories)
            .Where(folder => Path.GetFileName(folder) is not ("tests" or "golden" or "kind"))) // kind's is nothing to apply
        {
            var files = Directory.EnumerateFiles(folder, "*.yaml").ToArray();
            if (files.Length == 0) continue;
            var list = File.ReadAllText(Path.Combine(folder, "kustomization.yaml"));
            foreach (var file in files.Where(file => Path.GetFileName(file) != "kustomization.yaml"))
            {
                Assert.Single(YamlExtensions.Parse(File.ReadAllText(file)));
                Assert.Contains(Path.GetFileName(file), list, StringComparison.Ordinal);
            }
        }
    }

    private static IEnumerable<string> Sorted(IReadOnlyDictionary<string, string> labels) =>
        labels.Select(pair => $"{pair.Key}={pair.Value}").Order(StringComparer.Ordinal);
}
