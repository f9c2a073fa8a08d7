using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.Groups;

namespace Sidecars.Integration.Tests.Bootstrap;

/// <summary>Kubernetes starts pods in any order, and some of them late or not at all.</summary>
[Collection(GroupTests.Name)]
public sealed class StartOrderTests
{
    [Fact]
    public async Task Redis_first_and_Sentinels_later()
    {
        await using var group = new LocalGroup(new LocalGroupOptions { Name = "redis-first" });
        await group.StartAsync(group.Redis);
        await group.WaitForAsync("a master with both replicas", s => s.LinkedReplicas == 2);
        await group.StartAsync(group.Sentinels);
        await group.WaitAgreedAsync();
        Assert.All(group.Sentinels, s => Assert.Equal("Monitor", s.Process!.Decisions()[^1].Kind));
    }

    [Fact]
    public async Task Sentinels_first_and_Redis_later()
    {
        await using var group = new LocalGroup(new LocalGroupOptions { Name = "sentinels-first" });
        await group.StartAsync(group.Sentinels);
        foreach (var sentinel in group.Sentinels) await sentinel.Process!.WaitForDecisionAsync("no-redis");
        Assert.All((await group.ObserveAsync()).Sentinels, s => Assert.Equal(Presence.Waiting, s.Presence));
        await group.StartAsync(group.Redis);
        await group.WaitAgreedAsync();
    }

    [Fact]
    public async Task One_Redis_of_a_cache_and_one_Sentinel_may_be_missing_at_the_first_installation()
    {
        await using var group = new LocalGroup(new LocalGroupOptions { Name = "two-of-three", Durability = "none" });
        await group.StartAsync([.. group.Redis.Take(2), .. group.Sentinels.Take(2)]);
        var state = await group.WaitForAsync("two of each", s =>
            s.LinkedReplicas == 1
            && s.Sentinels.Count(x => x.Master == s.Master?.Node.Endpoint && x is { Flags: "master", Replicas: 1, Others: 1 }) == 2);
        await group.WriteKeysAsync(state.Master!.Node, replicas: 1);
        await group.StartAsync([group.Redis[2], group.Sentinels[2]]);
        var whole = await group.WaitAgreedAsync();
        Assert.Equal(state.Master.RunId, whole.Master!.RunId);
        await group.AssertAllKeysEverywhereAsync();
    }

    [Fact]
    public async Task One_Redis_of_three_alone_waits()
    {
        await using var group = new LocalGroup(new LocalGroupOptions { Name = "one-of-three" });
        await group.StartAsync([group.Redis[1], .. group.Sentinels]);
        var decision = await group.Redis[1].Process!.WaitForDecisionAsync("election-wait");
        Assert.Contains("1 of 3 nodes are here (redis-1), 3 are needed", decision.Reason, StringComparison.Ordinal);
        foreach (var sentinel in group.Sentinels) await sentinel.Process!.WaitForDecisionAsync("no-redis");
        Assert.Equal(Presence.Waiting, (await group.ObserveAsync()).Of(group.Redis[1]).Presence);
    }
}
