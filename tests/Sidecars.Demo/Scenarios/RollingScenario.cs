using Sidecars.TestKit.Groups;

namespace Sidecars.Demo.Scenarios;

/// <summary>A first start, the death and return of the master, and a restart of everything, one by one, by Sentinel alone.</summary>
internal sealed class RollingScenario : IScenario
{
    public string Name => "rolling";

    public string Summary => "kill -9 of the master, its return, rolling restart of every node; without the sidecars";

    public async Task RunAsync(Stage stage)
    {
        await stage.StartFromNothingAsync();
        await KillMasterAsync(stage);
        await RollAsync(stage);
    }

    private static async Task KillMasterAsync(Stage stage)
    {
        var killed = Master(stage);
        await stage.StepAsync(
            $"kill -9 of the master, {killed}", killed.KillAsync, state => WholeWithout(state, killed), mayLose: Stage.NotReplicated);
        await stage.StepAsync($"{killed} comes back", killed.StartAsync);
    }

    // Replicas before the master, so that there is one switch, not one a node.
    private static async Task RollAsync(Stage stage)
    {
        var master = Master(stage);
        foreach (var replica in stage.Group.Redis.Where(node => node != master))
            await stage.StepAsync($"restart of {replica} (SIGTERM)", () => replica.RestartAsync());
        foreach (var sentinel in stage.Group.Sentinels)
            await stage.StepAsync($"restart of {sentinel} (SIGTERM)", () => sentinel.RestartAsync());
        await stage.StepAsync($"restart of the master, {master} (SIGTERM)", () => master.RestartAsync(),
            state => state.Problem is null && state.Master?.Node != master);
    }

    private static LocalNode Master(Stage stage) =>
        stage.Watch.Last?.Master?.Node ?? throw new InvalidOperationException("There is not exactly one master.");

    private static bool WholeWithout(GroupState state, LocalNode gone) =>
        state.Master is { } master && master.Node != gone
        && state.LinkedReplicas == state.Redis.Length - 2
        && state.Sentinels.All(s => s.Master == master.Node.Endpoint && s.Flags == "master");
}
