using System.Text.Json;
using Sidecars.Core.Lineage;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Load;
using Sidecars.TestKit.Processes;
using Xunit.Abstractions;

namespace Sidecars.Integration.Tests.Failover;

/// <summary>The published <c>redis-failover step-down</c> on real groups under load.</summary>
[Collection(GroupTests.Name)]
public sealed class StepDownTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Under_load_the_best_replica_takes_over_and_no_acknowledged_write_is_lost_for_clients_of_either_kind()
    {
        await using var group = new LocalGroup(new LocalGroupOptions { Name = "step-down" });
        await using var rig = new HandOverRig(group);
        var (master, _) = await rig.StartAsync();
        rig.StartSidecars();
        var epoch = (await group.ObserveAsync()).Sentinels[0].Epoch;
        await using var load = Load(group);
        await using var library = WriteLoad.Start(Options(group).WithLibrary());
        await Task.WhenAll(load.Acks.First, library.Acks.First);
        await using var monitor = MasterMonitor.Start(group);
        var mark = load.Acks.Mark();

        var stepDown = await rig.StepDownAsync(master);
        Assert.True(await stepDown.WaitForExitAsync(TimeSpan.FromSeconds(40)) == 0, stepDown.Tail(60));
        var state = await rig.WaitWholeAsync();
        Assert.NotEqual(master, state.Master!.Node);
        Assert.True(Assert.Single(state.Sentinels.Select(s => s.Epoch).Distinct()) > epoch); // one epoch: nobody else's failover took part
        var gap = mark.LongestGap;
        await load.StopAsync();
        var libraryMark = library.Acks.Mark();
        await Eventually.UntilAsync("writes of StackExchange.Redis to the new master", () => libraryMark.Count > 100);
        await library.StopAsync();
        var check = await load.CheckAsync(state.Master.Node.Endpoint);
        Assert.Equal(0, (await library.CheckAsync(state.Master.Node.Endpoint)).MissingCount);
        Assert.Equal(0, check.MissingCount);
        Assert.Empty(monitor.Findings);
        Assert.Empty(rig.Repairs);

        var summary = Summary(stepDown);
        output.WriteLine($"cut over {summary.GetProperty("cut_over_us").GetInt64() / 1000.0:0.0} ms after the fence, "
            + $"Sentinels {summary.GetProperty("switched_ms")} ms; "
            + $"longest gap: Sentinel-aware {gap.TotalMilliseconds:0} ms, StackExchange.Redis {library.LongestGap.TotalMilliseconds:0} "
            + $"ms; acknowledged {check.Checked}, lost {check.MissingCount}; refused {load.Refused}, unknown {load.Unknown}");
        foreach (var line in stepDown.Output) output.WriteLine(line);
    }

    [Theory]
    [InlineData("win", false)]
    [InlineData("give-up", false)]
    [InlineData("fence", false)]
    [InlineData("await-offset", false)]
    [InlineData("promote", true)]
    [InlineData("announce", true)]
    [InlineData("demote", true)]
    [InlineData("repoint", true)]
    public async Task A_coordinator_killed_after_any_step_loses_nothing_and_leaves_nothing_fenced(string step, bool isHandedOver)
    {
        await using var group = new LocalGroup(new LocalGroupOptions { Name = "killed-" + step });
        await using var rig = new HandOverRig(group);
        var (master, _) = await rig.StartAsync();
        await using var load = Load(group);
        await load.Acks.First;
        await using var monitor = MasterMonitor.Start(group);
        rig.StartSidecars();
        var mark = load.Acks.Mark();

        var stepDown = await rig.HoldStepDownAsync(master, step);
        await stepDown.KillAsync();

        var state = await rig.WaitWholeAsync();
        var after = load.Acks.Mark();
        await Eventually.UntilAsync("writes again", () => after.Count > 100);
        Assert.Equal(!isHandedOver, master == state.Master!.Node);
        await load.StopAsync();
        var check = await load.CheckAsync(state.Master.Node.Endpoint);
        output.WriteLine(
            $"{step}: lost {check.MissingCount} of {check.Checked}, longest gap {mark.LongestGap.TotalMilliseconds:0} ms; repairs: "
            + $"{string.Join("; ", rig.Repairs)}");
        Assert.Equal(0, check.MissingCount);
        Assert.Empty(monitor.Findings);
        await Eventually.UntilAsync("the note that a master gives up is gone", () => !File.Exists(GivingUp.PathIn(master.DataFolder)));
    }

    [Theory]
    [InlineData("win")]
    [InlineData("give-up")]
    [InlineData("fence")]
    [InlineData("await-offset")]
    [InlineData("promote")]
    [InlineData("announce")]
    [InlineData("demote")]
    [InlineData("repoint")]
    public async Task A_coordinator_stopped_after_any_step_is_outwaited_and_does_no_harm_when_it_goes_on(string step)
    {
        await using var group = new LocalGroup(new LocalGroupOptions { Name = "stopped-" + step });
        await using var rig = new HandOverRig(group);
        var (master, _) = await rig.StartAsync();
        await using var load = Load(group);
        await load.Acks.First;
        rig.StartSidecars();
        var mark = load.Acks.Mark();

        var stopped = TimeProvider.System.GetTimestamp();
        var stepDown = await rig.StopStepDownAsync(master, step);
        var healed = load.Acks.Mark();
        await Eventually.UntilAsync(
            "writes while it is stopped", () => healed.Count > 100, TimeSpan.FromSeconds(40), () => string.Join("; ", rig.Repairs));
        await Eventually.UntilAsync("20 s to be over", () => TimeProvider.System.GetElapsedTime(stopped) > TimeSpan.FromSeconds(20));
        stepDown.Resume();
        await stepDown.WaitForExitAsync(TimeSpan.FromSeconds(40));

        var state = await rig.WaitWholeAsync();
        var after = load.Acks.Mark();
        await Eventually.UntilAsync("writes again", () => after.Count > 100);
        await load.StopAsync();
        var check = await load.CheckAsync(state.Master!.Node.Endpoint);
        output.WriteLine(
            $"{step}: lost {check.MissingCount} of {check.Checked}, longest gap {mark.LongestGap.TotalMilliseconds:0} ms; repairs: "
            + $"{string.Join("; ", rig.Repairs)}; {(stepDown.Output.Count > 0 ? stepDown.Output[^1] : "")}");
        Assert.Equal(0, check.MissingCount);
        await Eventually.UntilAsync("the note that a master gives up is gone", () => !File.Exists(GivingUp.PathIn(master.DataFolder)));
    }

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

    [Fact]
    public async Task With_down_after_of_three_seconds_writes_are_refused_and_never_paused()
    {
        await using var group =
            new LocalGroup(new LocalGroupOptions { Name = "no-pause", RedisCount = 2, DownAfter = TimeSpan.FromSeconds(3) });
        await using var rig = new HandOverRig(group);
        var (master, _) = await rig.StartAsync();
        await using var load = Load(group);
        await load.Acks.First;
        var mark = load.Acks.Mark();
        var stepDown = await rig.StepDownAsync(master);
        Assert.True(await stepDown.WaitForExitAsync() == 0, stepDown.Tail(60));
        Assert.Equal($"writes are refused on {master.Endpoint}", Event(stepDown, "step-down-fence").GetProperty("message").GetString());
        var state = await rig.WaitWholeAsync(minReplicas: "0");
        Assert.NotEqual(master, state.Master!.Node);
        await load.StopAsync();
        var check = await load.CheckAsync(state.Master.Node.Endpoint);
        output.WriteLine($"longest gap {mark.LongestGap.TotalMilliseconds:0} ms, lost {check.MissingCount} of {check.Checked}");
        Assert.Equal(0, check.MissingCount);
    }

    [Fact]
    public async Task A_target_that_dies_before_a_Sentinel_was_told_gives_the_old_master_back()
    {
        await using var group = new LocalGroup(
            new LocalGroupOptions { Name = "dead-target", DownAfter = TimeSpan.FromSeconds(2), FailoverTimeout = TimeSpan.FromSeconds(5) });
        await using var rig = new HandOverRig(group);
        var (master, replicas) = await rig.StartAsync();
        await using var load = Load(group);
        await load.Acks.First;
        rig.StartSidecars();
        var stepDown = await rig.HoldStepDownAsync(master, "promote");
        var target = replicas[await IsMasterAsync(group, replicas[0]) ? 0 : 1];
        await target.KillAsync();
        await stepDown.KillAsync();
        await group.WaitForAsync("a master that takes writes", s => s.Master is { } m && m.Node != target && s.LinkedReplicas == 1);
        var mark = load.Acks.Mark();
        await Eventually.UntilAsync("writes again", () => mark.Count > 100, TimeSpan.FromSeconds(40), () => string.Join("; ", rig.Repairs));
        await load.StopAsync();
        var now = await group.WaitForAsync("one master", s => s.Master is not null);
        var check = await load.CheckAsync(now.Master!.Node.Endpoint);
        output.WriteLine($"lost {check.MissingCount} of {check.Checked}; repairs: {string.Join("; ", rig.Repairs)}");
        Assert.Equal(0, check.MissingCount);
    }

    [Fact]
    public async Task Where_the_Sentinels_refuse_a_hello_one_of_them_is_asked_and_no_write_is_lost()
    {
        await using var group = new LocalGroup(new LocalGroupOptions { Name = "asked" });
        await using var rig = new HandOverRig(group);
        var (master, _) = await rig.StartAsync();
        foreach (var sentinel in group.Sentinels)
        {
            await using var client = await group.ConnectAsync(sentinel, TimeSpan.FromSeconds(2));
            Assert.Equal("OK", (await client.CallAsync(default, "ACL", "SETUSER", rig.Login.Credentials[0].User!, "-publish")).Text);
        }

        await using var load = Load(group);
        await load.Acks.First;
        var mark = load.Acks.Mark();
        var stepDown = await rig.StepDownAsync(master);
        Assert.True(await stepDown.WaitForExitAsync(TimeSpan.FromSeconds(40)) == 0, stepDown.Tail(60));
        Assert.Contains("publish-denied", Event(stepDown, "step-down-win").GetProperty("message").GetString(), StringComparison.Ordinal);
        var state = await rig.WaitWholeAsync();
        Assert.NotEqual(master, state.Master!.Node);
        await load.StopAsync();
        var check = await load.CheckAsync(state.Master.Node.Endpoint);
        output.WriteLine($"longest gap {mark.LongestGap.TotalMilliseconds:0} ms, lost {check.MissingCount} of {check.Checked}");
        Assert.Equal(0, check.MissingCount);
    }

    [Fact]
    public async Task A_server_from_outside_that_follows_the_master_is_not_next_though_its_priority_is_the_best()
    {
        await using var group = new LocalGroup(new LocalGroupOptions { Name = "outside" });
        await using var rig = new HandOverRig(group);
        var (master, replicas) = await rig.StartAsync();
        await using var outside = await RedisProcess.StartAsync(
            $"replicaof {master.Endpoint.Host} {master.Endpoint.Port}", "replica-priority 1",
            $"user {rig.Login.Credentials[0].User} on nopass ~* &* +@all");
        await Eventually.UntilAsync(
            "every Sentinel to list it",
            async () =>
            {
                var seen = await Task.WhenAll(group.Sentinels.Select(s => rig.Sentinels.ObserveAsync(s.Endpoint, default)));
                return seen.All(s => s is SentinelObservation.Known { View: var view }
                    && view.Replicas.Any(r => r.Address == outside.Endpoint && r is { Promotable: true, Priority: 1 }));
            },
            TimeSpan.FromSeconds(60), () => outside.Process.Tail(20));
        var stepDown = await rig.StepDownAsync(master);
        Assert.True(await stepDown.WaitForExitAsync(TimeSpan.FromSeconds(40)) == 0, stepDown.Tail(60));
        var state = await group.WaitForAsync("another master", s => s.Master is { } m && m.Node != master);
        Assert.Contains(state.Master!.Node, replicas);
        // It was not led to the next master either.
        await using var client = await RedisClient.ConnectAsync(
            new TcpTransport(outside.Endpoint), new RedisClientOptions { CommandTimeout = TimeSpan.FromSeconds(2) }, default);
        var role = await client.CallAsync(default, "ROLE");
        Assert.Equal(master.Endpoint.Port, role.Items[2].Integer);
    }

    [Fact]
    public async Task On_a_replica_and_in_a_dry_run_nothing_changes_and_a_second_coordinator_is_refused()
    {
        await using var group = new LocalGroup(new LocalGroupOptions { Name = "nothing", RedisCount = 2 });
        await using var rig = new HandOverRig(group);
        var (master, replicas) = await rig.StartAsync();
        var replica = replicas[0];

        var onReplica = await rig.StepDownAsync(replica);
        Assert.Equal(0, await onReplica.WaitForExitAsync());
        Assert.Equal("nothing", Summary(onReplica).GetProperty("end").GetString());

        var dry = await rig.StepDownAsync(master, "--dry-run");
        Assert.Equal(0, await dry.WaitForExitAsync());
        Assert.Equal(("would-hand-over", replica.Endpoint.ToString()),
            (Summary(dry).GetProperty("end").GetString(), Summary(dry).GetProperty("target").GetString()));

        var unknown = await rig.StepDownAsync(master, "--to", "127.0.0.1:1", "--dry-run");
        Assert.Equal(1, await unknown.WaitForExitAsync());
        Assert.Equal("target-unknown", Summary(unknown).GetProperty("code").GetString());

        var first = await rig.HoldStepDownAsync(master, "fence");
        var second = await rig.StepDownAsync(master);
        Assert.Equal(1, await second.WaitForExitAsync());
        Assert.Equal("locked", Summary(second).GetProperty("code").GetString());
        await first.KillAsync();

        // What the first left is taken over by the next, which holds its lock: also the fence.
        var third = await rig.StepDownAsync(master);
        Assert.True(await third.WaitForExitAsync() == 0, third.Tail(60));
        Assert.Equal(replica, (await rig.WaitWholeAsync(minReplicas: "0")).Master!.Node);
    }

    private static async Task<bool> IsMasterAsync(LocalGroup group, LocalNode node)
    {
        await using var client = await group.ConnectAsync(node, TimeSpan.FromSeconds(2));
        return (await client.CallAsync(default, "ROLE")).Items[0].Text == "master";
    }

    private static WriteLoad Load(LocalGroup group) => WriteLoad.Start(Options(group));

    private static WriteLoadOptions Options(LocalGroup group) => new(group.SentinelEndpoints, group.Options.EffectiveMasterName);

    private static JsonElement Event(ServerProcess process, string name) => process.Events(name)[0];

    private static JsonElement Summary(ServerProcess process) => process.Events("step-down").Single();
}
