using Sidecars.Core.Redis;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Load;
using Sidecars.TestKit.Processes;
using Xunit.Abstractions;

namespace Sidecars.Integration.Tests.Failover;

[Collection(GroupTests.Name)]
public sealed class FenceTests(ITestOutputHelper output)
{
    private static readonly TimeSpan DownAfter = TimeSpan.FromSeconds(2);

    [Fact]
    public async Task A_restart_of_all_Sentinels_fences_nobody_while_the_replicas_are_attached()
    {
        var (rig, master) = await SidecarRig.StartAsync("sentinels", downAfter: DownAfter);
        await using var disposed = rig;
        await using var load = WriteLoad.Start(new WriteLoadOptions(rig.Group.SentinelEndpoints, rig.Group.Options.EffectiveMasterName)
        {
            WritesPerSecond = 200,
            CommandTimeout = TimeSpan.FromSeconds(10), // a connection that is given up can't be had again: there is no Sentinel to ask
        });
        await using var library = Library(rig);
        await Task.WhenAll(load.Acks.First, library.Acks.First);
        foreach (var sentinel in rig.Group.Sentinels) await sentinel.KillAsync();
        await rig.WaitDecisionAsync(master, "fence", "open-unconfirmed");
        var acknowledged = load.Acks.Mark();
        await Eventually.UntilAsync(
            "a thousand writes, five times the fence's patience", () => acknowledged.Count >= 1000, TimeSpan.FromSeconds(30));
        foreach (var sentinel in rig.Group.Sentinels) await sentinel.StartAsync();
        await rig.Group.WaitAgreedAsync();
        await Eventually.UntilAsync("the majority's word", () => rig.Decisions(master, "fence")[^1] == "open", null, rig.Tails);
        Assert.Empty(rig.Done(master, "fence"));
        Assert.Equal((0L, 0L), (load.Refused, library.Refused));
    }

    [Fact]
    public async Task A_master_that_was_stopped_over_a_failover_is_fenced_when_it_wakes()
    {
        // Two nodes: min-replicas-to-write is 0, the fence stands alone.
        var (rig, master) = await SidecarRig.StartAsync("zombie", redis: 2, downAfter: DownAfter);
        await using var disposed = rig;
        master.Process!.Pause();
        var next = await rig.WaitMasterAfterAsync(master);
        await rig.WaitPublishedAsync(next);
        Assert.Empty(rig.Decisions(master, "death").Intersect(["succeed", "request-failover"])); // stopped is not dead
        var stopped = TimeProvider.System.GetTimestamp();
        master.Process!.Resume();
        await Eventually.UntilAsync("the fence", () => rig.Done(master, "fence").Contains("fenced"), null, rig.Tails);
        output.WriteLine($"fenced {TimeProvider.System.GetElapsedTime(stopped).TotalMilliseconds:F0} ms after SIGCONT");
        Assert.StartsWith(await IsReplicaAsync(rig, master) ? "READONLY" : "NOREPLICAS",
            (await rig.CallAsync(master, "SET", "x", "1")).Text, StringComparison.Ordinal);
        // Sentinel turns it round, and the value that CONFIG REWRITE may have persisted does not stay.
        await rig.Group.WaitForAsync("one master and its replica", s => s.Master?.Node == next && s.LinkedReplicas == 1);
        await Eventually.UntilAsync(
            "the configured value", async () => await rig.ConfigAsync(master, "min-replicas-to-write") == "0", null, rig.Tails);
    }

    [Fact]
    public async Task A_failover_by_hand_loses_no_write_since_the_fence_comes_before_the_promotion()
    {
        // SENTINEL FAILOVER alone leaves the old master open for ten seconds, and Sentinel's clients on it: half of all writes are lost.
        var (rig, master) = await SidecarRig.StartAsync("by-hand");
        await using var disposed = rig;
        await using var load =
            WriteLoad.Start(new WriteLoadOptions(rig.Group.SentinelEndpoints, rig.Group.Options.EffectiveMasterName) { KeepTimes = true });
        await using var library = Library(rig);
        await Task.WhenAll(load.Acks.First, library.Acks.First);
        var next = await rig.FailOverAsync(master);
        await rig.WaitDecisionAsync(master, "fence", "being-replaced");
        var (mark, libraryMark) = (load.Acks.Mark(), library.Acks.Mark());
        await Eventually.UntilAsync(
            "writes to the new master", () => mark.Count > 1000 && libraryMark.Count > 100, TimeSpan.FromSeconds(30), rig.Tails);
        await Task.WhenAll(load.StopAsync(), library.StopAsync());
        var (check, libraryCheck) = (await load.CheckAsync(next.Endpoint), await library.CheckAsync(next.Endpoint));
        output.WriteLine(
            $"{check.MissingCount} of {check.Checked}, StackExchange.Redis {libraryCheck.MissingCount} of {libraryCheck.Checked} "
            + "acknowledged writes lost; "
                + $"longest gap {load.LongestGap.TotalMilliseconds:F0} ms, StackExchange.Redis {library.LongestGap.TotalMilliseconds:F0} "
                + "ms");
        Assert.Equal((0L, 0L), (check.MissingCount, libraryCheck.MissingCount));
    }

