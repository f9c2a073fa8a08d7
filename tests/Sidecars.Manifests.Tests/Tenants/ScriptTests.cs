using Sidecars.Manifests.Tests.Policies;
using Sidecars.Manifests.Tests.Rendering;
using Sidecars.Manifests.Tests.Schema;

namespace Sidecars.Manifests.Tests.Tenants;

/// <summary>scripts/tenant on a copy of manifests/; where it needs a cluster, with a kubectl that writes down what it is told.</summary>
public sealed class ScriptTests : IDisposable
{
    // Renders for real. $REFUSED: the server's dry run fails.
    private const string RecordingKubectl = """
        #!/bin/sh
        echo "$*" >>"$CALLS"
        case "$*" in
            kustomize*) exec "$REAL_KUBECTL" "$@" ;;
            "delete --ignore-not-found"*) for last; do :; done; cp "$last" "$(dirname "$CALLS")/deleted" ;;
            *--dry-run=server*) exit ${REFUSED:-0} ;;
            *"get secret redis-auth"*) exit ${NO_SECRET:-0} ;;
            *"get validatingadmissionpolicybinding sidecars-role-label"*) exit ${UNBOUND:-0} ;;
            *"get statefulset redis"*) exit ${NOT_THERE:-0} ;;
            *"step-down"*) exit ${STUCK:-0} ;;
            *"apply --server-side"*) for last; do :; done; sed -n "s/^      partition: /partition /p" "$last" >>"$CALLS" ;;
            *"exec ${SICK:-none} --container redis -- redis-failover status"*) echo "! ghost"; exit 1 ;;
            *"-- redis-failover status"*) echo "healthy" ;;
            *"get pods --selector app.kubernetes.io/part-of!=sidecars"*) ;;
            *"get pod redis-0"*) echo "exporter failover $MORE" ;;
            *"get pods --selector"*sentinel*) echo pod/sentinel-x ;;
            *"get pods --selector"*) printf 'pod/redis-0\npod/redis-1\n' ;;
            *"exec redis-1"*) [ -z "$LOADING" ] && { echo "ready: fine"; exit 0; }; echo "not ready: LOADING 40 %"; echo "command terminated with exit code 1" >&2; exit 1 ;;
            *exec*) echo "ready: fine" ;;
        esac
        """;

    private readonly TenantScript _script = new(RecordingKubectl);

    public void Dispose() => _script.Dispose();

    [ToolFact("kubectl", "bash")]
    public async Task A_new_tenant_is_right_from_the_start()
    {
        var made = await RunAsync("new", "demo-c", "--memory", "3Gi", "--storage", "20Gi", "--registry", "registry.example/team",
            "--component", "monitoring", "--component", "replicas-5");
        Assert.True(made.ExitCode == 0, made.Error);

        var first = await RunAsync("render", "demo-c");
        var rendered = new Rendered(first.Output);

        Assert.Equal(first.Output, (await RunAsync("render", "demo-c")).Output);
        Assert.Empty(rendered.Objects.SelectMany(item => ManifestSchema.Load().Check(item.Node)));
        var redis = rendered.Workload("redis");
        Assert.Empty(RestrictedPods.Violations(redis.Pod));
        Assert.Equal((5, "3Gi", "registry.example/team/redis:0.1.0"),
            (redis.Replicas, redis.Main.Text("resources", "limits", "memory"), redis.Main.Text("image")));
        Assert.Contains("maxmemory 1843mb", first.Output, StringComparison.Ordinal);
        Assert.Equal("20Gi", redis.Owner.Node.Items("spec", "volumeClaimTemplates")[0].Text("spec", "resources", "requests", "storage"));
    }

