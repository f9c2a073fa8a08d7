using Sidecars.Demo.Tenant;
using Sidecars.TestKit.Groups;

namespace Sidecars.Demo.Scenarios;

/// <summary>What happens to a tenant in its life, from its first write to a restore, with everything that runs in its pods.</summary>
internal sealed class TourScenario : IScenario
{
    public string Name => "tour";

    public string Summary => "the whole product: first write, kill -9, step-down, lost volume, total loss, restore to a second";

    public bool HasSidecars => true;

    public async Task RunAsync(Stage stage)
    {
        var tenant = stage.Tenant ?? throw new InvalidOperationException("The tour needs the sidecars.");
        await stage.StartFromNothingAsync();
        await KillMasterAsync(stage);
        await StepDownAsync(stage, tenant);
        await LoseVolumeAsync(stage, tenant);
        await LoseEverythingAsync(stage, tenant);
        await RestoreSteps.RestoreToASecondAsync(stage, tenant);
    }

    private static async Task KillMasterAsync(Stage stage)
    {
        var killed = LossSteps.Master(stage);
        await stage.StepAsync(
            $"kill -9 of the master, {killed}",
            killed.KillAsync,
            state => state.Master is { } master && master.Node != killed && state.LinkedReplicas == state.Redis.Length - 2,
            mayLose: Stage.NotReplicated);
        await stage.StepAsync($"{killed} comes back", killed.StartAsync);
    }

    private static async Task StepDownAsync(Stage stage, LocalTenant tenant)
    {
        var old = LossSteps.Master(stage);
        await stage.StepAsync($"step-down of {old}", () => tenant.StepDownAsync(old), state => IsWholeUnderAnother(state, old));
    }

    // Its pod with all three containers, and a new one at once: back before any Sentinel has noticed that it was gone.
    private static async Task LoseVolumeAsync(Stage stage, LocalTenant tenant)
    {
        var master = LossSteps.Master(stage);
        await stage.StepAsync(
            $"{master}, the master, loses pod and volume",
            async () =>
            {
                await tenant.KillPodAsync(master);
                master.WipeData();
                await tenant.StartPodAsync(master);
            },
            state => IsWholeUnderAnother(state, master),
            mayLose: Stage.NotReplicated);
    }

    private static Task LoseEverythingAsync(Stage stage, LocalTenant tenant) => stage.StepAsync(
        "everything is killed, and comes back",
        async () =>
        {
            var sentinels = stage.Group.Sentinels;
            await Task.WhenAll([.. stage.Group.Redis.Select(tenant.KillPodAsync), .. sentinels.Select(sentinel => sentinel.KillAsync())]);
            foreach (var sentinel in sentinels) sentinel.WipeConfig();
            await stage.Group.StartAsync(sentinels, cancellation: stage.Cancellation);
            await Task.WhenAll(stage.Group.Redis.Select(tenant.StartPodAsync));
        },
        mayLose: Stage.NotReplicated);

    private static bool IsWholeUnderAnother(GroupState state, LocalNode old) => state.Problem is null && state.Master!.Node != old;
}
