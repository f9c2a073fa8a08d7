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
        await HandOverAsync(group, host, "--terminating");
        await host.Redis.TerminateAsync();
        return () =>
        {
            host.Redis.Release();
            return Task.CompletedTask;
        };
    }

    /// <summary>Hands over to that replica; the old master goes on.</summary>
    public static Task HandOverToAsync(HostGroup group, Host host, Host to) =>
        HandOverAsync(group, host, "--to", to.RedisNode.Endpoint.ToString());

    private static async Task HandOverAsync(HostGroup group, Host host, params string[] arguments)
    {
        var start = new ServerStart(Repository.NativeExecutable("redis-failover"), ["step-down", "--timeout", "25s", .. arguments])
        {
            Name = "step-down",
            Environment = group.SidecarEnvironment(host),
        };
        await using var hook = await ServerProcess.StartAsync(LocalGroup.At(host.RedisNode.Place, start));
        var code = await hook.WaitForExitAsync(HookDeadline);
        group.Notes.Enqueue($"step-down of {host} ended with {code}\n{hook.Tail(50)}");
    }
}
