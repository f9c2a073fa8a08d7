using System.Text.Json;
using Sidecars.Manifests.Tests.Rendering;

namespace Sidecars.Manifests.Tests.Tenants;

/// <summary>
/// scripts/tenant beside kubectl by hand, rollbacks and GitOps, with a kubectl that keeps both workloads and who manages their fields as an
/// API server does: a server-side apply conflicts with every other manager unless it is forced, anything else takes the fields.
/// </summary>
public sealed class FieldManagerTests : IDisposable
{
    // $STATE: a file a workload, and its managers. $BROKEN: the workload whose rollout does not end.
    private const string Kubectl = """
        #!/bin/bash
        echo "$*" >>"$CALLS"
        workloads="deployment/sentinel statefulset/redis"
        live() { echo "$STATE/${1##*/}"; }
        object() { # WORKLOAD FILE: its document there
            if [[ $(head -c 1 "$2") == "{" ]]; then grep -i "\"kind\":\"${1%/*}\"" "$2" || true; else
                awk -v kind="${1%/*}" '/^---$/ { flush() } { text = text $0 "\n" } /^kind: / { is = tolower($2) == kind }
                    function flush() { if (is) printf "%s", text; text = ""; is = 0 } END { flush() }' "$2"; fi
        }
        store() { # WORKLOAD FILE MANAGER
            object "$1" "$2" >"$STATE/new"
            if [[ -s $STATE/new ]]; then
                [[ ! -f $(live "$1") ]] || cp "$(live "$1")" "$(live "$1").before"
                mv "$STATE/new" "$(live "$1")"; echo "$3" >"$(live "$1").managers"
            fi
        }
        manager=kubectl file=
        for ((i = 1; i <= $#; i++)); do
            case ${!i} in
                --field-manager=*) manager=${!i#*=} ;;
                -f) next=$((i + 1)) file=${!next} ;;
            esac
        done
        case "$*" in
            kustomize*) exec "$REAL_KUBECTL" "$@" ;;
            diff*) cat >/dev/null ;;
            "apply -k"*)
                "$REAL_KUBECTL" kustomize "$3" >"$STATE/rendered"
                for workload in $workloads; do store "$workload" "$STATE/rendered" kubectl-client-side-apply; done ;;
            "apply --server-side"*)
                for workload in $workloads; do
                    [[ $* != *--force-conflicts* && -f $(live "$workload") && -n $(object "$workload" "$file") ]] || continue
                    others=$(grep -vx "$manager" "$(live "$workload").managers")
                    if [[ -n $others ]]; then
                        printf 'error: Apply failed with 2 conflicts: conflicts with "%s" using apps/v1:\n' "$others" >&2
                        printf -- '- .spec.replicas\n- .spec.template\nPlease review the fields above\n' >&2
                        exit 1
                    fi
                done
                [[ $* == *--dry-run=server* ]] || for workload in $workloads; do store "$workload" "$file" "$manager"; done ;;
            *"rollout status ${BROKEN:-none} "*) exit 1 ;;
            *"rollout undo"*)
                workload=${!#}
                cp "$(live "$workload").before" "$(live "$workload")"
                echo kubectl >"$(live "$workload").managers" ;;
            *"scale"*) echo kubectl >"$(live redis).managers" ;;
            *get*"jsonpath={.metadata.labels}"* | *get*"jsonpath={.spec}"*)
                for workload in $workloads; do
                    [[ $* == *"$workload"* && -f $(live "$workload") ]] || continue
                    "$REAL_KUBECTL" label --local -f "$(live "$workload")" --overwrite app.kubernetes.io/instance=redis --output "${!#}"
                done ;;
            *"get pods --selector app.kubernetes.io/part-of!=sidecars"*) ;;
            *"get pods --selector"*sentinel*) echo pod/sentinel-x ;;
            *"get pods --selector"*) echo pod/redis-0 ;;
        esac
        """;

