using Sidecars.Manifests.Tests.Rendering;
using Sidecars.Manifests.Tests.Schema;
using YamlDotNet.RepresentationModel;

namespace Sidecars.Manifests.Tests.Examples;

/// <summary>The cluster for kind has room for a tenant as it is rendered: zones for its Sentinels, a node for each pod.</summary>
public sealed class KindTests
{
    private const string Zone = "topology.kubernetes.io/zone";

    private static YamlNode Cluster =>
        Assert.Single(YamlExtensions.Parse(File.ReadAllText(Path.Combine(Renders.Folder, "examples", "kind", "cluster.yaml"))));

    [Fact]
    public void Kind_knows_every_field() => Assert.Empty(ManifestSchema.Load().Check(Cluster));

    [ToolFact("kubectl")]
    public async Task Workers_are_as_many_zones_as_the_constraints_of_a_tenant_want()
    {
        var workers = Cluster.Items("nodes").Where(node => node.Text("role") == "worker").ToArray();
        var zones = workers.Select(node => node.Map("labels")[Zone]).ToArray();
        Assert.Distinct(zones);
        foreach (var workload in (await Renders.GetAsync("tenants/demo-a")).Workloads)
        {
            var constraint = workload.Pod.Items("topologySpreadConstraints").Single(item => item.Text("topologyKey") == Zone);
            Assert.True(zones.Length >= (constraint.Number("minDomains") ?? 1), workload.Owner.ToString());
            // No two pods of a workload share a node.
            Assert.True(workers.Length >= workload.Replicas, workload.Owner.ToString());
        }
    }
}
