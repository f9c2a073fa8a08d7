using System.Globalization;
using Sidecars.Manifests.Tests.Release;
using Sidecars.Manifests.Tests.Rendering;
using YamlDotNet.RepresentationModel;

namespace Sidecars.Manifests.Tests.Policies;

public sealed class PodPolicyTests
{
    [ToolTheory("kubectl")]
    [MemberData(nameof(Renders.Tenants), MemberType = typeof(Renders))]
    public async Task Every_pod_passes_the_restricted_standard(string name)
    {
        var rendered = await Renders.GetAsync(name);
        foreach (var workload in rendered.Workloads.Concat(rendered.Jobs)) Assert.Empty(RestrictedPods.Violations(workload.Pod));
    }

    [ToolTheory("kubectl")]
    [InlineData("runAsNonRoot")]
    [InlineData("seccompProfile")]
    [InlineData("readOnlyRootFilesystem")]
    [InlineData("capabilities")]
    [InlineData("allowPrivilegeEscalation")]
    public async Task A_pod_that_lacks_one_line_of_it_does_not_pass(string field)
    {
        var text = (await Renders.GetAsync("base")).Text;
        var lines = text.Split('\n').Where(line => !line.TrimStart().StartsWith(field, StringComparison.Ordinal)).ToList();
        if (field is "seccompProfile" or "capabilities")
            lines.RemoveAll(line => line.Trim() is "type: RuntimeDefault" or "drop:" or "- ALL");

        var pod = new Rendered(string.Join('\n', lines)).Workload("redis").Pod;

        Assert.NotEmpty(RestrictedPods.Violations(pod));
    }

    [ToolTheory("kubectl")]
    [MemberData(nameof(Renders.Tenants), MemberType = typeof(Renders))]
    public async Task Containers_see_each_others_processes_only_where_a_tenant_chose_it(string name)
    {
        const string Component = "components/process-namespace";
        var rendered = await Renders.GetAsync(name);
        var sharing = rendered.Workloads.Concat(rendered.Jobs).Where(workload => workload.Pod.Text("shareProcessNamespace") == "true")
            .Select(workload => workload.Owner.Name);
        var isChosen = name == Component || (name.StartsWith("tenants/", StringComparison.Ordinal)
            && (await File.ReadAllTextAsync(Path.Combine(Renders.Folder, name, "kustomization.yaml")))
                .Contains(Component, StringComparison.Ordinal));
        Assert.Equal(isChosen ? ["redis"] : [], sharing);
    }

    [ToolTheory("kubectl")]
    [MemberData(nameof(Renders.Tenants), MemberType = typeof(Renders))]
    public async Task Every_image_is_of_an_exact_version_and_ours_of_this_one(string name)
    {
        var rendered = await Renders.GetAsync(name);
        foreach (var image in rendered.Workloads.Concat(rendered.Jobs).SelectMany(workload => workload.Containers)
            .Select(container => container.Text("image")!))
        {
            if (image.Contains("@sha256:", StringComparison.Ordinal)) continue; // a checkout of a release: more exact than any version
            var tag = image[(image.LastIndexOf(':') + 1)..];
            Assert.True(image.Contains(':', StringComparison.Ordinal) && tag.Count(c => c == '.') == 2, $"{image} has no exact version");
            if (image.StartsWith("sidecars/", StringComparison.Ordinal)) Assert.Equal(Versions.Tree, tag);
        }
    }

    [ToolTheory("kubectl")]
    [MemberData(nameof(Renders.Tenants), MemberType = typeof(Renders))]
    public async Task Memory_is_reserved_in_full_and_no_processor_time_is_withheld(string name)
    {
        var rendered = await Renders.GetAsync(name);
        foreach (var container in rendered.Workloads.Concat(rendered.Jobs).SelectMany(workload => workload.Containers))
        {
            var resources = container.At("resources");
            Assert.NotNull(resources.Text("limits", "memory"));
            Assert.Equal(resources.Text("limits", "memory"), resources.Text("requests", "memory"));
            Assert.NotNull(resources.Text("requests", "cpu"));
            // Throttled, the one thread that answers Sentinel looks dead: manifests/README.md, "Memory and processors".
            Assert.Null(resources.Text("limits", "cpu"));
        }
    }

