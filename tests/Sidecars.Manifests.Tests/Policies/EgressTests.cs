using Sidecars.Manifests.Tests.Rendering;
using YamlDotNet.RepresentationModel;

namespace Sidecars.Manifests.Tests.Policies;

/// <summary>What NetworkPolicies let pods reach outside, and whom they let scrape.</summary>
public sealed class EgressTests
{
    private const string Store = """
        configMapGenerator:
          - name: redis-group
            behavior: merge
            literals: [BACKUP_STORE=s3://my-backups, 'BACKUP_S3_ENDPOINT=https://s3.example:9000']
        """;

    [ToolTheory("kubectl")]
    [MemberData(nameof(Renders.Tenants), MemberType = typeof(Renders))]
    public async Task The_store_that_is_set_is_let_through(string name) => Assert.Empty(CutOff(await Renders.GetAsync(name)));

    [ToolFact("kubectl")]
    public async Task The_lines_of_the_page_let_another_port_through_and_without_them_it_is_cut()
    {
        var without = await Renders.OverlayAsync(["components/backup"], Store);
        var policy = PageBlock.In("network.md", "kind: NetworkPolicy").Replace("PORT", "9000", StringComparison.Ordinal);
        var with = new Rendered(without.Text + "\n---\n" + policy);

        Assert.Equal(["redis 9000", "redis-backup 9000"], CutOff(without));
        Assert.Empty(CutOff(with));
    }

    [ToolTheory("kubectl")]
    [InlineData("components/backup", "redis", "redis-backup")]
    [InlineData("components/route53", "redis")]
    [InlineData("components/backup-credentials", "redis", "redis-backup")]
    public async Task Credentials_of_the_node_are_within_reach(string component, params string[] pods)
    {
        var rendered = await Renders.GetAsync(component);
        foreach (var pod in pods)
        {
            var rules = Policies(rendered, pod).Where(rule => rule.Items("ports").Any(port => port.Text("port") == "80"));
            // Nothing else listens there for us: plain HTTP stays on the node.
            string[] node = ["169.254.0.0/16", "fd00:ec2::/32"];
            Assert.All(rules, rule => Assert.Equal(node, rule.Items("to").Select(peer => peer.Text("ipBlock", "cidr"))));
            Assert.NotEmpty(rules);
        }
    }

    [ToolTheory("kubectl")]
    [InlineData("components/monitoring")]
    [InlineData("components/monitoring", "components/backup")]
    public async Task Prometheus_reaches_and_scrapes_every_port_that_has_metrics(params string[] components)
    {
        var rendered = await Renders.OverlayAsync(components, "");
        foreach (var workload in rendered.Workloads)
        {
            var monitor = rendered.OfKind("PodMonitor").Single(item => item.Name == workload.Owner.Name);
            var scraped = monitor.Node.Items("spec", "podMetricsEndpoints").Select(endpoint => endpoint.Text("port")).ToArray();
            var rules = rendered.OfKind("NetworkPolicy").Where(policy => Selects(policy, workload.Owner.Name))
                .SelectMany(policy => policy.Node.Items("spec", "ingress"))
                .Where(rule => rule.Items("from").Any(peer => peer.At("namespaceSelector") is not null));
            var open = rules.SelectMany(rule => rule.Items("ports")).Select(port => port.Text("port")).ToArray();
            foreach (var port in workload.Containers.Except([workload.Main]).SelectMany(container => container.Items("ports")))
            {
                Assert.Contains(port.Text("name"), scraped);
                Assert.Contains(port.Text("containerPort"), open);
            }
        }

        Assert.Equal(components.Length == 2, rendered.Workload("redis").Containers.Any(container => container.Text("name") == "backup"));
    }

    // Pods and the port of their store, where no rule lets them through to outside.
    private static IEnumerable<string> CutOff(Rendered rendered)
    {
        if (rendered.EnvironmentOf(rendered.Workload("redis").Main).GetValueOrDefault("BACKUP_S3_ENDPOINT") is not { } endpoint) return [];
        var port = $"{new Uri(endpoint).Port}";
        string[] pods = ["redis", "redis-backup"];
        bool Opens(YamlNode rule) => IsOutside(rule) && rule.Items("ports").Any(open => open.Text("port") == port);
        return pods.Where(pod => !Policies(rendered, pod).Any(Opens)).Select(pod => $"{pod} {port}");
    }

    private static bool IsOutside(YamlNode rule) => rule.Items("to")
        .All(peer => peer.Text("ipBlock", "cidr") is { } cidr && !cidr.StartsWith("169.254.", StringComparison.Ordinal));

    private static IEnumerable<YamlNode> Policies(Rendered rendered, string pod) =>
        rendered.OfKind("NetworkPolicy").Where(policy => Selects(policy, pod)).SelectMany(policy => policy.Node.Items("spec", "egress"));

    private static bool Selects(KubeObject policy, string pod) =>
        policy.Node.Map("spec", "podSelector", "matchLabels").All(label => label.Key != "app.kubernetes.io/name" || label.Value == pod);
}
