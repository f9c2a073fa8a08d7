using Sidecars.Manifests.Tests.Rendering;
using YamlDotNet.RepresentationModel;

namespace Sidecars.Manifests.Tests.Policies;

public sealed class ReferenceTests
{
    // Its EndpointSlice is written at run time.
    private static readonly string[] Selectorless = ["redis-master"];

    [ToolTheory("kubectl")]
    [MemberData(nameof(Renders.Tenants), MemberType = typeof(Renders))]
    public async Task Every_Service_selects_pods_that_have_the_port(string name)
    {
        var rendered = await Renders.GetAsync(name);
        foreach (var service in rendered.OfKind("Service"))
        {
            if (Selectorless.Contains(service.Name))
            {
                Assert.Null(service.Node.At("spec", "selector"));
                continue;
            }

            var selector = service.Node.Map("spec", "selector").ToDictionary();
            var pod = selector.Remove("statefulset.kubernetes.io/pod-name", out var podName) ? podName : null;
            var workload = Assert.Single(rendered.Workloads,
                candidate => selector.Count > 0 && selector.All(pair => candidate.Labels.GetValueOrDefault(pair.Key) == pair.Value));
            var ports = workload.Main.Items("ports").ToDictionary(port => port.Text("name")!, port => port.Text("containerPort"));
            Assert.All(service.Node.Items("spec", "ports"), port => Assert.Equal(port.Text("port"), ports[port.Text("targetPort")!]));
            if (pod is not null) Assert.Equal((service.Name, "true"), (pod, service.Node.Text("spec", "publishNotReadyAddresses")));
        }
    }

    [ToolTheory("kubectl")]
    [MemberData(nameof(Renders.Tenants), MemberType = typeof(Renders))]
    public async Task Each_Redis_pod_has_its_own_address_and_both_know_all_of_them(string name)
    {
        var rendered = await Renders.GetAsync(name);
        var (redis, sentinel) = (rendered.Workload("redis"), rendered.Workload("sentinel"));
        var pods = Enumerable.Range(0, redis.Replicas).Select(ordinal => $"redis-{ordinal}").ToArray();

        Assert.Equal(pods, rendered.OfKind("Service")
            .Where(service => service.Node.At("spec", "selector", "statefulset.kubernetes.io/pod-name") is not null)
            .Select(service => service.Name));
        foreach (var workload in new[] { redis, sentinel })
        {
            Assert.Equal(string.Join(',', pods), rendered.Variable(workload, "REDIS_SERVER_SERVICE_HOST"));
            Assert.Equal($"{redis.Replicas}", rendered.Variable(workload, "REDIS_COUNT"));
            Assert.Equal($"{sentinel.Replicas}", rendered.Variable(workload, "SENTINEL_COUNT"));
            var sentinels = rendered.OfKind("Service")
                .Single(service => service.Name == rendered.Variable(workload, "REDIS_SENTINEL_SERVICE_HOST"));
            Assert.Equal(
                ("None", "true"), (sentinels.Node.Text("spec", "clusterIP"), sentinels.Node.Text("spec", "publishNotReadyAddresses")));
        }

        Assert.True(sentinel.Replicas % 2 == 1, "an even number of Sentinels has no better majority");
        Assert.Equal("None", rendered.OfKind("Service").Single(service => service.Name == redis.Owner.Node.Text("spec", "serviceName")).Node
            .Text("spec", "clusterIP"));
    }

    [ToolTheory("kubectl")]
    [MemberData(nameof(Renders.Tenants), MemberType = typeof(Renders))]
    public async Task Everything_that_is_referred_to_exists_or_is_a_documented_input(string name)
    {
        var rendered = await Renders.GetAsync(name);
        var issued = rendered.OfKind("Certificate")
            .ToDictionary(item => item.Node.Text("spec", "secretName")!, _ => new[] { "ca.crt", "tls.crt", "tls.key" });
        var inputs = Inputs();
        foreach (var workload in rendered.Workloads.Concat(rendered.Jobs))
        {
            Assert.Contains(rendered.OfKind("ServiceAccount"), account => account.Name == workload.Pod.Text("serviceAccountName"));
            foreach (var volume in workload.Pod.Items("volumes"))
            {
                if (volume.Text("configMap", "name") is { } map) Assert.Contains(rendered.OfKind("ConfigMap"), item => item.Name == map);
                if (volume.Text("secret", "secretName") is { } secret)
                    Assert.True(
                        issued.ContainsKey(secret) || inputs.ContainsKey(secret), $"Secret {secret} is neither made here nor an input");
            }

            foreach (var map in workload.Containers.SelectMany(container => container.Items("envFrom"))
                .Select(source => source.Text("configMapRef", "name")))
                Assert.Contains(rendered.OfKind("ConfigMap"), item => item.Name == map);
            foreach (var (secret, key) in SecretKeys(rendered, workload))
                Assert.True(
                    issued.GetValueOrDefault(secret)?.Contains(key) ?? inputs[secret].Contains(key), $"key {key} of Secret {secret}");
            foreach (var mount in workload.Containers.SelectMany(container => container.Items("volumeMounts")))
            {
                var volumes = workload.Pod.Items("volumes").Select(volume => volume.Text("name"))
                    .Concat(workload.Owner.Node.Items("spec", "volumeClaimTemplates").Select(claim => claim.Text("metadata", "name")));
                Assert.Contains(mount.Text("name"), volumes);
            }
        }
    }

