using Sidecars.TestKit.Groups;

namespace Sidecars.Demo.Scenarios;

/// <summary>The master's address is given to a pod of another tenant.</summary>
internal sealed class TenantSwapScenario : IScenario
{
    public string Name => "tenant-swap";

    public string Summary => "another tenant's Redis comes up at the dead master's address: nobody follows anybody across";

    public async Task RunAsync(Stage stage)
    {
        await using var other = new ForeignTenant("of-another-tenant");
        await other.PrepareAsync();
        await stage.StartFromNothingAsync();
        var master = LossSteps.Master(stage);
        await stage.StepAsync($"{master} dies, and another tenant's Redis is at its address", async () =>
        {
            await master.KillAsync();
            await other.ComeUpAtAsync(master.Endpoint);
        }, state => state.Redis.Any(r => r.IsMaster && r.Node != master) && state.Redis.Count(r => r.LinkUp) == state.Redis.Length - 2, mayLose: Stage.NotReplicated);
        SentinelSteps.Expect(stage, "the other tenant's data are as they were", await other.IsUntouchedAtAsync(master.Endpoint));
    }
}