    [ToolTheory("bash")]
    [InlineData("is no namespace", "new", "Demo_C")]
    [InlineData("no component 'backups'", "new", "demo-c", "--component", "backups")]
    [InlineData("no component '../tenants/demo-a'", "new", "demo-c", "--component", "../tenants/demo-a")]
    [InlineData("whole Mi or Gi", "new", "demo-c", "--memory", "1.5Gi")]
    [InlineData("least that a Redis", "new", "demo-c", "--memory", "64Mi")]
    [InlineData("at least twice as much, 204800Mi", "new", "demo-c", "--memory", "100Gi", "--storage", "1Gi")]
    [InlineData("at least twice as much, 4096Mi", "resize", "demo-a", "--memory", "2Gi", "--storage", "3Gi")]
    [InlineData("at least twice as much, 65536Mi", "resize", "demo-b", "--memory", "32Gi")]
    [InlineData("must be 1 to 65535", "new", "demo-c", "--egress-port", "70000")]
    [InlineData("is a namespace of the cluster's own", "new", "kube-system")]
    [InlineData("is a namespace of the cluster's own", "new", "default")]
    [InlineData("is a namespace of the cluster's own", "apply", "kube-public")]
    [InlineData("is a namespace of the cluster's own", "status", "default")]
    [InlineData("a value is missing", "new", "demo-c", "--memory")]
    [InlineData("unknown argument --size", "new", "demo-c", "--size", "1Gi")]
    [InlineData("needs the NAME", "apply")]
    [InlineData("not 'demo-b'", "apply", "demo-a", "demo-b")]
    [InlineData("not '--force'", "status", "demo-a", "--force")]
    [InlineData("resize needs --memory or --storage", "resize", "demo-a")]
    [InlineData("to confirm, add: --confirm demo-a", "delete", "demo-a", "--with-data")]
    [InlineData("no key 'password'", "rotate-password", "demo-a", "--secret", "password")]
    [InlineData("is not redis/POD", "ask", "demo-a", "redis-0", "PING")]
    [InlineData("there is no tenant demo-x", "render", "demo-x")]
    [InlineData("'../base' is no namespace", "render", "../base")]
    [InlineData("unknown command destroy", "destroy", "demo-a")]
    public async Task A_mistake_is_named_and_nothing_is_made(string message, params string[] arguments)
    {
        var result = await RunAsync(arguments);

        Assert.Equal(2, result.ExitCode);
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_script.File("manifests", "tenants", "demo-c")));
    }

    [ToolFact("kubectl", "bash")]
    public async Task Apply_asks_the_server_first_and_waits_for_Sentinels_then_Redis()
    {
        var result = await RunAsync("apply", "demo-a");

        Assert.True(result.ExitCode == 0, result.Error);
        var calls = Calls();
        var steps = new[]
        {
            "--dry-run=server", "apply --server-side --field-manager=sidecars-tenant -f", "rollout status deployment/sentinel",
            "rollout status statefulset/redis"
        };
        var places = steps.Select(step => Array.FindIndex(calls, call => call.Contains(step, StringComparison.Ordinal))).ToArray();
        Assert.True(places[0] >= 0 && places.SequenceEqual(places.Order()), string.Join('\n', calls));
        Assert.DoesNotContain(calls, call => call.Contains("undo", StringComparison.Ordinal));
    }

    [ToolTheory("kubectl", "bash")]
    [InlineData("apply")]
    [InlineData("upgrade")]
    [InlineData("check")]
    public async Task A_tenant_that_lacks_what_only_it_can_say_is_refused_with_the_lines_to_add(string command)
    {
        Assert.Equal(0, (await RunAsync("new", "demo-c", "--component", "backup", "--component", "route53")).ExitCode);

        var result = await RunAsync(command, "demo-c");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("{name: sidecars/redis, newName: REGISTRY/redis}", result.Error, StringComparison.Ordinal);
        Assert.Contains("{name: sidecars/sentinel, newName: REGISTRY/sentinel}", result.Error, StringComparison.Ordinal);
        Assert.Contains("literals: [BACKUP_STORE=…, DNS_NAME=…, ROUTE53_ZONE_ID=…]", result.Error, StringComparison.Ordinal);
        // the first asked whether the namespace is free
        Assert.All(Calls().Skip(1), call => Assert.StartsWith("kustomize ", call, StringComparison.Ordinal));
    }

    [ToolFact("kubectl", "bash")]
    public async Task What_is_missing_is_named_alone_and_what_was_added_is_enough()
    {
        Assert.Equal(0, (await RunAsync(
            "new", "demo-c", "--component", "backup", "--component", "external-dns", "--registry", "localhost:5000/team")).ExitCode);
        var file = _script.File("manifests", "tenants", "demo-c", "kustomization.yaml");
        await File.AppendAllTextAsync(
            file, "configMapGenerator:\n  - name: redis-group\n    behavior: merge\n    literals: [DNS_NAME=redis.example.org]\n");
        var before = await RunAsync("apply", "demo-c");
        await File.WriteAllTextAsync(file, (await File.ReadAllTextAsync(file))
            .Replace("literals: [", "literals: [BACKUP_STORE=s3://my-backups, ", StringComparison.Ordinal));
        var after = await RunAsync("apply", "demo-c");

        Assert.Contains("literals: [BACKUP_STORE=…]", before.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("REGISTRY", before.Error, StringComparison.Ordinal);
        Assert.True(after.ExitCode == 0, after.Error);
    }

    [ToolFact("kubectl", "bash")]
    public async Task What_the_server_refuses_changes_nothing()
    {
        var result = await RunWithAsync(new() { ["REFUSED"] = "1" }, "apply", "demo-a");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("nothing was changed", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(Calls(),
            call => call.StartsWith("apply", StringComparison.Ordinal) && !call.Contains("--dry-run=server", StringComparison.Ordinal));
    }

    [ToolFact("kubectl", "bash")]
    public async Task A_tenant_without_its_Secret_is_not_applied()
    {
        var result = await RunWithAsync(new() { ["NO_SECRET"] = "1" }, "apply", "demo-a");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("scripts/tenant secret demo-a", result.Error, StringComparison.Ordinal);
    }

    [ToolTheory("kubectl", "bash")]
    [InlineData("1")]
    [InlineData("0")]
    public async Task Pods_may_label_themselves_only_where_the_policy_that_bounds_it_is_there(string unbound)
    {
        Assert.Equal(0, (await RunAsync("new", "demo-c", "--component", "role-label", "--registry", "registry.example")).ExitCode);

        var result = await RunWithAsync(new() { ["UNBOUND"] = unbound }, "apply", "demo-c");

        Assert.True((unbound == "1") == (result.ExitCode == 1), result.Error);
        Assert.Equal(unbound == "1", result.Error.Contains("kubectl apply -k manifests/cluster/role-label", StringComparison.Ordinal));
        if (unbound == "1")
            Assert.DoesNotContain(
                Calls(), call => call.StartsWith("apply", StringComparison.Ordinal) || call.StartsWith("create", StringComparison.Ordinal));
    }

    [ToolFact("kubectl", "bash")]
    public async Task Passwords_are_made_once_and_are_on_no_command_line()
    {
        Assert.Equal(0, (await RunAsync("secret", "demo-a")).ExitCode);
        Assert.DoesNotContain(Calls(), call => call.Contains("create secret", StringComparison.Ordinal));

        Assert.Equal(0, (await RunWithAsync(new() { ["NO_SECRET"] = "1" }, "secret", "demo-a")).ExitCode);
        var create = Assert.Single(Calls(), call => call.Contains("create secret", StringComparison.Ordinal));
        Assert.Matches("^--namespace demo-a create secret generic redis-auth --from-file=/dev/shm/[^ ]+$", create);
    }

    [ToolFact("kubectl", "bash")]
    public async Task An_upgrade_backs_up_moves_the_master_to_the_pod_that_is_restarted_last_and_then_applies()
    {
        var result = await RunWithAsync(new() { ["MORE"] = "backup" }, "upgrade", "demo-a");

        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Contains("only a restore leads back", result.Error, StringComparison.Ordinal);
        AssertInOrder("exec redis-0 --container backup -- redis-backup now",
            "exec redis-1 --container redis -- redis-failover step-down --to redis-0", "--dry-run=server",
            "rollout status statefulset/redis");
        Assert.DoesNotContain(
            Calls(), call => call.Contains("exec redis-0 --container redis -- redis-failover step-down", StringComparison.Ordinal));
    }

    [ToolFact("kubectl", "bash")]
    public async Task An_upgrade_replaces_one_pod_after_another_and_the_next_only_once_the_group_is_well()
    {
        var result = await RunAsync("upgrade", "demo-a");

        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Equal(
            ["status redis-0", "partition 3", "partition 2", "status redis-2", "partition 1", "status redis-1", "partition 0",
                "status redis-0"],
            Calls().Where(call => call.StartsWith("partition", StringComparison.Ordinal)
                || call.EndsWith("redis-failover status", StringComparison.Ordinal))
                .Select(call => call.EndsWith("status", StringComparison.Ordinal) ? "status " + call.Split(' ')[3] : call));
        // The last apply is the rendered state itself: a later plain apply has nothing to undo.
        Assert.EndsWith("apply --server-side --field-manager=sidecars-tenant -f",
            Calls().Last(call => call.StartsWith("apply", StringComparison.Ordinal)).Split(" /")[0], StringComparison.Ordinal);
    }

    [ToolFact("kubectl", "bash")]
    public async Task An_upgrade_stops_where_the_group_does_not_become_well_again()
    {
        var result = await RunWithAsync(new() { ["SICK"] = "redis-1", ["WELL_TIMEOUT"] = "0" }, "upgrade", "demo-a");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("! ghost", result.Error, StringComparison.Ordinal);
        Assert.Contains("after redis-1 was replaced", result.Error, StringComparison.Ordinal);
        Assert.Contains("partition 1", Calls());
        Assert.DoesNotContain("partition 0", Calls());
    }

    [ToolTheory("kubectl", "bash")]
    [InlineData("LOADING", "demo-a is not well")]
    [InlineData("STUCK", "the master was not moved to redis-0")]
    public async Task An_upgrade_of_a_group_that_is_not_well_changes_nothing(string variable, string message)
    {
        var result = await RunWithAsync(new() { [variable] = "1" }, "upgrade", "demo-a");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(Calls(), call => call.StartsWith("apply", StringComparison.Ordinal));
    }

    [ToolFact("kubectl", "bash")]
    public async Task Volumes_grow_in_place_and_the_pods_outlive_their_StatefulSet()
    {
        var result = await RunAsync("resize", "demo-a", "--storage", "16Gi", "--memory", "2Gi");

        Assert.True(result.ExitCode == 0, result.Error);
        AssertInOrder("patch persistentvolumeclaim data-redis-0 --type merge --patch "
            + "{\"spec\":{\"resources\":{\"requests\":{\"storage\":\"16Gi\"}}}}",
            "delete statefulset redis --cascade=orphan", "apply --server-side --field-manager=sidecars-tenant -f");
        var redis = new Rendered((await RunAsync("render", "demo-a")).Output).Workload("redis");
        Assert.Equal(("16Gi", "2Gi"),
            (redis.Owner.Node.Items("spec", "volumeClaimTemplates")[0].Text("spec", "resources", "requests", "storage"),
                redis.Main.Text("resources", "limits", "memory")));
    }

    [ToolFact("kubectl", "bash")]
    public async Task A_tenant_that_is_not_in_the_cluster_is_resized_in_its_folder_alone()
    {
        var result = await RunWithAsync(new() { ["NOT_THERE"] = "1" }, "resize", "demo-b", "--memory", "8Gi");

        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Contains("maxmemory 4915mb", (await RunAsync("render", "demo-b")).Output, StringComparison.Ordinal);
        Assert.DoesNotContain(Calls(), call => call.StartsWith("apply", StringComparison.Ordinal));
    }

    [ToolTheory("kubectl", "bash")]
    [InlineData(1, "a volume can't shrink", "resize", "demo-b", "--storage", "16Gi")]
    [InlineData(2, "128Mi is the least", "resize", "demo-a", "--memory", "64Mi")]
    [InlineData(2, "to confirm, add: --confirm demo-a", "delete", "demo-a", "--with-data")]
    [InlineData(2, "to confirm, add: --confirm demo-a", "delete", "demo-a", "--confirm", "demo-b")]
    public async Task A_change_that_would_harm_is_refused_before_anything_is_done(int code, string message, params string[] arguments)
    {
        var result = await RunAsync(arguments);

        Assert.Equal(code, result.ExitCode);
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(Calls(), call => call.StartsWith("apply", StringComparison.Ordinal)
            || call.Contains("delete", StringComparison.Ordinal) || call.Contains("patch", StringComparison.Ordinal));
    }

    [ToolTheory("kubectl", "bash")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_deleted_tenant_keeps_its_data_unless_told_otherwise(bool withData)
    {
        string[] arguments = ["delete", "demo-a", "--confirm", "demo-a", .. withData ? ["--with-data"] : (string[])[]];
        var result = await RunAsync(arguments);

        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Equal(withData, Calls().Any(call => call.StartsWith("delete namespace demo-a", StringComparison.Ordinal)));
        Assert.Contains(Calls(), call => call.StartsWith("delete --ignore-not-found --wait -f", StringComparison.Ordinal));
        // What was deleted first is everything but the namespace.
        Assert.Contains("kind: StatefulSet", await File.ReadAllTextAsync(_script.File("deleted")), StringComparison.Ordinal);
        Assert.DoesNotContain("kind: Namespace", await File.ReadAllTextAsync(_script.File("deleted")), StringComparison.Ordinal);
    }

    private void AssertInOrder(params string[] steps)
    {
        var calls = Calls();
        var places = steps.Select(step => Array.FindIndex(calls, call => call.Contains(step, StringComparison.Ordinal))).ToArray();
        Assert.True(places[0] >= 0 && places.SequenceEqual(places.Order()), string.Join('\n', calls));
    }

    private string[] Calls() => _script.Calls();

    private Task<ToolResult> RunAsync(params string[] arguments) => _script.RunAsync(arguments);

    private Task<ToolResult> RunWithAsync(Dictionary<string, string> variables, params string[] arguments) =>
        _script.RunWithAsync(variables, arguments);
}