    [ToolTheory("kubectl")]
    [MemberData(nameof(Renders.Tenants), MemberType = typeof(Renders))]
    public async Task A_changed_ConfigMap_is_a_changed_pod(string name)
    {
        var rendered = await Renders.GetAsync(name);

        // The hash that kustomize appends: pods roll when it changes, and a rollback finds the old one.
        Assert.All(rendered.OfKind("ConfigMap"), map => Assert.Matches("-[a-z0-9]{10}$", map.Name));
        Assert.DoesNotContain(rendered.Objects, item => item.Kind == "Secret");
    }

    [ToolTheory("kubectl")]
    [MemberData(nameof(Renders.Tenants), MemberType = typeof(Renders))]
    public async Task Every_workload_has_a_budget_and_a_policy_for_each_port(string name)
    {
        var rendered = await Renders.GetAsync(name);
        foreach (var workload in rendered.Workloads)
        {
            var budget = Assert.Single(rendered.OfKind("PodDisruptionBudget"), item => Selects(item, "selector", workload));
            Assert.Equal("1", budget.Node.Text("spec", "maxUnavailable"));
            Assert.NotNull(budget.Node.Text("spec", "unhealthyPodEvictionPolicy"));
            var open = rendered.OfKind("NetworkPolicy").Where(policy => Selects(policy, "podSelector", workload))
                .SelectMany(policy => policy.Node.Items("spec", "ingress")).SelectMany(rule => rule.Items("ports"))
                .Select(port => port.Text("port")).ToHashSet();
            var ports = workload.Containers.SelectMany(container => container.Items("ports"))
                .Select(port => port.Text("containerPort")).ToHashSet();
            // 9122: the component monitoring lets Prometheus in to what only the component backup brings.
            Assert.Subset(ports, open.Except(["9122"]).ToHashSet());
            Assert.Contains(workload.Main.Items("ports").Single().Text("containerPort"), open);
        }

        var deny = rendered.OfKind("NetworkPolicy").Single(policy => policy.Name == "default-deny").Node.At("spec");
        Assert.Empty(deny.Map("podSelector"));
        Assert.Equal(["Ingress", "Egress"], deny.Texts("policyTypes"));
        Assert.Null(deny.At("ingress"));
        Assert.Null(deny.At("egress"));
    }

    /// <summary>The table "Inputs" of manifests/README.md: Secret to keys.</summary>
    internal static Dictionary<string, string[]> Inputs() =>
        File.ReadLines(Path.Combine(Renders.Folder, "README.md"))
            .SkipWhile(line => line != "## Inputs").Skip(1).TakeWhile(line => !line.StartsWith("## ", StringComparison.Ordinal))
            .Where(line => line.StartsWith("| `", StringComparison.Ordinal)).Select(line => line.Split('|'))
            .ToDictionary(cells => cells[1].Trim(' ', '`'), cells => cells[2].Split(',').Select(key => key.Trim(' ', '`')).ToArray());

    private static bool Selects(KubeObject item, string field, Workload workload) =>
        item.Node.Map("spec", field, "matchLabels") is { Count: > 0 } labels
        && labels.All(pair => workload.Labels.GetValueOrDefault(pair.Key) == pair.Value);

    // From the environment, and from files below the mount of a Secret's volume.
    private static IEnumerable<(string Secret, string Key)> SecretKeys(Rendered rendered, Workload workload)
    {
        var volumes = workload.Pod.Items("volumes").Where(volume => volume.At("secret") is not null)
            .ToDictionary(volume => volume.Text("name")!, volume => volume.Text("secret", "secretName")!);
        foreach (var container in workload.Containers)
        {
            var mounts = container.Items("volumeMounts").Where(mount => volumes.ContainsKey(mount.Text("name")!))
                .ToDictionary(mount => mount.Text("mountPath")!, mount => volumes[mount.Text("name")!]);
            foreach (var reference in container.Items("env").Select(variable => variable.At("valueFrom", "secretKeyRef"))
                .OfType<YamlNode>())
                yield return (reference.Text("name")!, reference.Text("key")!);
            foreach (var path in rendered.EnvironmentOf(container).Values)
                if (path is not null && mounts.TryGetValue(Path.GetDirectoryName(path) ?? "", out var secret))
                    yield return (secret, Path.GetFileName(path));
        }
    }
}
