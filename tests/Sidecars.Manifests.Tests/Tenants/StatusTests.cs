using Sidecars.Manifests.Tests.Rendering;

namespace Sidecars.Manifests.Tests.Tenants;

/// <summary>scripts/tenant status: what it saw, and exit 1 where that is nothing.</summary>
public sealed class StatusTests : IDisposable
{
    // $AWAY: no cluster answers. $PODS: the roles that have pods. $STOPPED: the pod whose sidecar does not run. $WRONG: what is wrong.
    private const string Kubectl = """
        #!/bin/sh
        echo "$*" >>"$CALLS"
        if [ -n "$AWAY" ]; then echo "The connection to the server was refused" >&2; exit 1; fi
        case "$*" in
            *"app.kubernetes.io/name=sentinel"*) case ${PODS-both} in both | sentinel) echo pod/sentinel-x ;; esac ;;
            *"app.kubernetes.io/name=redis"*) case ${PODS-both} in both | redis) printf 'pod/redis-0\npod/redis-1\n' ;; esac ;;
            *"exec ${STOPPED:-none}"*"--container failover"*)
                echo 'error: unable to upgrade connection: container not found ("failover")' >&2; exit 1 ;;
            *"--container failover -- redis-failover status"*)
                if [ -n "$WRONG" ]; then echo "! $WRONG"; echo "command terminated with exit code 1" >&2; exit 1; fi
                echo "everything agrees" ;;
            *"exec redis-1"*)
                if [ -z "$LOADING" ]; then echo "ready: fine"; exit 0; fi
                echo "not ready: LOADING 40 %"; echo "command terminated with exit code 1" >&2; exit 1 ;;
            *exec*) echo "ready: fine" ;;
        esac
        """;

    private readonly TenantScript _script = new(Kubectl);

    public void Dispose() => _script.Dispose();

    [ToolFact("bash", "kubectl")]
    public async Task It_shows_the_words_of_every_probe_and_what_a_sidecar_sees()
    {
        var result = await _script.RunAsync("status", "demo-a");

        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Equal(
            [
                "redis-0 ready: fine", "redis-1 ready: fine", "sentinel-x ready: fine",
                "redis-failover status in redis-0:", "everything agrees",
            ],
            Lines(result.Output));
    }

    [ToolTheory("bash", "kubectl")]
    [InlineData("LOADING", "1", "redis-1 not ready: LOADING 40 %")]
    [InlineData("WRONG", "ghost", "! ghost")]
    [InlineData("AWAY", "1", "The connection to the server was refused")]
    [InlineData("AWAY", "1", "the cluster was not seen")]
    [InlineData("PODS", "", "no redis pod of demo-a in this cluster")]
    [InlineData("PODS", "", "no sentinel pod of demo-a in this cluster")]
    [InlineData("PODS", "redis", "no sentinel pod of demo-a in this cluster")]
    [InlineData("PODS", "sentinel", "no redis pod of demo-a in this cluster")]
    [InlineData("STOPPED", "redis-", "container not found")]
    public async Task It_fails_and_says_why(string variable, string value, string message)
    {
        var result = await _script.RunWithAsync(new() { [variable] = value }, "status", "demo-a");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains(message, string.Join('\n', Lines(result.Output).Concat(Lines(result.Error))), StringComparison.Ordinal);
        Assert.DoesNotContain("command terminated", result.Output, StringComparison.Ordinal);
    }

    [ToolFact("bash", "kubectl")]
    public async Task A_pod_whose_sidecar_does_not_run_is_passed_over()
    {
        var result = await _script.RunWithAsync(new() { ["STOPPED"] = "redis-0" }, "status", "demo-a");

        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Contains("redis-failover status in redis-1:", result.Output, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Lines(string text) =>
        text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries)));
}