    /// <summary>A provider, or a person, may have taken CONFIG GET from the sidecar's user.</summary>
    [Fact]
    public async Task A_sidecar_that_may_not_read_the_configuration_fences_all_the_same_and_says_so()
    {
        var (rig, master) = await SidecarRig.StartAsync("unread");
        await using var disposed = rig;
        var users = (await rig.CallAsync(master, "ACL", "USERS")).Items.Select(user => user.Text)
            .Where(user => user.StartsWith("sidecar-", StringComparison.Ordinal)).ToArray();
        var user = Assert.Single(users);
        Assert.Equal("OK", (await rig.CallAsync(master, "ACL", "SETUSER", user, "-config|get")).Text);
        await rig.WaitDecisionAsync(master, "fence", "value-unknown");
        await rig.FailOverAsync(master);
        await rig.WaitDecisionAsync(master, "fence", "being-replaced");
        await Eventually.UntilAsync("the fence", () => rig.Done(master, "fence").Contains("fenced"), null, rig.Tails);
    }

    [Fact]
    public async Task A_master_that_wakes_in_the_middle_of_its_replacement_is_fenced_and_loses_nothing_after_that()
    {
        var (rig, master) = await SidecarRig.StartAsync("late", downAfter: DownAfter);
        await using var disposed = rig;
        await using var load =
            WriteLoad.Start(new WriteLoadOptions(rig.Group.SentinelEndpoints, rig.Group.Options.EffectiveMasterName) { KeepTimes = true });
        await load.Acks.First;
        master.Process!.Pause();
        await Eventually.UntilAsync("a Sentinel to be elected", () => Said(rig, "+elected-leader"), null, rig.Tails);
        master.Process!.Resume();
        await Eventually.UntilAsync("the fence", async () => await IsClosedAsync(rig, master), null, rig.Tails);
        var closed = TimeProvider.System.GetTimestamp();
        var next = await rig.WaitMasterAfterAsync(master);
        await rig.WaitPublishedAsync(next);
        var mark = load.Acks.Mark();
        await Eventually.UntilAsync("writes to the new master", () => mark.Count > 1000, TimeSpan.FromSeconds(30), rig.Tails);
        await load.StopAsync();
        var check = await load.CheckAsync(next.Endpoint);
        output.WriteLine($"{check.MissingCount} of {check.Checked} acknowledged writes lost; fenced for: "
            + $"{string.Join(", ", rig.Decisions(master, "fence"))}");
        Assert.DoesNotContain(check.MissingAt, at => at > closed);
        Assert.Contains("being-replaced", rig.Decisions(master, "fence"));
    }

    [Fact]
    public async Task An_aborted_failover_lifts_the_fence_again()
    {
        // Its leader chooses a replica that has just stopped: it waits for the promotion until failover-timeout, and gives up. Stopped
        // before it accepts, the replica's last INFO might be too old for a choice.
        var (rig, master) = await SidecarRig.StartAsync("aborted", redis: 2);
        await using var disposed = rig;
        var replica = rig.Group.Redis.Single(n => n != master);
        await using (var sentinel = await rig.Group.ConnectAsync(rig.Group.Sentinels[0], TimeSpan.FromSeconds(2)))
        {
            await Eventually.UntilAsync("Sentinel to accept", async () =>
                (await sentinel.CallAsync(default, "SENTINEL", "FAILOVER", rig.Group.Options.EffectiveMasterName)).Text == "OK");
            replica.Process!.Pause();
        }

        await Eventually.UntilAsync("the fence", async () => await IsClosedAsync(rig, master), null, rig.Tails);
        Assert.Contains("being-replaced", rig.Decisions(master, "fence"));
        await Eventually.UntilAsync("the lift", async () => !await IsClosedAsync(rig, master), TimeSpan.FromSeconds(40), rig.Tails);
        Assert.True(Said(rig, "-failover-abort"));
        replica.Process!.Resume();
    }

    [Fact]
    public async Task A_fence_that_was_persisted_is_reconciled_on_master_and_replica()
    {
        var (rig, master) = await SidecarRig.StartAsync("persisted");
        await using var disposed = rig;
        foreach (var node in rig.Group.Redis)
        {
            await rig.CallAsync(node, "CONFIG", "SET", "min-replicas-to-write", "1000000");
            await Eventually.UntilAsync(
                "the configured value", async () => await rig.ConfigAsync(node, "min-replicas-to-write") == "1", null, rig.Tails);
        }

        Assert.Contains("confirmed", rig.Decisions(master, "fence"));
        // A step-down's value is not touched.
        await rig.CallAsync(master, "CONFIG", "SET", "min-replicas-to-write", "99");
        await rig.WaitDecisionAsync(master, "fence", "step-down");
        Assert.Equal("99", await rig.ConfigAsync(master, "min-replicas-to-write"));
    }