    [ToolTheory("kubectl")]
    [MemberData(nameof(Renders.Tenants), MemberType = typeof(Renders))]
    public async Task Maxmemory_leaves_room_for_a_fork_and_wastes_none(string name)
    {
        var rendered = await Renders.GetAsync(name);
        var redis = rendered.Workload("redis");
        var limit = Bytes(redis.Main.Text("resources", "limits", "memory")!);
        var config = rendered.OfKind("ConfigMap")
            .Single(map => map.Name.StartsWith("redis-config-", StringComparison.Ordinal)).Node.Map("data");
        var lines = config.OrderBy(pair => pair.Key == "redis.conf" ? "" : pair.Key, StringComparer.Ordinal)
            .SelectMany(pair => pair.Value.Split('\n'));

        var share = Bytes(lines.Last(line => line.StartsWith("maxmemory ", StringComparison.Ordinal)).Split(' ')[1]) / limit;

        var (least, most) = rendered.Variable(redis, "DURABILITY") == "none" ? (0.65, 0.75) : (0.55, 0.60);
        Assert.InRange(share, least, most);
    }

    [ToolTheory("kubectl")]
    [MemberData(nameof(Renders.Tenants), MemberType = typeof(Renders))]
    public async Task Every_server_has_three_probes_that_outlast_what_is_normal(string name)
    {
        var rendered = await Renders.GetAsync(name);
        foreach (var workload in rendered.Workloads)
        {
            Assert.All(workload.Containers, container => Assert.NotNull(container.At("livenessProbe")));
            var isTls = rendered.Variable(workload, "TLS_CA_FILE") is not null;
            foreach (var kind in new[] { "startup", "liveness", "readiness" })
            {
                var probe = workload.Main.At(kind + "Probe");
                Assert.Equal(
                    [isTls ? "redis-probe-tls" : "redis-probe", kind, "--role", workload.Owner.Name], probe.Texts("exec", "command"));
                Assert.True(
                    probe.Number("timeoutSeconds") > 1, "PROBE_TIMEOUT is 900: the probe must explain itself before kubelet gives up");
            }

            // A script may run for busy-reply-threshold, 5 s, and a large fork as long again: silence that must pass between the first and
            // the last failure.
            var liveness = workload.Main.At("livenessProbe");
            Assert.True(liveness.Number("periodSeconds") * (liveness.Number("failureThreshold") - 1) >= 20);
        }
    }

    // An exec costs some 78 ms of a processor, nearly all of it the container runtime's; startup probes end.
    [ToolTheory("kubectl")]
    [MemberData(nameof(Renders.Tenants), MemberType = typeof(Renders))]
    public async Task An_idle_tenant_of_three_and_three_runs_six_exec_probes_in_ten_seconds(string name)
    {
        var rendered = await Renders.GetAsync(name);
        decimal Rate(string workload) => (
            from container in rendered.Workload(workload).Containers
            from kind in (string[])["livenessProbe", "readinessProbe"]
            let probe = container.At(kind)
            where probe.At("exec") is not null
            select 1m / (probe.Number("periodSeconds") ?? 10)).Sum();

        var (redis, sentinel) = (Rate("redis"), Rate("sentinel"));

        Assert.True(redis > 0 && sentinel > 0);
        Assert.InRange((3 * redis) + (3 * sentinel), 0m, 0.6m);
    }

    [ToolFact("kubectl")]
    public async Task Periods_are_those_that_the_page_argues_for()
    {
        var rendered = await Renders.GetAsync("base");
        var argued = (await File.ReadAllLinesAsync(Path.Combine(Renders.Folder, "docs", "probes.md")))
            .Select(line => line.Split('|', StringSplitOptions.TrimEntries))
            .Where(cells => cells.Length > 4 && cells[1].EndsWith("ness", StringComparison.Ordinal)
                && cells[2].EndsWith(" s", StringComparison.Ordinal))
            .ToDictionary(cells => cells[1], cells => $"{cells[2]}, {cells[3]}");
        var rendersAs = new Dictionary<string, string>();
        foreach (var workload in (string[])["redis", "sentinel"])
        {
            foreach (var kind in (string[])["liveness", "readiness"])
            {
                var probe = rendered.Workload(workload).Main.At(kind + "Probe");
                rendersAs[$"{workload}, {kind}"] = $"{probe.Number("periodSeconds")} s, {probe.Number("failureThreshold")}";
            }
        }

        Assert.Equal(rendersAs.OrderBy(pair => pair.Key), argued.OrderBy(pair => pair.Key));
    }

