using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.Groups;

namespace Sidecars.Integration.Tests.Bootstrap;

/// <summary>Addresses are given again: to a pod of another tenant, here even one with the same passwords.</summary>
[Collection(GroupTests.Name)]
public sealed class TenantSwapTests
{
    [Fact]
    public async Task A_volume_of_another_tenant_is_neither_served_nor_overwritten()
    {
        await using var group = new LocalGroup(new LocalGroupOptions { Name = "foreign-volume", RedisCount = 1, SentinelCount = 1 });
        var node = group.Redis[0];
        Assert.True(ClusterId.TryParse("other/redis", out var other));
        var marker = new Marker(
            other, new NodeIdentity(node.Name, "uid"), "boot", new FencingToken(9, 9, 0), LineageHistory.Empty, MarkerRole.Master, 9);
        Assert.True(new MarkerStore(node.DataFolder).TryWrite(marker, out _));
        await node.StartAsync();
        var waiting = await node.Process!.WaitForDecisionAsync("volume-of-another-tenant");
        Assert.Contains("the data of other/redis, and this is demo/redis", waiting.Reason, StringComparison.Ordinal);
        Directory.Delete(Path.Combine(node.DataFolder, MarkerStore.DirectoryName), recursive: true);
        await group.WaitForAsync("a master on its own volume", s => s.Master is not null);
    }

    [Fact]
    public async Task Nobody_follows_anybody_across_to_another_tenant_at_the_masters_address()
    {
        await using var other = new ForeignTenant("the-same");
        await other.PrepareAsync();
        await using var group = new LocalGroup(new LocalGroupOptions
        {
            Name = "tenant-swap",
            Passwords = new GroupPasswords { Redis = "the-same", Sentinel = "the-same" },
            DownAfter = TimeSpan.FromSeconds(2),
            FailoverTimeout = TimeSpan.FromSeconds(5),
        });
        var master = (await group.StartHealthyAsync()).Master!.Node;
        await group.WriteKeysAsync(master, replicas: 2);
        await master.KillAsync();
        await other.ComeUpAtAsync(master.Endpoint);

        var own = group.Redis.Where(n => n != master).ToArray();
        var state = await group.WaitForAsync("a master of its own",
            s => s.Redis.Count(r => r.Node != master && r.IsMaster) == 1 && s.Redis.Count(r => r.Node != master && r.LinkUp) == 1);
        Assert.DoesNotContain(state.Sentinels, s => s.Master == master.Endpoint);
        foreach (var node in own) Assert.Equal(GroupKeys.Count, await group.KeysOfAsync(node));
        Assert.True(await other.IsUntouchedAtAsync(master.Endpoint));
    }
}
