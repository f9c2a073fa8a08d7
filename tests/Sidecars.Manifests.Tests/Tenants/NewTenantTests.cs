using Sidecars.Manifests.Tests.Rendering;

namespace Sidecars.Manifests.Tests.Tenants;

/// <summary>What scripts/tenant new makes, and what it and apply refuse before anything is made.</summary>
public sealed class NewTenantTests : IDisposable
{
    // $NAMESPACE: one that exists, with what stands in its label. $FOREIGN: pods in it that are not ours. $API_PORT: where the API server
    // listens. $UNKNOWN: a kind that the cluster does not have.
    private const string Kubectl = """
        #!/bin/sh
        echo "$*" >>"$CALLS"
        case "$*" in
            kustomize*) exec "$REAL_KUBECTL" "$@" ;;
            *"get namespace ${NAMESPACE%:*} --output"*) echo "${NAMESPACE%:*} ${NAMESPACE#*:}" ;;
            *"get namespace ${NAMESPACE%:*} --ignore-not-found"*) echo "${NAMESPACE#*:}" ;;
            *"get namespace"*"--ignore-not-found"*) ;;
            *"get namespace"*) exit 1 ;;
            *"get pods --selector app.kubernetes.io/part-of!=sidecars"*) [ -z "$FOREIGN" ] || echo "pod/$FOREIGN" ;;
            *"get endpointslices"*) echo "${API_PORT:-6443}" ;;
            *--dry-run=server*)
                for last; do :; done
                if [ -n "$UNKNOWN" ] && grep -q "^kind: $UNKNOWN" "$last"; then
                    echo "error: resource mapping not found for name: \"redis\": no matches for kind \"$UNKNOWN\" in version \"x/v1\"" >&2
                    exit 1
                fi ;;
        esac
        """;

    private readonly TenantScript _script = new(Kubectl);

    public static TheoryData<string> Components => [.. Renders.Names("components").Select(name => Path.GetFileName(name))];

    public void Dispose() => _script.Dispose();

    [ToolFact("kubectl", "bash")]
    public async Task A_first_tenant_needs_nothing_that_the_cluster_may_not_have()
    {
        Assert.Equal(0, (await _script.RunAsync("new", "demo-c", "--registry", "registry.example")).ExitCode);

        foreach (var tenant in (string[])["demo-a", "demo-c"])
        {
            var objects = new Rendered((await _script.RunAsync("render", tenant)).Output).Objects;
            // Groups of Kubernetes itself have no dot, or end with k8s.io.
            var foreign = objects.Select(item => item.ApiVersion.Split('/')[0])
                .Where(group => group.Contains('.', StringComparison.Ordinal) && !group.EndsWith(".k8s.io", StringComparison.Ordinal));
            Assert.Empty(foreign);
            Assert.DoesNotContain(objects, item => item.Kind == "PodMonitor");
        }
    }

    [ToolTheory("kubectl", "bash")]
    [MemberData(nameof(Components))]
    public async Task A_registry_moves_every_image(string component)
    {
        var made = await _script.RunAsync("new", "demo-c", "--registry", "registry.example:5000/team", "--component", component);
        Assert.True(made.ExitCode == 0, made.Error);

        var rendered = new Rendered((await _script.RunAsync("render", "demo-c")).Output);

        var containers = rendered.Workloads.Concat(rendered.Jobs).SelectMany(workload => workload.Containers);
        var images = containers.Select(container => container.Text("image")!).Distinct().Order(StringComparer.Ordinal).ToArray();
        Assert.Collection(
            images,
            image => Assert.StartsWith("registry.example:5000/team/redis:", image, StringComparison.Ordinal),
            image => Assert.StartsWith("registry.example:5000/team/redis_exporter:v", image, StringComparison.Ordinal),
            image => Assert.StartsWith("registry.example:5000/team/sentinel:", image, StringComparison.Ordinal));
    }

    [ToolTheory("kubectl", "bash")]
    [InlineData("shop:", 1)]
    [InlineData("shop:platform", 1)]
    [InlineData("shop:sidecars", 0)]
    [InlineData("other:", 0)]
    public async Task A_namespace_that_is_somebody_elses_is_refused(string exists, int code)
    {
        var result = await _script.RunWithAsync(new() { ["NAMESPACE"] = exists }, "new", "shop");

        Assert.True(code == result.ExitCode, result.Error);
        Assert.Equal(code == 1, result.Error.Contains("kubectl label namespace shop app.kubernetes.io/part-of=", StringComparison.Ordinal));
        Assert.Equal(code == 0, Directory.Exists(_script.File("manifests", "tenants", "shop")));
    }

