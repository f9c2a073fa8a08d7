using System.Globalization;
using Sidecars.Bootstrap.Slots;
using Sidecars.Core.Primitives;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.FakeKubernetes;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Sentinels;

/// <summary>A group whose nodes are pods of a (fake) API server, with the sidecars that keep its epoch.</summary>
internal sealed class PodGroup : IAsyncDisposable
{
    private PodGroup(FakeKubernetesServer server, LocalGroup group) => (Server, Group) = (server, group);

    public FakeKubernetesServer Server { get; }

    public LocalGroup Group { get; }

    public GroupSidecars Sidecars { get; private set; } = null!;

    public static int[] Seeds(int soak) => [.. Enumerable.Range(1, RunCount.Of(soak))];

    /// <summary>Three and three, healthy; Sentinels think a master down after 2 s.</summary>
    public static async Task<PodGroup> StartAsync(string name)
    {
        var server = await FakeKubernetesServer.StartAsync();
        var pods = new PodGroup(server, new LocalGroup(new LocalGroupOptions
        { Name = name, Kubernetes = server, DownAfter = TimeSpan.FromSeconds(2), FailoverTimeout = TimeSpan.FromSeconds(5) }));
        try
        {
            await pods.Group.StartHealthyAsync();
            pods.Sidecars = GroupSidecars.Start(pods.Group);
        }
        catch
        {
            await pods.DisposeAsync();
            throw;
        }

        return pods;
    }

    /// <summary>Has Sentinel fail over, and waits until all agree on the new master in one epoch.</summary>
    public async Task<GroupState> FailoverAsync()
    {
        var before = (await Group.ObserveAsync()).Master!.Node;
        await using (var client = await Group.ConnectAsync(Group.Sentinels[0], TimeSpan.FromSeconds(5)))
        {
            // Until a replica was polled there is no good one.
            await Eventually.UntilAsync(
                "the failover to be accepted",
                async () => (await client.CallAsync(default, "SENTINEL", "FAILOVER", Group.Options.EffectiveMasterName)).Text == "OK");
        }

        var switched = await Group.WaitForAsync("another master",
            s => s.Masters.FirstOrDefault(m => m.Node != before) is { } m && s.Sentinels.All(x => x.Master == m.Node.Endpoint));
        // Sentinel demotes the old one by itself after 10 s; a planned failover does it at once.
        await using (var client = await Group.ConnectAsync(before, TimeSpan.FromSeconds(5)))
        {
            var master = switched.Sentinels[0].Master!;
            await client.CallAsync(default, "REPLICAOF", master.Host, master.Port.ToString(CultureInfo.InvariantCulture));
        }

        return await Group.WaitAgreedAsync();
    }

    /// <summary>The id of a Sentinel.</summary>
    public async Task<string> IdAsync(LocalNode sentinel)
    {
        await using var client = await Group.ConnectAsync(sentinel, TimeSpan.FromSeconds(5));
        return (await client.CallAsync(default, "SENTINEL", "MYID")).Text;
    }

    /// <summary>Every Sentinel knows exactly the others, no ghost, and all ids are those of the slots 0..2.</summary>
    public async Task AssertIdsAreSlotsAsync()
    {
        Assert.True(ClusterId.TryParse(Group.Options.ClusterId, out var cluster));
        var ids = new List<string>();
        foreach (var sentinel in Group.Sentinels) ids.Add(await IdAsync(sentinel));
        Assert.Equal(
            Enumerable.Range(0, Group.Sentinels.Length).Select(slot => SlotTable.MyId(cluster, slot)).Order(StringComparer.Ordinal),
            ids.Order(StringComparer.Ordinal));
    }

    /// <summary>Waits until every Sentinel knows exactly N-1 others, all of them alive.</summary>
    public Task<GroupState> WaitNoGhostsAsync() => Group.WaitForAsync(
        "every Sentinel to know exactly the others",
        s => s.Sentinels.All(
            x => x.KnownOthers == s.Sentinels.Length - 1 && x.Others == s.Sentinels.Length - 1 && x.Master == s.Master?.Node.Endpoint)
            && s.Sentinels.Select(x => x.Epoch).Distinct().Count() == 1);

    public async ValueTask DisposeAsync()
    {
        if (Sidecars is not null) await Sidecars.DisposeAsync();
        await Group.DisposeAsync();
        await Server.DisposeAsync();
    }
}
