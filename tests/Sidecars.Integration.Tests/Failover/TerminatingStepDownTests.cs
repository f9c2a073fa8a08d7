using System.Text.Json;
using Sidecars.Core.Lineage;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Load;
using Sidecars.TestKit.Processes;
using Xunit.Abstractions;

namespace Sidecars.Integration.Tests.Failover;

/// <summary><c>step-down --terminating</c>, as a preStop hook, where several servers end at about the same time.</summary>
[Collection(GroupTests.Name)]
public sealed class TerminatingStepDownTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_replica_whose_container_ends_is_not_chosen()
    {
        await using var group = new LocalGroup(new LocalGroupOptions { Name = "replica-ends" });
        await using var rig = new HandOverRig(group);
        var (master, replicas) = await rig.StartAsync();
        var ending = await rig.StepDownAsync(replicas[0], "--terminating");
        Assert.Equal(0, await ending.WaitForExitAsync());
        Assert.Equal("nothing", Summary(ending).GetProperty("end").GetString());
        Assert.Equal("0", await rig.GetAsync(replicas[0], "replica-priority"));

        var stepDown = await rig.StepDownAsync(master, "--terminating");
        Assert.True(await stepDown.WaitForExitAsync(TimeSpan.FromSeconds(40)) == 0, stepDown.Tail(60));
        await group.WaitForAsync("the other replica as master", s => s.Master?.Node == replicas[1]);
        Assert.Equal(("0", "100"), (await rig.GetAsync(master, "replica-priority"), await rig.GetAsync(replicas[1], "replica-priority")));
    }

    /// <summary>Both orders of one race: the target says that its container ends before it is promoted, and after.</summary>
    [Theory]
    [InlineData("await-offset")]
    [InlineData("promote")]
    public async Task A_target_whose_container_ends_meanwhile_is_given_up_for_the_other_replica(string step)
    {
        await using var group = new LocalGroup(new LocalGroupOptions { Name = "target-ends-" + step });
        await using var rig = new HandOverRig(group);
        var (master, replicas) = await rig.StartAsync();
        await using var load = Load(group);
        await load.Acks.First;
        await using var monitor = MasterMonitor.Start(group);

        var stepDown = await rig.StopStepDownAsync(master, step);
        var address = GivingUp.Read(master.DataFolder).Value!.Target;
        var (target, other) = (replicas.Single(r => r.Endpoint == address), replicas.Single(r => r.Endpoint != address));
        var ending = await rig.StepDownAsync(target, "--terminating");
        await ending.WaitForLineAsync(line => line.Contains("\"step-down-mark\"", StringComparison.Ordinal), "the mark");
        if (step == "await-offset") Assert.Equal(0, await ending.WaitForExitAsync());
        stepDown.Resume();
        await stepDown.WaitForExitAsync(TimeSpan.FromSeconds(40));
        // Promoted for a moment, it looks again until it is a replica.
        Assert.Equal(0, await ending.WaitForExitAsync(TimeSpan.FromSeconds(40)));
        Assert.Equal("nothing", Summary(ending).GetProperty("end").GetString());
        await target.TerminateAsync();

        Assert.Equal(["take-back", "unfence", "win"], stepDown.Output.SkipWhile(line => line != "take-back").Take(3));
        var state = await group.WaitForAsync("the other replica as master", s => s.Master?.Node == other);
        var mark = load.Acks.Mark();
        await Eventually.UntilAsync("writes again", () => mark.Count > 100);
        await load.StopAsync();
        var check = await load.CheckAsync(other.Endpoint);
        output.WriteLine($"{step}: lost {check.MissingCount} of {check.Checked}");
        Assert.Equal(0, check.MissingCount);
        Assert.Empty(monitor.Findings);
    }

    [Fact]
    public async Task A_target_whose_container_ends_once_it_is_announced_hands_over_itself()
    {
        await using var group = new LocalGroup(new LocalGroupOptions { Name = "next-ends" });
        await using var rig = new HandOverRig(group);
        var (master, replicas) = await rig.StartAsync();
        await using var load = Load(group);
        await load.Acks.First;

        var stepDown = await rig.StopStepDownAsync(master, "announce");
        var address = GivingUp.Read(master.DataFolder).Value!.Target;
        var (target, other) = (replicas.Single(r => r.Endpoint == address), replicas.Single(r => r.Endpoint != address));
        var ending = await rig.StepDownAsync(target, "--terminating", "--to", other.Endpoint.ToString());
        await ending.WaitForLineAsync(line => line.Contains("\"step-down-mark\"", StringComparison.Ordinal), "the mark");
        stepDown.Resume();
        Assert.True(await ending.WaitForExitAsync(TimeSpan.FromSeconds(40)) == 0, ending.Tail(60));
        Assert.Equal("handed-over", Summary(ending).GetProperty("end").GetString());
        await target.TerminateAsync();

        await group.WaitForAsync("the other replica as master", s => s.Master?.Node == other);
        var mark = load.Acks.Mark();
        await Eventually.UntilAsync("writes again", () => mark.Count > 100);
        await load.StopAsync();
        var check = await load.CheckAsync(other.Endpoint);
        Assert.Equal(0, check.MissingCount);
    }

    /// <summary>
    /// It would live on as a replica, in the time that its container has for ending, and be promoted without the last writes.
    /// </summary>
    [Fact]
    public async Task Where_the_next_master_is_gone_nothing_is_waited_for()
    {
        await using var group = new LocalGroup(new LocalGroupOptions { Name = "next-gone" });
        await using var rig = new HandOverRig(group);
        var (master, replicas) = await rig.StartAsync();
        var stepDown = await rig.StopStepDownAsync(master, "demote", timeoutSeconds: 120);
        var address = GivingUp.Read(master.DataFolder).Value!.Target;
        await replicas.Single(r => r.Endpoint == address).KillAsync();
        stepDown.Resume();
        await stepDown.WaitForExitAsync(TimeSpan.FromSeconds(60)); // half of its own time-out
        Assert.Contains("HandedOver", stepDown.Output[^1], StringComparison.Ordinal);
    }

    private static WriteLoad Load(LocalGroup group) => WriteLoad.Start(new(group.SentinelEndpoints, group.Options.EffectiveMasterName));

    private static JsonElement Summary(ServerProcess process) => process.Events("step-down").Single();
}
