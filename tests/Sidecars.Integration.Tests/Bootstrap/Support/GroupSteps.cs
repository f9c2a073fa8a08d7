using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Bootstrap.Support;

/// <summary>Steps that most tests of whole groups share.</summary>
internal static class GroupSteps
{
    /// <summary>
    /// Starts Redis and, once the replicas are linked, the Sentinels, which then know every replica at once: a Sentinel that
    /// is faster than the replicas learns them from the master's next INFO only, 10 s later (SENTINEL_INFO_PERIOD).
    /// </summary>
    public static async Task<GroupState> StartHealthyAsync(this LocalGroup group)
    {
        await group.StartAsync(group.Redis);
        await group.WaitForAsync("one master and its replicas", s => s.LinkedReplicas == group.Redis.Length - 1);
        await group.StartAsync(group.Sentinels);
        return await group.WaitHealthyAsync();
    }

    /// <summary>Three Redis live until those in sync are on record; then all are killed, and their volumes are empty.</summary>
    public static async Task LiveAndLoseAsync(this LocalGroup group)
    {
        await group.StartAsync(group.Redis);
        await group.WaitForAsync("one master and its replicas", s => s.LinkedReplicas == 2);
        await using (var sidecars = GroupSidecars.Start(group))
            await Eventually.UntilAsync(
                "those in sync to be on record", async () => (await sidecars.RecordAsync()).InSync is { Length: 2 });
        await Task.WhenAll(group.Redis.Select(n => n.KillAsync()));
        foreach (var node in group.Redis) node.WipeData();
    }

    /// <summary>One master, every other node linked to it, and every Sentinel names it: healthy but for that 10 s.</summary>
    public static Task<GroupState> WaitAgreedAsync(this LocalGroup group) => group.WaitForAsync(
        "one master for all",
        s => s.LinkedReplicas == s.Redis.Length - 1
            && s.Sentinels.All(x => x.Master == s.Master!.Node.Endpoint && x.Flags == "master" && x.Others == s.Sentinels.Length - 1)
            && s.Sentinels.Select(x => x.Epoch).Distinct().Count() == 1);

    /// <summary>Runs redis-bootstrap with a person's words, in the environment of redis-0; its exit code.</summary>
    public static async Task<int> SayAsync(this LocalGroup group, params string[] words)
    {
        await using var said = await ServerProcess.StartAsync(
            new ServerStart(LooseNode.Executable, words) { Environment = group.EnvironmentOf(group.Redis[0]) });
        return await said.WaitForExitAsync();
    }
}
