using System.Diagnostics;
using Sidecars.Core.Hosting;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.FakeKubernetes;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;
using Xunit.Abstractions;

namespace Sidecars.Integration.Tests.Bootstrap;

/// <summary>
/// Every Redis pod is replaced while the Sentinels live, and comes back with another address: what the Sentinels name is a dead pod's, and
/// none of the nodes is among the replicas that they list.
/// </summary>
[Collection(GroupTests.Name)]
public sealed class NewAddressTests(ITestOutputHelper output)
{
    private static readonly LocalGroupOptions Options =
        new() { DownAfter = TimeSpan.FromSeconds(2), FailoverTimeout = TimeSpan.FromSeconds(5) };

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public async Task Scaled_to_zero_and_back_the_group_heals_with_every_key(bool byLease, bool withSidecars)
    {
        await using var server = byLease ? await FakeKubernetesServer.StartAsync() : null;
        await using var group = new LocalGroup(Options with { Name = "new-addresses", Kubernetes = server });
        var sidecars = withSidecars ? GroupSidecars.Start(group) : null;
        var before = await group.StartHealthyAsync();
        await group.WriteKeysAsync(before.Master!.Node, replicas: 2);
        if (sidecars is not null) await ReportedAsync(sidecars, before.Master.Node);
        if (sidecars is not null) await sidecars.DisposeAsync();
        var old = before.Master.Node.Endpoint;
        // A snapshot that a clean end leaves beside the AOF is not judged without a marker.
        await Task.WhenAll(group.Redis.Select(node => withSidecars ? node.TerminateAsync() : node.KillAsync()));
        MoveAll(group);
        var clock = Stopwatch.StartNew();
        await group.StartAsync(group.Redis);
        var after = await group.WaitAgreedAsync();
        output.WriteLine($"one master for all after {clock.Elapsed.TotalSeconds:F1} s; Sentinels named {old}");
        await group.AssertAllKeysEverywhereAsync();
        Assert.Equal("elected-and-named", after.Master!.Node.Process!.Codes()[^1]);
        Assert.Contains("elected-and-telling", after.Master.Node.Process!.Codes());
        Assert.Single(after.Master.Node.Process!.Events("sentinels-told"));
        Assert.All(after.Sentinels, s => Assert.Equal(2, s.KnownOthers)); // told by one of their own, not by a ghost
        Assert.All(after.Sentinels, s => Assert.True(s.Epoch > before.Sentinels[0].Epoch));
        Write(group);

        // The addresses of the dead pods are replicas that are down; the ghost repair removes them, one Sentinel at a time.
        await using var repair = GroupSidecars.Start(group, repairAfter: TimeSpan.FromSeconds(3), keepState: false);
        await Eventually.UntilAsync(
            "no ghost replica", async () => (await ListedReplicasAsync(group)).All(count => count == 2), TimeSpan.FromSeconds(90),
            () => string.Join(", ", repair.Refusals.GroupBy(code => code).Select(g => $"{g.Key} {g.Count()}")));
        Assert.Equal(3, repair.Resets.Count);
    }

    [Fact]
    public async Task A_node_that_is_missing_is_waited_for_by_name_and_the_group_heals_once_it_is_there()
    {
        await using var group = new LocalGroup(Options with { Name = "new-address-missing" });
        var master = (await group.StartHealthyAsync()).Master!.Node;
        await group.WriteKeysAsync(master, replicas: 2);
        await EndAllAsync(group);
        MoveAll(group);
        await group.StartAsync(group.Redis.Take(2));
        foreach (var node in group.Redis.Take(2))
        {
            var wait = await node.Process!
                .WaitForDecisionAsync(d => d.WaitingFor.Contains("redis-2", StringComparison.Ordinal), "that names redis-2");
            Assert.Equal("Wait", wait.Kind);
        }

        // Long enough for every attempt of the Sentinels themselves to have come to nothing.
        await group.WaitForAsync(
            "Sentinels that see the named address down", s => s.Sentinels.All(x => x.Flags.Contains("o_down", StringComparison.Ordinal)));
        Assert.All((await group.ObserveAsync()).Redis.Take(2), n => Assert.Equal(Presence.Waiting, n.Presence));
        Assert.DoesNotContain(group.Redis.Take(2), n => n.Process!.Codes().Contains("elected-and-telling"));
        await group.Redis[2].StartAsync();
        await group.WaitAgreedAsync();
        await group.AssertAllKeysEverywhereAsync();
        Write(group);
    }