    private readonly TenantScript _script = new(Kubectl);

    public void Dispose() => _script.Dispose();

    [ToolTheory("kubectl", "bash")]
    [InlineData("deployment/sentinel")]
    [InlineData("statefulset/redis")]
    public async Task A_rollout_that_fails_goes_back_as_the_same_manager_and_stands_in_nobodys_way(string broken)
    {
        Assert.Equal(0, (await _script.RunAsync("apply", "demo-a")).ExitCode);
        var before = await SpecAsync(broken);
        await UpgradeAsync("9.9.9");

        var failed = await _script.RunWithAsync(new() { ["BROKEN"] = broken }, "apply", "demo-a");

        Assert.Equal(1, failed.ExitCode);
        Assert.Contains("went back to what ran before", failed.Error, StringComparison.Ordinal);
        Assert.Equal(before, await SpecAsync(broken));
        Assert.Equal("sidecars-tenant", await ManagersAsync(broken));
        // Redis is not touched further while Sentinels are not well.
        var waits = _script.Calls().Count(call => call.Contains("rollout status statefulset/redis", StringComparison.Ordinal));
        Assert.Equal(broken == "statefulset/redis" ? 2 : 1, waits);

        var again = await _script.RunAsync("apply", "demo-a");
        var upgraded = await _script.RunAsync("upgrade", "demo-a");
        Assert.True(again.ExitCode == 0, again.Error);
        Assert.True(upgraded.ExitCode == 0, upgraded.Error);
        Assert.Contains("9.9.9", await SpecAsync(broken), StringComparison.Ordinal);
        // The rollback alone was forced: there was nothing to take over afterwards.
        Assert.Single(_script.Calls(), IsForced);
    }

    [ToolFact("kubectl", "bash")]
    public async Task What_is_gone_back_to_is_an_object_with_the_labels_and_the_spec_that_ran()
    {
        Assert.Equal(0, (await _script.RunAsync("apply", "demo-a")).ExitCode);
        await UpgradeAsync("9.9.9");
        Assert.Equal(1, (await _script.RunWithAsync(new() { ["BROKEN"] = "statefulset/redis" }, "apply", "demo-a")).ExitCode);

        using var applied = JsonDocument.Parse(await File.ReadAllTextAsync(_script.File("state", "redis")));
        var root = applied.RootElement;
        var metadata = root.GetProperty("metadata");
        Assert.Equal(["apiVersion", "kind", "metadata", "spec"], root.EnumerateObject().Select(member => member.Name));
        Assert.Equal(("apps/v1", "StatefulSet"), (Text(root, "apiVersion"), Text(root, "kind")));
        Assert.Equal(("redis", "demo-a"), (Text(metadata, "name"), Text(metadata, "namespace")));
        Assert.Equal("sidecars", Text(metadata.GetProperty("labels"), "app.kubernetes.io/part-of"));
        Assert.Equal("Parallel", Text(root.GetProperty("spec"), "podManagementPolicy"));
    }

    [ToolFact("kubectl", "bash")]
    public async Task A_first_installation_has_nothing_to_go_back_to()
    {
        var failed = await _script.RunWithAsync(new() { ["BROKEN"] = "deployment/sentinel" }, "apply", "demo-a");

        Assert.Equal(1, failed.ExitCode);
        Assert.Contains("a first installation", failed.Error, StringComparison.Ordinal);
        Assert.Single(_script.Calls(), IsWrite);
    }