    [ToolTheory("kubectl", "bash")]
    [InlineData("apply")]
    [InlineData("secret")]
    public async Task Nothing_is_put_beside_the_pods_of_somebody_else(string command)
    {
        var result = await _script.RunWithAsync(new() { ["NAMESPACE"] = "demo-a:", ["FOREIGN"] = "grafana-0" }, command, "demo-a");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("pod/grafana-0", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(_script.Calls(), IsWrite);
        // Of a namespace that somebody made for the tenant, without pods, nobody loses anything.
        Assert.Equal(0, (await _script.RunWithAsync(new() { ["NAMESPACE"] = "demo-a:" }, command, "demo-a")).ExitCode);
    }

    [ToolTheory("kubectl", "bash")]
    [InlineData("apply")]
    [InlineData("secret")]
    public async Task A_namespace_that_is_made_is_marked_as_ours(string command)
    {
        await _script.RunAsync(command, "demo-a");

        var calls = _script.Calls();
        Assert.Contains("create namespace demo-a", calls);
        Assert.Equal(
            "label namespace demo-a app.kubernetes.io/part-of=sidecars", calls[Array.IndexOf(calls, "create namespace demo-a") + 1]);
    }

    [ToolFact("kubectl", "bash")]
    public async Task A_folder_that_is_there_is_not_written_over()
    {
        var result = await _script.RunAsync("new", "demo-a");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("is there already", result.Error, StringComparison.Ordinal);
    }

    [ToolTheory("kubectl", "bash")]
    [InlineData("https://s3.example:9000", "9000")]
    [InlineData("http://s3.example", "80")]
    [InlineData("https://s3.example", null)]
    public async Task A_store_that_the_policies_cut_off_is_refused_and_the_option_lets_it_through(string endpoint, string? port)
    {
        Assert.Equal(0, (await _script.RunAsync("new", "demo-c", "--registry", "registry.example", "--component", "backup")).ExitCode);
        await SetAsync("demo-c", endpoint);
        var refused = await _script.RunAsync("apply", "demo-c");

        Assert.Equal(port is null ? 0 : 1, refused.ExitCode);
        if (port is null) return;
        Assert.Contains(
            $"BACKUP_S3_ENDPOINT is {endpoint}, which the NetworkPolicies of redis pods cut", refused.Error, StringComparison.Ordinal);
        Assert.Contains($"--egress-port {port}", refused.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(_script.Calls(), IsWrite);

        string[] with = ["--registry", "registry.example", "--component", "backup", "--egress-port", port, "--egress-port", "16443"];
        Assert.Equal(0, (await _script.RunAsync(["new", "demo-d", .. with])).ExitCode);
        await SetAsync("demo-d", endpoint);
        var applied = await _script.RunAsync("apply", "demo-d");
        Assert.True(applied.ExitCode == 0, applied.Error);
    }

    [ToolTheory("kubectl", "bash")]
    [InlineData("6443", 0)]
    [InlineData("443", 0)]
    [InlineData("16443", 1)]
    [InlineData("6443\n8443", 1)]
    public async Task An_API_server_that_the_policies_cut_off_is_refused(string ports, int code)
    {
        var result = await _script.RunWithAsync(new() { ["API_PORT"] = ports }, "apply", "demo-a");

        Assert.True(code == result.ExitCode, result.Error);
        Assert.Equal(code == 1, result.Error.Contains($"the API server listens on port {ports.Split('\n')[^1]}", StringComparison.Ordinal));
        Assert.Equal(code == 0, _script.Calls().Any(IsWrite));
        if (code == 0) return;
        string[] open = ["--egress-port", "16443", "--egress-port", "8443"];
        Assert.Equal(0, (await _script.RunAsync(["new", "demo-c", "--registry", "registry.example", .. open])).ExitCode);
        Assert.Equal(0, (await _script.RunWithAsync(new() { ["API_PORT"] = ports }, "apply", "demo-c")).ExitCode);
    }

    [ToolTheory("kubectl", "bash")]
    [InlineData("monitoring", "PodMonitor")]
    [InlineData("tls-cert-manager", "Certificate")]
    public async Task A_kind_that_the_cluster_does_not_have_is_named_with_what_brings_it(string component, string kind)
    {
        Assert.Equal(0, (await _script.RunAsync("new", "demo-c", "--registry", "registry.example", "--component", component)).ExitCode);

        var result = await _script.RunWithAsync(new() { ["UNKNOWN"] = kind }, "apply", "demo-c");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains($"does not know the kind {kind}, which a component of the tenant brings", result.Error, StringComparison.Ordinal);
    }

    [ToolTheory("kubectl", "bash")]
    [InlineData("check", "namePrefix: shop-")]
    [InlineData("apply", "nameSuffix: -shop")]
    public async Task Renamed_objects_are_refused_by_their_cause(string command, string line)
    {
        Assert.Equal(0, (await _script.RunAsync("render", "demo-a")).ExitCode);
        await File.AppendAllTextAsync(_script.File("manifests", "tenants", "demo-a", "kustomization.yaml"), line + "\n");

        var result = await _script.RunAsync(command, "demo-a");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("take namePrefix and nameSuffix out", result.Error, StringComparison.Ordinal);
        Assert.All(_script.Calls(), call => Assert.StartsWith("kustomize ", call, StringComparison.Ordinal));
    }

    private static bool IsWrite(string call) =>
        call.Contains(" create ", StringComparison.Ordinal) || call.StartsWith("create ", StringComparison.Ordinal)
        || (call.StartsWith("apply", StringComparison.Ordinal) && !call.Contains("--dry-run", StringComparison.Ordinal));

    private Task SetAsync(string tenant, string endpoint) => File.AppendAllTextAsync(
        _script.File("manifests", "tenants", tenant, "kustomization.yaml"),
        "configMapGenerator:\n  - name: redis-group\n    behavior: merge\n"
        + $"    literals: [BACKUP_STORE=s3://my-backups, 'BACKUP_S3_ENDPOINT={endpoint}']\n");
}