    [Fact]
    public async Task Every_volume_lost_too_it_starts_empty_on_a_persons_word()
    {
        await using var group = new LocalGroup(Options with { Name = "new-address-empty" });
        await group.WriteKeysAsync((await group.StartHealthyAsync()).Master!.Node, replicas: 2);
        await EndAllAsync(group);
        foreach (var node in group.Redis) node.WipeData();
        MoveAll(group);
        await group.StartAsync(group.Redis);
        foreach (var node in group.Redis) await node.Process!.WaitForDecisionAsync("all-disks-empty");
        await using (var allow = await ServerProcess.StartAsync(
            new ServerStart(LooseNode.Executable, "allow-empty") { Environment = group.Redis[0].Process!.Start.Environment }))
            Assert.Equal(ExitCode.Ok, await allow.WaitForExitAsync());
        await group.WaitAgreedAsync();
        await group.WriteKeysAsync((await group.ObserveAsync()).Master!.Node, replicas: 2);
        await group.AssertAllKeysEverywhereAsync();
        Write(group);
    }

    [Theory]
    [InlineData(false)] // the node that has the old master's address by now holds the data, and is the new master
    [InlineData(true)] // it is empty, and another one is elected
    public async Task The_dead_masters_address_is_another_pods_by_now(bool isEmpty)
    {
        await using var group = new LocalGroup(Options with { Name = "reused-address" });
        var master = (await group.StartHealthyAsync()).Master!.Node;
        await group.WriteKeysAsync(master, replicas: 2);
        await EndAllAsync(group);
        var heir = group.Redis.First(n => n != master);
        foreach (var node in group.Redis.Where(n => (n == heir) == isEmpty)) node.WipeData();
        var place = master.Place;
        MoveAll(group);
        heir.MoveTo(place);
        await group.StartAsync(group.Redis);
        // With a disk lost nobody is sure of who served last without a record, so all are compared.
        var after = await group.WaitAgreedAsync();
        Assert.Equal(!isEmpty, after.Master!.Node == heir);
        await group.AssertAllKeysEverywhereAsync();
        Assert.Equal(isEmpty, after.Master.Node.Process!.Codes().Contains("elected-and-telling"));
        Write(group);
    }

    [Fact]
    public async Task Another_tenant_has_the_dead_masters_address_by_now()
    {
        await using var group =
            new LocalGroup(Options with { Name = "taken-address", Passwords = new GroupPasswords { Redis = "ours", Sentinel = "ours" } });
        await using var foreign = new ForeignTenant("theirs");
        await foreign.PrepareAsync();
        var master = (await group.StartHealthyAsync()).Master!.Node;
        await group.WriteKeysAsync(master, replicas: 2);
        var old = master.Endpoint;
        await EndAllAsync(group);
        await foreign.ComeUpAtAsync(old);
        MoveAll(group);
        await group.StartAsync(group.Redis);
        await group.WaitAgreedAsync();
        await group.AssertAllKeysEverywhereAsync();
        Assert.True(await foreign.IsUntouchedAtAsync(old));
        Write(group);
    }

    [Fact]
    public async Task One_Sentinel_which_can_not_be_told_is_made_to_look_again()
    {
        await using var group = new LocalGroup(Options with { Name = "new-address-one-sentinel", SentinelCount = 1 });
        await group.WriteKeysAsync((await group.StartHealthyAsync()).Master!.Node, replicas: 2);
        await EndAllAsync(group);
        MoveAll(group);
        await group.StartAsync(group.Redis);
        var sentinel = group.Sentinels[0];
        await group.WaitForAsync("the Sentinel's end", _ => !sentinel.Running);
        await sentinel.StartAsync(); // its container restarts, with the memory that it had
        await group.WaitAgreedAsync();
        await group.AssertAllKeysEverywhereAsync();
        Assert.Contains(group.Redis, n => n.Process!.Codes().Contains("sentinels-not-told"));
        Write(group);
    }

    private static Task EndAllAsync(LocalGroup group) => Task.WhenAll(group.Redis.Select(node => node.KillAsync()));

    private static void MoveAll(LocalGroup group)
    {
        foreach (var node in group.Redis) node.MoveTo(NodePlace.Loopback($"127.0.20.{node.Index + 1}", FreePort.Next()));
    }

    private static async Task ReportedAsync(GroupSidecars sidecars, LocalNode master) =>
        await Eventually.UntilAsync("the record to name the master and its replicas",
            async () => await sidecars.RecordAsync() is { LastServing: { } last, InSync.Length: 2 } && last.Node == master.Name,
            TimeSpan.FromSeconds(60));

    private static async Task<int[]> ListedReplicasAsync(LocalGroup group) => await Task.WhenAll(group.Sentinels.Select(async sentinel =>
    {
        await using var client = await group.ConnectAsync(sentinel, TimeSpan.FromSeconds(5));
        return (await client.CallAsync(default, "SENTINEL", "REPLICAS", group.Options.EffectiveMasterName)).Items.Count;
    }));

    private void Write(LocalGroup group)
    {
        foreach (var node in group.All) output.WriteLine($"{node} at {node.Endpoint}: {string.Join(" > ", node.Process!.Codes())}");
    }
}
