using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.Groups;
using Xunit.Abstractions;

namespace Sidecars.Integration.Tests.Bootstrap;

/// <summary>All of a kind die at once: a node drain gone wrong, an out-of-memory killer, a power cut.</summary>
[Collection(GroupTests.Name)]
public sealed class TotalLossTests(ITestOutputHelper output)
{
    [Fact]
    public async Task All_Redis_are_killed_under_living_Sentinels_and_come_back_with_every_acknowledged_key()
    {
        await using var group = new LocalGroup(new LocalGroupOptions { Name = "redis-loss" });
        var named = (await group.StartHealthyAsync()).Master!.Node;
        await group.WriteKeysAsync(named, replicas: 2);
        await Task.WhenAll(group.Redis.Select(node => node.KillAsync()));
        await group.StartAsync(group.Redis);
        await group.WaitAgreedAsync();
        await group.AssertAllKeysEverywhereAsync();
        Assert.Equal(1, group.Redis.Count(node => node.Process!.Decisions()[^1].Kind is "StartAsMaster" or "FollowNamed"));
        Write(group);
    }

    [Fact]
    public async Task Where_the_named_masters_disk_is_lost_too_the_best_other_disk_is_elected_through_Sentinel()
    {
        await using var group = new LocalGroup(new LocalGroupOptions { Name = "redis-loss-empty" });
        var named = (await group.StartHealthyAsync()).Master!.Node;
        await group.WriteKeysAsync(named, replicas: 2);
        await Task.WhenAll(group.Redis.Select(node => node.KillAsync()));
        named.WipeData();
        await group.StartAsync(group.Redis);
        var state = await group.WaitAgreedAsync();
        Assert.NotEqual(named, state.Master!.Node);
        await group.AssertAllKeysEverywhereAsync();
        Assert.Equal("elected-through-sentinel", state.Master.Node.Process!.Codes()[^1]);
        Write(group);
    }

    [Fact]
    public async Task All_six_are_killed_and_come_back_as_one_group_with_the_data()
    {
        await using var group = new LocalGroup(new LocalGroupOptions { Name = "all-loss" });
        await group.WriteKeysAsync((await group.StartHealthyAsync()).Master!.Node, replicas: 2);
        await Task.WhenAll(group.All.Select(node => node.KillAsync()));
        await group.StartAsync();
        await group.WaitAgreedAsync();
        await group.AssertAllKeysEverywhereAsync();
        Write(group);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task All_Sentinels_are_killed_and_find_the_same_master(bool asNewPods)
    {
        await using var group = new LocalGroup(new LocalGroupOptions { Name = asNewPods ? "sentinels-new" : "sentinels-kept" });
        var first = (await group.StartHealthyAsync()).Master!.Node;
        await using (var client = await group.ConnectAsync(group.Sentinels[0], TimeSpan.FromSeconds(5)))
        {
            // Until a replica was polled there is no good one.
            await TestKit.Processes.Eventually.UntilAsync(
                "the failover to be accepted",
                async () => (await client.CallAsync(default, "SENTINEL", "FAILOVER", group.Options.EffectiveMasterName)).Text == "OK");
        }

        await group.WaitForAsync("another master", s => s.Master is { } m && m.Node != first);
        var before = await group.WaitAgreedAsync();
        var epoch = before.Sentinels[0].Epoch;
        Assert.True(epoch > 0);
        await Task.WhenAll(group.Sentinels.Select(node => node.KillAsync()));
        foreach (var sentinel in group.Sentinels.Where(_ => asNewPods)) sentinel.WipeConfig();
        await group.StartAsync(group.Sentinels);
        var after = await group.WaitAgreedAsync();
        output.WriteLine($"epoch {epoch} before, {after.Sentinels[0].Epoch} after");
        Assert.Equal(before.Master!.Node, after.Master!.Node);
        Assert.Equal(before.Master.RunId, after.Master.RunId);
        // Without memory and without a living Sentinel nobody knows the epoch: it starts anew, which harms nobody as long as all
        // Sentinels do, and the next failover goes above it.
        if (!asNewPods) Assert.True(after.Sentinels[0].Epoch >= epoch);
        Write(group);
    }

    private void Write(LocalGroup group)
    {
        foreach (var node in group.All) output.WriteLine($"{node}: {string.Join(" > ", node.Process!.Codes())}");
    }
}
