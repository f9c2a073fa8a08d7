using Sidecars.Faults.Faults;
using Sidecars.Faults.Hosts;
using Sidecars.Faults.Planning;
using Sidecars.TestKit.Processes;
using Xunit;
using Xunit.Abstractions;

namespace Sidecars.Faults.Tests;

/// <summary>Jepsen's case (aphyr.com/posts/287): a master and a client are cut off together, and the client goes on writing.</summary>
public sealed class PartitionTests(ITestOutputHelper output)
{
    private const int InsideWritesPerSecond = 500;
    private const int OutsideWritesPerSecond = 200;
    private static readonly TimeSpan DownAfter = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [NetworkFact]
    public async Task A_cut_off_master_stops_acknowledging_and_what_is_lost_was_acknowledged_before_that()
    {
        await using var group = await HostGroup.CreateAsync(new HostOptions("partition", 3, DownAfter));
        group.Start();
        await Eventually.UntilAsync("a whole group", async () => await group.ProblemAsync() is null, Patience);
        var master = (await group.FindMasterAsync())!;
        await using var inside = CaseRunner.Load(group, master.Network.Namespace.Transport, "inside:",
            [master, .. group.Hosts.Where(h => h != master)], 1, InsideWritesPerSecond);
        await using var outside = CaseRunner.Load(
            group, group.Client.Namespace.Transport, "outside:", group.Hosts.Where(h => h != master), 2, OutsideWritesPerSecond);
        await Task.WhenAll(inside.Acks.First, outside.Acks.First).WaitAsync(Patience);

        var refusedBefore = inside.Refused;
        var cut = TimeProvider.System.GetTimestamp();
        var fault = await new FaultInjector(group)
            .BeginAsync(CasePlan.Single(FaultKind.Isolate, FaultTarget.Master, TimeSpan.Zero).Rounds[0].Steps[0]);
        await Eventually.UntilAsync("the first refusal", () => inside.Refused > refusedBefore, Patience, () => group.Tails(20));
        var closed = TimeProvider.System.GetTimestamp();
        var acknowledged = inside.Acks.Mark();
        // The other side has a master of its own, and time to differ.
        var others = outside.Acks.Mark();
        await Eventually.UntilAsync("writes on the other side",
            () => others.Count > OutsideWritesPerSecond && outside.Acks.CurrentGap < TimeSpan.FromMilliseconds(500), Patience,
            () => group.Tails(20));
        Assert.Equal(0, acknowledged.Count); // nothing after it has closed, though it still thinks it is the master
        await fault.EndAsync();

        await Eventually.UntilAsync("one whole group", async () => await group.ProblemAsync() is null, Patience, () => group.Tails(20));
        await inside.StopAsync();
        await outside.StopAsync();
        var now = (await group.FindMasterAsync())!;
        Assert.NotEqual(master, now);
        var (lostInside, lostOutside) = (await inside.CheckAsync(now.RedisNode.Endpoint), await outside.CheckAsync(now.RedisNode.Endpoint));
        var window = TimeProvider.System.GetElapsedTime(cut, closed);
        output.WriteLine(FormattableString.Invariant(
            $"window {window.TotalSeconds:0.00} s: {lostInside.MissingCount} of {lostInside.Checked} writes of the client inside were acknowledged and lost, {lostOutside.MissingCount} of {lostOutside.Checked} of those outside"));
        Assert.All(lostInside.MissingAt.Concat(lostOutside.MissingAt), at => Assert.True(at <= closed));
        Assert.True(
            lostInside.MissingCount > 0, "no write was acknowledged while nobody else could have it: this test has not tested anything");
    }
}
