using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Sentinels;

/// <summary>
/// Sentinels meet in the channels of the servers that they know. One that knows only a dead master never hears of the epoch in which
/// another was promoted; before this was mended, everything that started meanwhile waited for ever for the epoch to spread.
/// </summary>
[Collection(GroupTests.Name)]
public sealed class EpochSpreadTests
{
    [Fact]
    public async Task A_starting_Sentinel_joins_the_highest_epoch_and_so_makes_the_majority_that_it_lacked()
    {
        await using var group = new LocalGroup(new LocalGroupOptions { Name = "join-highest" });
        var (dead, deaf) = await PromoteUnheardAsync(group);
        await group.Sentinels[0].StartAsync();
        await group.Sentinels[0].Process!.WaitForDecisionAsync("join-highest-epoch");
        await dead.StartAsync();
        await group.WaitHealthyAsync(TimeSpan.FromSeconds(60));
        Assert.True(deaf.Running); // it heard of it by itself, once its master was back as a replica
    }

    [Fact]
    public async Task Where_none_starts_the_waiting_Redis_restarts_the_one_that_has_not_heard()
    {
        await using var group = new LocalGroup(new LocalGroupOptions { Name = "deaf" });
        var (dead, deaf) = await PromoteUnheardAsync(group);
        await dead.StartAsync();
        await dead.Process!.WaitForDecisionAsync("sentinel-behind");
        await deaf.Process!.WaitForExitAsync(TimeSpan.FromSeconds(20)); // kubelet starts it again
        await deaf.StartAsync();
        await group.WaitForAsync("the returned one as a replica", s => s.Master is { } m && m.Node != dead && s.LinkedReplicas == 2);
    }

    // All Sentinels start anew while the master dies. One of them knows nobody but the dead master, and nobody knows it; another knows the
    // replicas, and promotes one as SENTINEL FAILOVER does. (Sentinels that know each other tell each other directly.)
    private static async Task<(LocalNode Dead, LocalNode Deaf)> PromoteUnheardAsync(LocalGroup group)
    {
        var dead = (await group.StartHealthyAsync()).Master!.Node;
        foreach (var sentinel in group.Sentinels) await sentinel.KillAsync();
        await dead.KillAsync();
        var (leader, deaf) = (group.Sentinels[1], group.Sentinels[2]);
        var name = group.Options.EffectiveMasterName;
        await deaf.StartAsync();
        await group.WaitForAsync("the first Sentinel", s => s.Sentinels.Any(x => x.Node == deaf && x.Master == dead.Endpoint));
        await using (var client = await group.ConnectAsync(deaf, TimeSpan.FromSeconds(2)))
            Assert.Equal(1, (await client.CallAsync(default, "SENTINEL", "RESET", name)).Integer);
        await leader.StartAsync();
        await group.WaitForAsync("the second Sentinel", s => s.Sentinels.Any(x => x.Node == leader && x.Master == dead.Endpoint));
        await using (var client = await group.ConnectAsync(leader, TimeSpan.FromSeconds(2)))
            await Eventually.UntilAsync(
                "Sentinel to accept", async () => (await client.CallAsync(default, "SENTINEL", "FAILOVER", name)).Text == "OK");
        await group.WaitForAsync("a promoted replica that one Sentinel names", s =>
            s.Redis.Any(r => r.IsMaster && r.Node != dead && s.Sentinels.Count(x => x.Master == r.Node.Endpoint) == 1)
            && s.Sentinels.Count(x => x.Master == dead.Endpoint) == 1);
        return (dead, deaf);
    }
}
