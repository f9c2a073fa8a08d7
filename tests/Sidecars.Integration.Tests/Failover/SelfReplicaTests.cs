using System.Globalization;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.Groups;

namespace Sidecars.Integration.Tests.Failover;

/// <summary>A Redis that was told to follow the address that is its own by now.</summary>
[Collection(GroupTests.Name)]
public sealed class SelfReplicaTests
{
    [Fact]
    public async Task A_replica_of_itself_that_the_Sentinels_name_is_made_master_by_its_sidecar()
    {
        // Sentinel would do nothing for a minute, and then fail over.
        await using var group = new LocalGroup(new LocalGroupOptions
        { Name = "self-replica", DownAfter = TimeSpan.FromSeconds(60), FailoverTimeout = TimeSpan.FromSeconds(90) });
        var master = (await group.StartHealthyAsync()).Master!.Node;
        await group.WriteKeysAsync(master, replicas: 2);
        await using var sidecar = await group.StartSidecarAsync(master);
        await using (var client = await group.ConnectAsync(master, TimeSpan.FromSeconds(5)))
            Assert.False((await client.CallAsync(
                default, "REPLICAOF", master.Endpoint.Host, master.Endpoint.Port.ToString(CultureInfo.InvariantCulture))).IsError);
        Assert.Null((await group.ObserveAsync()).Master);
        await sidecar.WaitUntilAsync(
            "the repair", () => Task.FromResult(sidecar.Events("done").Any(e => e.GetProperty("loop").GetString() == "self-replica")),
            TimeSpan.FromSeconds(60));
        var after = await group.WaitAgreedAsync();
        Assert.Equal(master, after.Master!.Node);
        await group.AssertAllKeysEverywhereAsync();
    }
}
