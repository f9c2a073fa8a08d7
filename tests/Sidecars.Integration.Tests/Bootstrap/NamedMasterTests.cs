using Sidecars.Core.Hosting;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Bootstrap;

/// <summary>A master that comes back before Sentinel has noticed that it was gone: the moment in which groups lose their data.</summary>
[Collection(GroupTests.Name)]
public sealed class NamedMasterTests
{
    // Longer than any test takes: Sentinel notices nothing by itself.
    private static readonly LocalGroupOptions Slow =
        new() { DownAfter = TimeSpan.FromSeconds(60), FailoverTimeout = TimeSpan.FromSeconds(90) };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_restarted_master_stays_silent_until_another_is_master(bool withEmptyDisk)
    {
        await using var group = new LocalGroup(Slow with { Name = withEmptyDisk ? "empty-master" : "named-master" });
        var old = (await group.StartHealthyAsync()).Master!.Node;
        await group.WriteKeysAsync(old, replicas: 2);
        await old.KillAsync();
        if (withEmptyDisk) old.WipeData();
        await old.StartAsync();

        // Whatever listens at the old address before another is master would be followed by both replicas.
        var state = await group.WaitForAsync("another master", s =>
        {
            var anotherIsMaster = s.Masters.Any(m => m.Node != old);
            Assert.False(s.Of(old).IsMaster, s.ToString());
            Assert.True(anotherIsMaster || s.Of(old).Presence is Presence.Waiting or Presence.Down, s.ToString());
            return anotherIsMaster;
        });
        Assert.NotEqual(old, state.Masters[0].Node);
        await group.WaitAgreedAsync();
        await group.AssertAllKeysEverywhereAsync();
        var kinds = old.Process!.Decisions();
        Assert.Contains(kinds, d => d is { Kind: "Succeed", Code: "named-hand-over" });
        Assert.Equal("Follow", kinds[^1].Kind);
        Assert.DoesNotContain(kinds, d => d.Kind == "StartAsMaster");
    }

    [Fact]
    public async Task A_replica_that_comes_back_empty_follows_and_gets_everything()
    {
        await using var group = new LocalGroup(new LocalGroupOptions { Name = "empty-replica", SentinelCount = 1, RedisCount = 2 });
        var state = await group.StartHealthyAsync();
        var replica = state.Redis.Single(n => !n.IsMaster).Node;
        await group.WriteKeysAsync(state.Master!.Node, replicas: 1);
        await replica.KillAsync();
        replica.WipeData();
        await replica.StartAsync();
        await replica.Process!.WaitForDecisionAsync("follow-sentinels");
        await group.WaitAgreedAsync();
        await group.AssertAllKeysEverywhereAsync();
    }

    [Fact]
    public async Task A_durable_group_with_every_disk_empty_refuses_until_a_person_allows_it()
    {
        await using var group = new LocalGroup(new LocalGroupOptions { Name = "all-empty" });
        await group.StartHealthyAsync();
        await KillAllAndWipeRedisAsync(group);
        await group.StartAsync();
        foreach (var node in group.Redis)
        {
            var decision = await node.Process!.WaitForDecisionAsync("all-disks-empty");
            Assert.Equal("Refuse", decision.Kind);
            Assert.Contains("allow-empty", decision.Reason, StringComparison.Ordinal);
        }

        Assert.All((await group.ObserveAsync()).Redis, n => Assert.Equal(Presence.Waiting, n.Presence));
        await using (var allow = await ServerProcess.StartAsync(
            new ServerStart(LooseNode.Executable, "allow-empty") { Environment = group.Redis[0].Process!.Start.Environment }))
            Assert.Equal(ExitCode.Ok, await allow.WaitForExitAsync());
        await group.WaitAgreedAsync();

        // It was allowed once, not for ever.
        await KillAllAndWipeRedisAsync(group);
        await group.StartAsync(group.Redis);
        foreach (var node in group.Redis) await node.Process!.WaitForDecisionAsync("all-disks-empty");
    }

    [Fact]
    public async Task A_cache_with_every_disk_empty_starts_at_once()
    {
        await using var group = new LocalGroup(new LocalGroupOptions { Name = "cache", Durability = "none" });
        await group.StartHealthyAsync();
        await KillAllAndWipeRedisAsync(group);
        await group.StartAsync();
        await group.WaitAgreedAsync();
        Assert.All(group.Redis, node => Assert.DoesNotContain(node.Process!.Decisions(), d => d.Kind == "Refuse"));
    }

    private static async Task KillAllAndWipeRedisAsync(LocalGroup group)
    {
        await Task.WhenAll(group.All.Select(node => node.KillAsync()));
        foreach (var node in group.Redis) node.WipeData();
        foreach (var node in group.All) node.WipeConfig(); // new pods
    }
}
