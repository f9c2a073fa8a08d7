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
    /// <summary>After each step, so often.</summary>
    public static TheoryData<string, int> Steps
    {
        get
        {
            var steps = new TheoryData<string, int>();
            foreach (var run in Enumerable.Range(1, RunCount.Of(20, usual: 1)))
                foreach (var step in (string[])["win", "give-up", "fence", "await-offset", "promote", "announce", "demote", "repoint"])
                    steps.Add(step, run);
            return steps;
        }
    }

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
    [MemberData(nameof(Steps))]
    public async Task A_coordinator_killed_after_any_step_loses_nothing_and_leaves_nothing_fenced(string step, int run)
    {
        var isHandedOver = step is "promote" or "announce" or "demote" or "repoint";
        await using var group = new LocalGroup(new LocalGroupOptions { Name = $"killed-{step}-{run}" });
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
    [MemberData(nameof(Steps))]
    public async Task A_coordinator_stopped_after_any_step_is_outwaited_and_does_no_harm_when_it_goes_on(string step, int run)
    {
        await using var group = new LocalGroup(new LocalGroupOptions { Name = $"stopped-{step}-{run}" });
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

    /// <summary>Longer than the others take to settle what it began: it must undo nothing of that.</summary>
    [Theory]
    [InlineData("await-offset", false)]
    [InlineData("promote", true)]
    public async Task A_coordinator_stopped_until_all_is_settled_leaves_the_master_as_it_is(string step, bool isHandedOver)
    {
        await using var group = new LocalGroup(new LocalGroupOptions { Name = "settled-" + step });
        await using var rig = new HandOverRig(group);
        var (master, replicas) = await rig.StartAsync();
        await using var load = Load(group);
        await load.Acks.First;
        rig.StartSidecars();

        var stepDown = await rig.StopStepDownAsync(master, step, timeoutSeconds: 120);
        var address = GivingUp.Read(master.DataFolder).Value!.Target;
        var note = GivingUp.PathIn(master.DataFolder);
        await Eventually.UntilAsync("the note to be gone", () => !File.Exists(note), TimeSpan.FromSeconds(60));
        var settled = (await rig.WaitWholeAsync()).Master!.Node;
        Assert.Equal(isHandedOver, settled != master);
        var mark = load.Acks.Mark();
        await Eventually.UntilAsync("writes while it is stopped", () => mark.Count > 100);

        stepDown.Resume();
        await stepDown.WaitForExitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(settled, (await rig.WaitWholeAsync()).Master!.Node);
        var after = load.Acks.Mark();
        await Eventually.UntilAsync("writes again", () => after.Count > 100);
        await load.StopAsync();
        var check = await load.CheckAsync(settled.Endpoint);
        output.WriteLine($"{step}: lost {check.MissingCount} of {check.Checked}; {stepDown.Output[^1]}");
        Assert.Equal(0, check.MissingCount);
        if (!isHandedOver)
            Assert.DoesNotContain(replicas.Single(r => r.Endpoint == address).Process!.Output,
                line => line.Contains("MASTER MODE enabled", StringComparison.Ordinal));
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
