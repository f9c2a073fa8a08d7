using Sidecars.Core.Kubernetes;
using Sidecars.Failover.Publish.Targets.DnsEndpoint;
using Sidecars.Failover.Publish.Targets.Slice;
using Sidecars.Failover.RoleLabel;
using Sidecars.Manifests.Tests.Rendering;
using YamlDotNet.RepresentationModel;

namespace Sidecars.Manifests.Tests.Policies;

public sealed class RbacTests
{
    // Each right with the call that needs it; a PUT needs update, and create where the object is not there yet (of a kind that is created
    // so).
    private static readonly Dictionary<(string Group, string Resource, string Verb), string> Calls = new()
    {
        [("coordination.k8s.io", "leases", "get")] = nameof(KubernetesClient.GetLeaseAsync),
        [("coordination.k8s.io", "leases", "create")] = nameof(KubernetesClient.PutLeaseAsync),
        [("coordination.k8s.io", "leases", "update")] = nameof(KubernetesClient.PutLeaseAsync),
        [("", "pods", "get")] = nameof(KubernetesClient.GetPodAsync),
        [("discovery.k8s.io", "endpointslices", "get")] = nameof(EndpointSliceCalls.GetEndpointSliceAsync),
        [("discovery.k8s.io", "endpointslices", "update")] = nameof(EndpointSliceCalls.PutEndpointSliceAsync),
        [("discovery.k8s.io", "endpointslices", "create")] = nameof(EndpointSliceCalls.CreateEndpointSliceAsync),
    };

    // And those that a setting needs.
    private static readonly Dictionary<(string Group, string Resource, string Verb), (string Setting, string Call)> Optional = new()
    {
        [("externaldns.k8s.io", "dnsendpoints", "get")] = ("DNS_ENDPOINT_NAME", nameof(DnsEndpointCalls.GetDnsEndpointAsync)),
        [("externaldns.k8s.io", "dnsendpoints", "update")] = ("DNS_ENDPOINT_NAME", nameof(DnsEndpointCalls.PutDnsEndpointAsync)),
        [("", "pods/status", "patch")] = ("ROLE_LABEL", nameof(PodLabel.LabelPodAsync)),
    };

    [ToolTheory("kubectl")]
    [MemberData(nameof(Renders.Tenants), MemberType = typeof(Renders))]
    public async Task Every_right_belongs_to_a_call_in_the_code(string name)
    {
        var rendered = await Renders.GetAsync(name);
        var rights = rendered.OfKind("Role").SelectMany(role => role.Node.Items("rules")).SelectMany(Rights).Distinct();
        var settings = rendered.EnvironmentOf(rendered.Workload("redis").Main);

        Assert.Equal(
            Calls.Keys.Concat(Optional.Where(right => settings.ContainsKey(right.Value.Setting)).Select(right => right.Key)).Order(),
            rights.Order());
    }

    [ToolTheory("kubectl")]
    [MemberData(nameof(Renders.Tenants), MemberType = typeof(Renders))]
    public async Task Every_right_is_for_named_objects(string name)
    {
        var rendered = await Renders.GetAsync(name);
        var redis = rendered.Workload("redis");
        var pods = Enumerable.Range(0, redis.Replicas).Select(ordinal => $"redis-{ordinal}").ToArray();
        string[] group = ["redis", .. pods.Select(pod => EvidenceDocument.LeaseName("redis", pod))];
        var settings = rendered.EnvironmentOf(redis.Main);
        List<(string, string, string)> optional = [];
        if (settings.TryGetValue("DNS_ENDPOINT_NAME", out var endpoint))
        {
            optional.Add(("dnsendpoints", "get,update", endpoint!));
            Assert.Equal(endpoint, Assert.Single(rendered.OfKind("DNSEndpoint")).Name);
        }

        // A pod that is not there can't be patched, and the admission policy binds each to its own: one list for all sizes.
        if (settings.ContainsKey("ROLE_LABEL")) optional.Add(("pods/status", "patch", "redis-0,redis-1,redis-2,redis-3,redis-4"));
        Assert.True(pods.Length <= 5);

        Assert.Equal(
            [
                ("leases", "get,create,update", string.Join(',', group)), ("leases", "get", "redis-sentinels"),
                ("pods", "get", string.Join(',', pods)),
                // a POST has no name for RBAC, and a PUT does not create this kind
                ("endpointslices", "get,update", "redis-master"), ("endpointslices", "create", ""),
                .. optional,
            ],
            Rules(rendered, "redis"));
        // A Deployment's pod names are not known in advance: the one rule without names.
        Assert.Equal([("leases", "get,create,update", "redis-sentinels"), ("leases", "get", "redis"), ("pods", "get", "")],
            Rules(rendered, "sentinel"));
    }

    [ToolTheory("kubectl")]
    [MemberData(nameof(Renders.Tenants), MemberType = typeof(Renders))]
    public async Task Each_Role_is_bound_to_the_account_of_its_pods_alone(string name)
    {
        var rendered = await Renders.GetAsync(name);
        foreach (var binding in rendered.OfKind("RoleBinding"))
        {
            Assert.Equal("Role", binding.Node.Text("roleRef", "kind"));
            Assert.Contains(rendered.OfKind("Role"), role => role.Name == binding.Node.Text("roleRef", "name"));
            Assert.Equal(
                rendered.Workload(binding.Name).Pod.Text("serviceAccountName"), Assert.Single(binding.Node.Items("subjects")).Text("name"));
        }

        Assert.Equal(rendered.OfKind("Role").Count(), rendered.OfKind("RoleBinding").Count());
    }

    private static IEnumerable<(string, string, string)> Rights(YamlNode rule) =>
        from @group in rule.Texts("apiGroups")
        from resource in rule.Texts("resources")
        from verb in rule.Texts("verbs")
        select (@group, resource, verb);

    private static IEnumerable<(string, string, string)> Rules(Rendered rendered, string role) =>
        rendered.OfKind("Role").Single(item => item.Name == role).Node.Items("rules")
            .Select(rule => (string.Join(',', rule.Texts("resources")), string.Join(',', rule.Texts("verbs")),
                string.Join(',', rule.Texts("resourceNames"))));
}
