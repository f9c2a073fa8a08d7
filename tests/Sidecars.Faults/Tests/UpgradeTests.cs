using Sidecars.Faults.Faults;
using Sidecars.Faults.Hosts;
using Sidecars.TestKit.Pods;
using Sidecars.TestKit.Processes;
using Xunit;
using Xunit.Abstractions;

namespace Sidecars.Faults.Tests;

/// <summary>A group whose pods announced their own addresses is rolled, pod by pod, to announce its Services', under writes.</summary>
public sealed class UpgradeTests(ITestOutputHelper output)
{
    private const int WritesPerSecond = 100;
    private static readonly TimeSpan DownAfter = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    [SoakNetworkTheory]
    [InlineData("PodAddress")]
    [InlineData("PodName")]
    public async Task A_group_is_rolled_from_pod_addresses_to_services_and_loses_nothing(string before)
    {
        var options = new HostOptions("upgrade", 3, DownAfter) { Announce = Enum.Parse<PodAnnounce>(before) };
        await using var group = await HostGroup.CreateAsync(options);
        group.Start();
        await WholeAsync(group, "the start");
        await using var load = CaseRunner.Load(group, group.Client.Namespace.Transport, "c:", group.Hosts, 2, WritesPerSecond);
        await load.Acks.First.WaitAsync(Patience);

        group.World.Announce = PodAnnounce.Service;
        var pods = new PodFaults(group);
        foreach (var host in group.Hosts.Reverse()) // as a StatefulSet does it
        {
            await pods.DeleteAsync(host);
            pods.ComeBack(host);
            await WholeAsync(group, $"{host} was replaced");
            output.WriteLine($"{host} replaced\n{await group.Group.ObserveAsync()}");
        }

        await load.StopAsync();
        var master = (await group.FindMasterAsync())!.RedisNode;
        var state = await group.Group.ObserveAsync();
        Assert.All(state.Sentinels, sentinel => Assert.Equal(master.Endpoint, sentinel.Master));
        Assert.All(state.Redis.Where(node => !node.IsMaster), node => Assert.Equal(master.Endpoint, node.Following));
        var check = await load.CheckAsync(master.Endpoint);
        Assert.Equal(0, check.MissingCount);
        Assert.True(check.Checked > WritesPerSecond);
    }

    private static Task WholeAsync(HostGroup group, string after) => Eventually.UntilAsync(
        $"a whole group after {after}",
        async () => await group.ProblemAsync() is null,
        Patience,
        () => string.Join('\n', group.Notes) + group.Tails(20));
}
