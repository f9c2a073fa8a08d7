using Sidecars.Faults.Hosts;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Faults.Faults;

/// <summary>A planned restart as kubelet does it: the preStop hook, then SIGTERM.</summary>
internal static class StepDown
{
    private static readonly TimeSpan HookDeadline = TimeSpan.FromSeconds(30);

    /// <summary>Runs the hook and ends Redis.</summary>
    /// <returns>What lets it start again.</returns>
    public static async Task<Func<Task>> RunAsync(HostGroup group, Host host)
    {
        var environment = new Dictionary<string, string>(group.SidecarEnvironment(host));
        await using (var hook = await ServerProcess.StartAsync(LocalGroup.At(host.RedisNode.Place, new ServerStart(Repository.NativeExecutable("redis-failover"), "step-down", "--timeout", "25s") { Name = "step-down", Environment = environment })))
        {
            var code = await hook.WaitForExitAsync(HookDeadline);
            group.Notes.Enqueue($"step-down of {host} ended with {code}\n{hook.Tail(50)}");
        }

        await host.Redis.TerminateAsync();
        return () =>
        {
            host.Redis.Release();
            return Task.CompletedTask;
        };
    }
}