    [ToolTheory("kubectl", "bash")]
    [InlineData("kubectl-client-side-apply", "apply", "apply -k")]
    [InlineData("kubectl-client-side-apply", "upgrade", "apply -k")]
    [InlineData("kubectl", "apply", "--namespace demo-a rollout undo statefulset/redis")]
    [InlineData("kubectl", "upgrade", "--namespace demo-a rollout undo statefulset/redis")]
    [InlineData("kubectl", "apply", "--namespace demo-a scale statefulset/redis --replicas=1")]
    public async Task What_kubectl_did_by_hand_is_taken_over_and_said(string manager, string command, string byHand)
    {
        foreach (var tag in (string[])["9.9.8", "9.9.9"])
        {
            await UpgradeAsync(tag);
            if (byHand != "apply -k") Assert.Equal(0, (await _script.RunAsync("apply", "demo-a")).ExitCode);
        }

        Assert.Equal(0, (await _script.KubectlAsync(byHand == "apply -k" ? ["apply", "-k", Folder] : byHand.Split(' '))).ExitCode);

        var result = await _script.RunAsync(command, "demo-a");

        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Contains($"tenant: {manager} set fields otherwise; they get the folder's values", result.Error, StringComparison.Ordinal);
        Assert.Contains("- .spec.template", result.Error, StringComparison.Ordinal);
        Assert.Equal("sidecars-tenant", await ManagersAsync("statefulset/redis"));
        // And back, and once more: either may follow the other.
        Assert.Equal(0, (await _script.KubectlAsync("apply", "-k", Folder)).ExitCode);
        Assert.Equal(0, (await _script.RunAsync("apply", "demo-a")).ExitCode);
        Assert.DoesNotContain("set fields otherwise", (await _script.RunAsync("apply", "demo-a")).Error, StringComparison.Ordinal);
    }

    [ToolTheory("kubectl", "bash")]
    [InlineData("argocd-controller")]
    [InlineData("kustomize-controller")]
    [InlineData("kubectlish")]
    public async Task Fields_of_another_applier_are_left_to_it(string manager)
    {
        Assert.Equal(0, (await _script.RunAsync("apply", "demo-a")).ExitCode);
        await File.WriteAllTextAsync(_script.File("state", "redis.managers"), manager + "\n");
        var before = _script.Calls().Length;

        var result = await _script.RunAsync("apply", "demo-a");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains($"{manager} manages fields of this tenant", result.Error, StringComparison.Ordinal);
        Assert.Contains("nothing was changed", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(_script.Calls()[before..], call => IsWrite(call) || IsForced(call));
    }

    [ToolFact("kubectl", "bash")]
    public async Task A_diff_shows_what_apply_would_take_over()
    {
        Assert.Equal(0, (await _script.RunAsync("diff", "demo-a")).ExitCode);

        Assert.Contains("diff --server-side --force-conflicts --field-manager=sidecars-tenant -f -", _script.Calls());
    }

    private string Folder => _script.File("manifests", "tenants", "demo-a");

    private static bool IsWrite(string call) =>
        call.StartsWith("apply", StringComparison.Ordinal) && !call.Contains("--dry-run", StringComparison.Ordinal);

    private static bool IsForced(string call) =>
        call.StartsWith("apply", StringComparison.Ordinal) && call.Contains("--force-conflicts", StringComparison.Ordinal);

    private static string? Text(JsonElement element, string name) => element.GetProperty(name).GetString();

    private async Task UpgradeAsync(string tag)
    {
        Assert.Equal(0, (await _script.RunAsync("render", "demo-a")).ExitCode); // the copy is there
        var file = Path.Combine(Folder, "kustomization.yaml");
        var lines = (await File.ReadAllLinesAsync(file)).Where(line => !line.Contains("{name: sidecars/", StringComparison.Ordinal));
        string[] images = ["redis", "sentinel"];
        var moved = images.Select(name => $"  - {{name: sidecars/{name}, newName: registry.example/{name}, newTag: {tag}}}");
        await File.WriteAllLinesAsync(file, [.. lines, .. moved]);
    }

    private async Task<string> SpecAsync(string workload) =>
        (await _script.KubectlAsync("get", workload, "--output", "jsonpath={.spec}")).Output;

    private async Task<string> ManagersAsync(string workload) =>
        (await File.ReadAllTextAsync(_script.File("state", workload.Split('/')[1] + ".managers"))).Trim();
}
