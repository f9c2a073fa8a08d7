using Sidecars.Manifests.Tests.Rendering;

namespace Sidecars.Manifests.Tests.Policies;

/// <summary>The address that a Redis pod announces is that of its own Service, which outlives it.</summary>
public sealed class AddressTests
{
    [ToolTheory("kubectl")]
    [MemberData(nameof(Renders.Tenants), MemberType = typeof(Renders))]
    public async Task A_pod_announces_its_Service_and_never_its_bare_name(string name)
    {
        var rendered = await Renders.GetAsync(name);
        var announcing = rendered.Workloads.Concat(rendered.Jobs).SelectMany(workload => workload.Containers)
            .Select(container => (Name: container.Text("name"),
                Variables: container.Items("env").ToDictionary(variable => variable.Text("name")!)))
            .Where(container => container.Variables.ContainsKey("ANNOUNCE_HOST")).ToArray();

        // The hosts file of a pod answers the pod's own name with the pod's address. No domain: clusters differ, and resolv.conf has it.
        Assert.All(
            announcing, container => Assert.Equal("$(NODE_NAME).$(POD_NAMESPACE).svc", container.Variables["ANNOUNCE_HOST"].Text("value")));
        Assert.All(announcing,
            container => Assert.Equal("metadata.name", container.Variables["NODE_NAME"].Text("valueFrom", "fieldRef", "fieldPath")));
        Assert.All(announcing, container => Assert.Equal(
            "metadata.namespace", container.Variables["POD_NAMESPACE"].Text("valueFrom", "fieldRef", "fieldPath")));
        // Those that read it: the entrypoint, with the probes and the hook of its container, and the sidecar.
        Assert.Equal(["failover", "redis"], announcing.Select(container => container.Name).Order(StringComparer.Ordinal));
        Assert.DoesNotContain(rendered.OfKind("ConfigMap"), map => map.Node.Map("data").ContainsKey("ANNOUNCE_HOST"));
    }

    [ToolTheory("kubectl")]
    [MemberData(nameof(Renders.Tenants), MemberType = typeof(Renders))]
    public async Task Every_Redis_pod_has_the_Service_that_it_announces(string name)
    {
        var rendered = await Renders.GetAsync(name);
        foreach (var pod in Enumerable.Range(0, rendered.Workload("redis").Replicas).Select(ordinal => $"redis-{ordinal}"))
        {
            var service = Assert.Single(rendered.OfKind("Service"), item => item.Name == pod).Node;
            Assert.Equal(pod, service.Text("spec", "selector", "statefulset.kubernetes.io/pod-name"));
            Assert.Equal("true", service.Text("spec", "publishNotReadyAddresses"));
            Assert.Null(service.Text("spec", "clusterIP"));
        }
    }
}
