using Sidecars.Core.Primitives;
using Sidecars.TestKit.Groups;

namespace Sidecars.Demo.Scenarios;

/// <summary>The master's address is given to a pod of another tenant.</summary>
internal sealed class TenantSwapScenario : IScenario
{
    private const string Password = "of-another-tenant";
    private const int OtherPort = 6380;

    public string Name => "tenant-swap";

    public string Summary => "another tenant's Redis comes up at the dead master's address: nobody follows anybody across";

    public async Task RunAsync(Stage stage)
    {
        await stage.StartFromNothingAsync();
        var master = LossSteps.Master(stage);
        var address = master.Place.Own ?? master.Endpoint;
        await using var other = await ComposeAsync(stage, master);
        await stage.StepAsync($"{master} dies, and another tenant's Redis is at its address", async () =>
        {
            await master.KillAsync();
            await other.ComeUpAtAsync(address);
        }, state => state.Redis.Any(r => r.IsMaster && r.Node != master) && state.Redis.Count(r => r.LinkUp) == state.Redis.Length - 2,
            mayLose: Stage.NotReplicated);
        SentinelSteps.Expect(stage, "the other tenant's data are as they were", await other.IsUntouchedAtAsync(address));
    }

    // In the pod of the master where the group is one of pods: at another port until its address is free.
    private static async Task<ForeignTenant> ComposeAsync(Stage stage, LocalNode master)
    {
        var place = master.Place.Own is { } own ? master.Place with { Endpoint = new RedisEndpoint(own.Host, OtherPort) } : null;
        var other = new ForeignTenant(Password, place, place is null ? null : stage.Group.Options.Transport);
        await other.PrepareAsync();
        return other;
    }
}
