namespace Sidecars.Demo.Bench.Switch;

/// <summary>What happens to the group while a client writes.</summary>
/// <param name="Name">Of the option.</param>
/// <param name="Title">For the table.</param>
/// <param name="Runs">Of each client, where no number is asked for.</param>
/// <param name="InHouseRuns">Of our own writers: the figure of the switch itself is a median of more runs than a client's.</param>
/// <param name="MayLose">True: what was not replicated is lost with the process.</param>
/// <param name="PlayAsync">Returns once the group is whole again.</param>
internal sealed record SwitchScenario(
    string Name, string Title, int Runs, int InHouseRuns, bool MayLose, Func<SwitchStage, Task> PlayAsync);

/// <summary>All scenarios.</summary>
internal static class SwitchScenarios
{
    public static IReadOnlyList<SwitchScenario> All { get; } =
    [
        new("planned", "planned step-down", 20, 50, MayLose: false, StepDownAsync),
        new("kill", "kill -9 of the master", 20, 50, MayLose: true, KillAsync),
        new("rolling", "rolling restart of all pods", 5, 5, MayLose: false, RollAsync),
    ];

    private static async Task StepDownAsync(SwitchStage stage)
    {
        var old = await stage.MasterAsync();
        await stage.StepDownAsync(old);
        await stage.WaitAsync($"another master than {old}", state => state.Problem is null && state.Master!.Node != old);
    }

    private static async Task KillAsync(SwitchStage stage)
    {
        var killed = await stage.MasterAsync();
        await killed.KillAsync();
        await stage.WaitAsync($"another master than {killed}", state => state.Master is { } master && master.Node != killed
            && state.Sentinels.All(s => master.Node.IsAt(s.Master)));
        await killed.StartAsync();
        await stage.WaitAsync($"{killed} as a replica", state => state.Problem is null);
    }

    // Of a StatefulSet from the last to the first, whoever is master; then the Sentinels.
    private static async Task RollAsync(SwitchStage stage)
    {
        foreach (var node in stage.Group.Redis.Reverse())
        {
            await stage.StepDownAsync(node); // the preStop hook
            await node.TerminateAsync();
            await stage.EndSidecarAsync(node);
            node.BecomeNewPod();
            await node.StartAsync();
            await stage.StartSidecarAsync(node);
            await stage.WaitAsync($"{node} as a new pod", state => state.Problem is null);
        }

        foreach (var sentinel in stage.Group.Sentinels)
        {
            await sentinel.RestartAsync();
            await stage.WaitAsync($"{sentinel} again", state => state.Problem is null);
        }
    }
}