    [Fact]
    public async Task A_killed_master_is_replaced_long_before_Sentinel_would_notice()
    {
        var (rig, master) = await SidecarRig.StartAsync("death");
        await using var disposed = rig;
        await rig.WaitLookedAsync(master);
        await using var load = WriteLoad.Start(new WriteLoadOptions(rig.Group.SentinelEndpoints, rig.Group.Options.EffectiveMasterName));
        await using var library = Library(rig);
        await Task.WhenAll(load.Acks.First, library.Acks.First);
        var mark = load.Acks.Mark();
        await master.KillAsync();
        await rig.WaitDecisionAsync(master, "death", "succeed");
        var next = await rig.WaitMasterAfterAsync(master);
        await rig.WaitPublishedAsync(next);
        var libraryMark = library.Acks.Mark();
        await Eventually.UntilAsync(
            "writes", () => mark.Count > 1000 && load.Acks.CurrentGap < TimeSpan.FromMilliseconds(200) && libraryMark.Count > 100);
        output.WriteLine($"longest gap {mark.LongestGap.TotalMilliseconds:F0} ms with down-after 5000 ms, "
            + $"StackExchange.Redis {library.LongestGap.TotalMilliseconds:F0} ms");
        // Nothing but the death itself may have started it: the Sentinels had not yet found the master down.
        Assert.DoesNotContain(
            rig.Group.Sentinels.SelectMany(s => s.Process!.Output), line => line.Contains("+odown", StringComparison.Ordinal));
        await load.StopAsync();
        var check = await load.CheckAsync(next.Endpoint);
        output.WriteLine($"{check.MissingCount} of {check.Checked} acknowledged writes lost (kill -9, asynchronous replication)");
    }

    [Fact]
    public async Task Of_replicas_that_differ_when_the_master_dies_the_one_that_has_most_is_promoted()
    {
        var (rig, master) = await SidecarRig.StartAsync("has-most");
        await using var disposed = rig;
        var behind = rig.Group.Redis.First(n => n != master);
        // One replica misses a hundred writes: it is stopped, and its connection cut, so that nothing waits in its socket.
        behind.Process!.Pause();
        await rig.CallAsync(master, "CLIENT", "KILL", "TYPE", "replica");
        await Eventually.UntilAsync("the other replica",
            async () => (await rig.CallAsync(master, "INFO", "replication")).Text.Contains("state=online", StringComparison.Ordinal));
        await using (var client = await rig.Group.ConnectAsync(master, TimeSpan.FromSeconds(2)))
        {
            for (var n = 0; n < 100; n++) Assert.Equal("OK", (await client.CallAsync(default, "SET", $"missed:{n}", "1")).Text);
            await Eventually.UntilAsync(
                "the other's acknowledgement", async () => (await client.CallAsync(default, "WAIT", "1", "100")).Integer == 1);
        }

        master.Process!.Kill();
        behind.Process!.Resume();
        var next = await rig.WaitMasterAfterAsync(master);
        await rig.Group.WaitForAsync("the other replica's link", s => s.Master?.Node == next && s.LinkedReplicas == 1);
        Assert.NotEqual(behind, next);
        Assert.Equal(100, (await rig.CallAsync(next, ["EXISTS", .. Enumerable.Range(0, 100).Select(n => $"missed:{n}")])).Integer);
        Assert.Contains("sync_full:0", (await rig.CallAsync(next, "INFO", "stats")).Text, StringComparison.Ordinal);
    }

    private static WriteLoad Library(SidecarRig rig) =>
        WriteLoad.Start(new WriteLoadOptions(rig.Group.SentinelEndpoints, rig.Group.Options.EffectiveMasterName).WithLibrary());

    private static bool Said(SidecarRig rig, string words) =>
        rig.Group.Sentinels.SelectMany(s => s.Process!.Output).Any(line => line.Contains(words, StringComparison.Ordinal));

    // Refuses writes: fenced, or a replica already. The fence cuts this question's connection too.
    private static async Task<bool> IsClosedAsync(SidecarRig rig, LocalNode node)
    {
        try
        {
            return await rig.ConfigAsync(node, "min-replicas-to-write") == "1000000" || await IsReplicaAsync(rig, node);
        }
        catch (RedisConnectionException)
        {
            return false;
        }
    }

    private static async Task<bool> IsReplicaAsync(SidecarRig rig, LocalNode node) =>
        (await rig.CallAsync(node, "ROLE")).Items[0].Text == "slave";
}
