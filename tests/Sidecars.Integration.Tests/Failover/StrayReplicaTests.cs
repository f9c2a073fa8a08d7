using System.Globalization;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Failover;

/// <summary>
/// All Sentinels are lost at the moment of a promotion: the new ones never hear of a replica that follows the old master.
/// </summary>
[Collection(GroupTests.Name)]
public sealed class StrayReplicaTests
{
    private const string Key = "written-after-the-promotion";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(OldMaster.Follows)]
    [InlineData(OldMaster.Dead)]
    public async Task A_replica_that_no_Sentinel_lists_is_attached_to_the_master_once_by_its_sidecar(OldMaster what)
    {
        await using var group = new LocalGroup(new LocalGroupOptions { Name = "stray-replica" });
        var old = (await group.StartHealthyAsync()).Master!.Node;
        await group.WriteKeysAsync(old, replicas: 2);
        var (master, stray) = (group.Redis.First(n => n != old), group.Redis.Last(n => n != old));
        await StrandAsync(group, old, master, stray, what);
        var before = await WaitStrandedAsync(group, master, what);
        Assert.Equal(old.Endpoint, before.Of(stray).Following);

        await using var sidecar = await group.StartSidecarAsync(stray);
        await sidecar.WaitUntilAsync("the repair", () => Task.FromResult(Codes(sidecar, "done").Length > 0), Patience);
        if (what == OldMaster.Dead) await old.StartAsync();
        var after = await group.WaitHealthyAsync(); // every Sentinel lists both
        Assert.Equal((master, before.Master!.RunId), (after.Master!.Node, after.Master.RunId));
        await group.AssertAllKeysEverywhereAsync();
        await sidecar.WaitUntilAsync("it to rest", () => Task.FromResult(Codes(sidecar)[^1] == "follows-named"), Patience);
        Assert.Equal("not-yet attach follows-named", string.Join(' ', Codes(sidecar)[^3..]));
        Assert.Single(Codes(sidecar, "done"));
    }

    [Fact]
    public async Task A_replica_with_writes_that_the_master_lacks_is_left_to_its_next_start()
    {
        await using var group = new LocalGroup(new LocalGroupOptions { Name = "stray-lineage" });
        var old = (await group.StartHealthyAsync()).Master!.Node;
        await group.WriteKeysAsync(old, replicas: 2);
        var (master, stray) = (group.Redis.First(n => n != old), group.Redis.Last(n => n != old));
        await StrandAsync(group, old, master, stray, OldMaster.WritesOn);
        await WaitStrandedAsync(group, master, OldMaster.WritesOn);

        await using var sidecar = await group.StartSidecarAsync(stray);
        await sidecar.WaitUntilAsync("the refusal", () => Task.FromResult(Codes(sidecar).LastOrDefault() == "other-lineage"), Patience);
        Assert.Empty(Codes(sidecar, "done"));
        await using var client = await group.ConnectAsync(stray, TimeSpan.FromSeconds(5));
        Assert.Equal("mine", (await client.CallAsync(default, "GET", Key)).Text);
    }

    // One is promoted, and every Sentinel is another one after that. The third server is told nothing of either.
    private static async Task StrandAsync(LocalGroup group, LocalNode old, LocalNode master, LocalNode stray, OldMaster what)
    {
        await Task.WhenAll(group.Sentinels.Select(node => node.KillAsync()));
        if (what == OldMaster.Dead) await old.KillAsync();
        await CallAsync(group, master, "REPLICAOF", "NO", "ONE");
        if (what == OldMaster.WritesOn)
        {
            // What it still takes reaches the third server alone, which then loses its source.
            await CallAsync(group, old, "SET", Key, "mine");
            await using var client = await group.ConnectAsync(stray, TimeSpan.FromSeconds(5));
            await Eventually.UntilAsync("the write there", async () => (await client.CallAsync(default, "GET", Key)).Text == "mine");
            await CallAsync(group, stray, "REPLICAOF", "127.0.0.1", "1");
        }

        if (what != OldMaster.Dead)
        {
            await CallAsync(group, old, "REPLICAOF", master.Endpoint.Host, master.Endpoint.Port.ToString(CultureInfo.InvariantCulture));
            await group.WaitForAsync("the old master to follow", s => s.Of(old) is { LinkUp: true } o && o.Following == master.Endpoint);
        }

        foreach (var node in group.Sentinels) await group.ReplaceSentinelAsync(node);
    }

    private static Task<GroupState> WaitStrandedAsync(LocalGroup group, LocalNode master, OldMaster what)
    {
        var listed = what == OldMaster.Dead ? 0 : 1;
        return group.WaitForAsync(
            "Sentinels that do not list the third server",
            s => s.Master?.Node == master && s.Sentinels.All(x => x.Master == master.Endpoint && x.Replicas == listed));
    }

    private static async Task CallAsync(LocalGroup group, LocalNode node, params string[] command)
    {
        await using var client = await group.ConnectAsync(node, TimeSpan.FromSeconds(5));
        Assert.False((await client.CallAsync(default, command)).IsError);
    }

    private static string?[] Codes(ServerProcess sidecar, string name = "decision") =>
    [
        .. sidecar.Events(name).Where(e => e.GetProperty("loop").GetString() == "stray-replica")
            .Select(e => e.GetProperty("code").GetString()),
    ];
}

/// <summary>What becomes of the master that another was promoted for.</summary>
public enum OldMaster
{
    /// <summary>It follows the new one: the third server is at the end of a chain.</summary>
    Follows,

    /// <summary>It is gone: the third server has no source.</summary>
    Dead,

    /// <summary>It takes a write after the promotion, which reaches the third server, and then follows the new one.</summary>
    WritesOn,
}
