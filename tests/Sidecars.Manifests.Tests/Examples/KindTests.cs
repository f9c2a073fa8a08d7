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

    [ToolFact("kubectl")]
    public async Task The_page_loads_every_image_of_a_tenant_at_its_version()
    {
        var page = await File.ReadAllTextAsync(Path.Combine(Renders.Folder, "docs", "kind.md"));
        var load = Assert.Single(page.Split('\n'), line => line.StartsWith("kind load docker-image ", StringComparison.Ordinal));
        var loaded = load.Split(' ').Where(word => word.StartsWith("kind.local/", StringComparison.Ordinal)).ToArray();
        var images = (await Renders.GetAsync("tenants/demo-a")).Workloads.SelectMany(workload => workload.Containers)
            .Select(container => "kind.local/" + container.Text("image")!.Split('/')[^1]).Distinct().ToArray();

        Assert.Equal(images.Order(StringComparer.Ordinal), loaded.Order(StringComparer.Ordinal));
        Assert.All(loaded, image => Assert.Contains(page.Split('\n'),
            line => line.StartsWith("docker tag ", StringComparison.Ordinal) && line.EndsWith(" " + image, StringComparison.Ordinal)));
        Assert.Contains($"--name {Cluster.Text("name")} ", load, StringComparison.Ordinal);
    }

    [ToolFact("kubectl")]
    public async Task The_volume_of_the_page_is_of_the_class_of_the_component_in_a_zone_of_the_cluster()
    {
        var volume = Assert.Single(YamlExtensions.Parse(PageBlock.In("kind.md", "kind: PersistentVolume")));
        Assert.Empty(ManifestSchema.Load().Check(volume));
        var redis = (await Renders.GetAsync("components/storage-local")).Workload("redis").Owner.Node;
        var claim = Assert.Single(redis.Items("spec", "volumeClaimTemplates"));
        Assert.Equal(claim.Text("spec", "storageClassName"), volume.Text("spec", "storageClassName"));
        var terms = volume.Items("spec", "nodeAffinity", "required", "nodeSelectorTerms");
        var expression = Assert.Single(Assert.Single(terms).Items("matchExpressions"));
        Assert.Equal(Zone, expression.Text("key"));
        Assert.Contains(Assert.Single(expression.Texts("values")), Cluster.Items("nodes").SelectMany(node => node.Map("labels").Values));
    }
}
