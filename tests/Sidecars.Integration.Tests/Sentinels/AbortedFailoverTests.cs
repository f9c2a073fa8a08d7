using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Sentinels;

/// <summary>
/// An attempt that finds nobody to promote waits twice the failover time-out: at Sentinel's usual 60 s a healthy group had no master for
/// two minutes.
/// </summary>
[Collection(GroupTests.Name)]
public sealed class AbortedFailoverTests
{
    [Fact]
    public async Task After_an_attempt_that_found_nobody_a_healthy_group_has_a_master_within_a_minute()
    {
        await using var group = new LocalGroup(new LocalGroupOptions { Name = "aborted-failover", DownAfter = TimeSpan.FromSeconds(2) });
        var master = (await group.StartHealthyAsync()).Master!.Node;
        var replicas = group.Redis.Where(node => node != master).ToList();
        foreach (var replica in replicas) replica.Process!.Pause();
        await master.KillAsync();
        // Nobody to choose, or one was chosen that does not answer: the latter is given up after the failover time-out.
        await Eventually.UntilAsync("an attempt to be given up",
            () => group.Sentinels.Any(s => s.Process!.Output.Any(line => line.Contains("-failover-abort", StringComparison.Ordinal))),
            TimeSpan.FromSeconds(40), seen: () => string.Join("\n", group.Sentinels.Select(s => s.Process!.Tail())));
        foreach (var replica in replicas) replica.Process!.Resume();
        // What is shipped, 15 s, makes it 30; a minute is what the project promises after a fault has ended.
        await Eventually.UntilAsync(
            "a replica to be master, and named",
            async () => await group.ObserveAsync() is { Master.Node: var node } state && node != master
                && state.Sentinels.All(s => s.Master == node.Endpoint),
            TimeSpan.FromSeconds(60),
            seen: () => string.Join("\n", group.Sentinels.Select(s => s.Process!.Tail())));
    }
}
