using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Load;
using Sidecars.TestKit.Processes;
using Xunit.Abstractions;

namespace Sidecars.Integration.Tests.Failover;

/// <summary>An application's user publishes a Sentinel hello on the master, as a migration tool does that forwards everything.</summary>
[Collection(GroupTests.Name)]
public sealed class LedAwayTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Sentinels_that_were_led_to_a_foreign_Redis_are_told_back_no_write_is_lost_and_the_ghost_goes()
    {
        var (rig, master) = await SidecarRig.StartAsync("led-away");
        await using var disposed = rig;
        // With a password, as every other tenant's: one without would be made a replica by Sentinel, and be written to by clients.
        await using var foreign = await RedisProcess.StartAsync("requirepass foreign");
        await using var load = WriteLoad.Start(new WriteLoadOptions(rig.Group.SentinelEndpoints, rig.Group.Options.EffectiveMasterName));
        await load.Acks.First;
        await rig.WaitDecisionAsync(master, "led-away", "named");
        var mark = load.Acks.Mark();

        var began = TimeProvider.System.GetTimestamp();
        await PublishHelloAsync(rig, master, foreign.Endpoint, "90");
        await Eventually.UntilAsync(
            "the Sentinels to be told back", () => rig.Done(master, "led-away").Contains("told-back"), TimeSpan.FromSeconds(20), rig.Tails);
        var state = await rig.Group.WaitForAsync(
            "all to name the own master in a later epoch", s => s.Sentinels.All(x => x.Master == master.Endpoint && x.Epoch > 90));
        var took = TimeProvider.System.GetElapsedTime(began);
        output.WriteLine($"told back after {took.TotalMilliseconds:F0} ms, in epoch {state.Sentinels[0].Epoch}");
        await Eventually.UntilAsync("an open master", () => rig.Decisions(master, "fence")[^1] == "open", null, rig.Tails);
        var after = load.Acks.Mark();
        await Eventually.UntilAsync("writes", () => after.Count > 1000, TimeSpan.FromSeconds(30), rig.Tails);
        output.WriteLine($"longest gap {mark.LongestGap.TotalMilliseconds:F0} ms; fence: {string.Join(", ", rig.Done(master, "fence"))}");

        // The sender of the hello is a voter now, who never votes.
        Assert.Contains(state.Sentinels, s => s.KnownOthers == 3);
        await rig.Group.WaitForAsync(
            "no ghost", s => s.Problem is null && s.Sentinels.All(x => x.KnownOthers == 2), TimeSpan.FromMinutes(5));
        await load.StopAsync();
        var check = await load.CheckAsync(master.Endpoint);
        output.WriteLine($"{check.MissingCount} of {check.Checked} acknowledged writes lost");
        Assert.Equal(0, check.MissingCount);
        Assert.All(rig.Group.Redis.Where(n => n != master), node => Assert.Empty(rig.Done(node, "led-away")));
        await rig.WaitPublishedAsync(master);
    }

    // No vote outbids it. It is in no record, so that Sentinels which are all stopped together come back without it (runbook RedisLedAway).
    [Theory]
    [InlineData("9223372036854775807")]
    [InlineData("18446744073709551615")] // shown as -1
    public async Task An_epoch_beyond_reason_is_refused_and_recorded_nowhere_and_a_restart_of_all_Sentinels_together_ends_it(string epoch)
    {
        var (rig, master) = await SidecarRig.StartAsync("epochs");
        await using var disposed = rig;
        await using var foreign = await RedisProcess.StartAsync("requirepass foreign");
        await rig.WaitDecisionAsync(master, "led-away", "named");
        await PublishHelloAsync(rig, master, foreign.Endpoint, epoch);
        await rig.WaitDecisionAsync(master, "led-away", "epoch-beyond-reason");
        await rig.WaitDecisionAsync(master, "publish", "epoch-not-believable");
        Assert.Empty(rig.Done(master, "led-away"));
        foreach (var node in rig.Group.Redis)
            Assert.True(new MarkerStore(node.DataFolder).Read() is { IsKnown: true, Value.HighestEpoch: < 100 }, $"{node}");

        foreach (var sentinel in rig.Group.Sentinels) await sentinel.KillAsync();
        foreach (var sentinel in rig.Group.Sentinels) sentinel.WipeConfig();
        foreach (var sentinel in rig.Group.Sentinels) await sentinel.StartAsync();
        await rig.Group.WaitForAsync(
            "a healthy group", s => s.Problem is null && s.Sentinels.All(x => x.Master == master.Endpoint && x.Epoch < 100),
            TimeSpan.FromMinutes(2));
        await Eventually.UntilAsync("an open master", () => rig.Decisions(master, "fence")[^1] == "open", null, rig.Tails);
        var next = await rig.FailOverAsync(master);
        await rig.WaitPublishedAsync(next);
    }

    // Sender, its current epoch, name, master, its epoch: of a Sentinel that nobody knows, at an address where nobody listens.
    private static async Task PublishHelloAsync(SidecarRig rig, LocalNode at, RedisEndpoint named, string epoch)
    {
        var name = rig.Group.Options.EffectiveMasterName;
        var hello = $"127.0.0.1,{FreePort.Next()},{new string('d', 40)},{epoch},{name},{named.Host},{named.Port},{epoch}";
        Assert.False((await rig.CallAsync(at, "PUBLISH", "__sentinel__:hello", hello)).IsError);
    }
}