    [ToolTheory("kubectl")]
    [MemberData(nameof(Renders.Tenants), MemberType = typeof(Renders))]
    public async Task A_volume_has_room_for_a_second_copy(string name)
    {
        var redis = (await Renders.GetAsync(name)).Workload("redis");
        var volume = redis.Owner.Node.Items("spec", "volumeClaimTemplates")[0].Text("spec", "resources", "requests", "storage")!;

        Assert.True(Bytes(volume) >= 2 * Bytes(redis.Main.Text("resources", "limits", "memory")!), volume);
    }

    [ToolTheory("kubectl")]
    [MemberData(nameof(Renders.Tenants), MemberType = typeof(Renders))]
    public async Task Sidecars_are_native_and_Service_links_are_off(string name)
    {
        foreach (var workload in (await Renders.GetAsync(name)).Workloads)
        {
            Assert.Equal("false", workload.Pod.Text("enableServiceLinks"));
            Assert.Single(workload.Pod.Items("containers")); // ordinary containers end at the same time as the server
            Assert.All(workload.Pod.Items("initContainers"), container => Assert.Equal("Always", container.Text("restartPolicy")));
        }
    }

    [ToolTheory("kubectl")]
    [MemberData(nameof(Renders.Tenants), MemberType = typeof(Renders))]
    public async Task A_master_hands_over_before_it_ends_and_has_the_time_for_it(string name)
    {
        var redis = (await Renders.GetAsync(name)).Workload("redis");
        var hook = redis.Main.Texts("lifecycle", "preStop", "exec", "command");
        Assert.Equal(["redis-failover", "step-down", "--terminating", "--timeout"], hook.Take(4));
        var handOver = int.Parse(hook[4].TrimEnd('s'), CultureInfo.InvariantCulture);
        // shutdown-timeout (10 s), a save, and as much again.
        Assert.True(redis.Pod.Number("terminationGracePeriodSeconds") >= handOver + 40);
        // Hooks of different containers run at the same time: only this one has any.
        Assert.All(
            redis.Containers.Where(container => container.Text("name") != "redis"), container => Assert.Null(container.At("lifecycle")));
    }

    [ToolTheory("kubectl")]
    [MemberData(nameof(Renders.Tenants), MemberType = typeof(Renders))]
    public async Task Pods_are_spread_and_never_more_Sentinels_than_there_should_be(string name)
    {
        var rendered = await Renders.GetAsync(name);
        foreach (var workload in rendered.Workloads)
        {
            var labels = workload.Labels;
            YamlNode[] terms = [.. workload.Pod.Items("affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution"),
                .. workload.Pod.Items("topologySpreadConstraints")];
            Assert.Equal(["kubernetes.io/hostname", "topology.kubernetes.io/zone"], terms.Select(term => term.Text("topologyKey")));
            Assert.All(
                terms, term => Assert.All(term.Map("labelSelector", "matchLabels"), pair => Assert.Equal(pair.Value, labels[pair.Key])));
        }

        var sentinel = rendered.Workload("sentinel").Owner.Node.At("spec");
        Assert.Equal(0, sentinel.Number("strategy", "rollingUpdate", "maxSurge"));
        Assert.Equal(1, sentinel.Number("strategy", "rollingUpdate", "maxUnavailable"));
        Assert.True(sentinel.Number("minReadySeconds") >= 10);
        var zones = sentinel.Items("template", "spec", "topologySpreadConstraints")[0];
        Assert.Equal(("3", "DoNotSchedule"), (zones.Text("minDomains"), zones.Text("whenUnsatisfiable")));
    }

    private static double Bytes(string quantity)
    {
        var number = double.Parse(quantity.TrimEnd("KMGTikmgb".ToCharArray()), CultureInfo.InvariantCulture);
        return quantity.TrimStart("0123456789.".ToCharArray()).ToLowerInvariant() switch
        {
            "" => number,
            "mi" or "mb" => number * (1 << 20), // redis.conf: mb is 1024², m is 1000²
            "gi" or "gb" => number * (1 << 30),
            var unit => throw new FormatException($"{quantity}: unit {unit} is not used in the manifests"),
        };
    }
}
