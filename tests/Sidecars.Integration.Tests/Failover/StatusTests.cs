using System.Text.Json;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;
using Xunit.Abstractions;

namespace Sidecars.Integration.Tests.Failover;

/// <summary>The published <c>redis-failover status</c> on a real group.</summary>
[Collection(GroupTests.Name)]
public sealed class StatusTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_whole_group_is_healthy_a_lost_replica_and_a_wrong_record_are_not_and_bootstraps_decisions_come_out_the_same()
    {
        await using var group = new LocalGroup(new LocalGroupOptions { Name = "status", RedisCount = 2 });
        await using var rig = new HandOverRig(group);
        var (master, replicas) = await rig.StartAsync();
        var replica = replicas[0];
        await rig.PublishAsync(master.Endpoint, epoch: 0);

        var healthy = await StatusAsync(rig, master);
        output.WriteLine(healthy.Tail(60));
        Assert.Equal(0, healthy.ExitCode);
        Assert.StartsWith("demo/redis: healthy at ", healthy.Output[0], StringComparison.Ordinal);
        Assert.Equal($"master {master.Endpoint} in epoch 0, named by 3 of 3 Sentinels", healthy.Output[1]);
        Assert.All(healthy.Output, line => Assert.True(line.Length <= 80, line));

        // The record moves to the other one in a later epoch, and that one dies.
        await rig.PublishAsync(replica.Endpoint, epoch: 3);
        await replica.KillAsync();
        var ill = await StatusAsync(rig, master, "--output", "json");
        Assert.Equal(1, ill.ExitCode);
        using var json = Json(ill);
        var codes = Codes(json);
        Assert.Equal("redis-unreachable", codes[0]);
        Assert.Contains("epoch-went-back", codes);
        Assert.False(json.RootElement.GetProperty("healthy").GetBoolean());

        Assert.DoesNotContain(master.Process!.Output, line => line.Contains("snapshot", StringComparison.Ordinal));
        foreach (var (node, policy) in ((LocalNode, string)[])[(master, "master-selection"), (group.Sentinels[0], "monitor-selection")])
        {
            var explained = await StatusAsync(rig, master, "--explain", node.ConfigFolder);
            Assert.True(explained.ExitCode == 0, explained.Tail());
            Assert.All(explained.Output, line => Assert.StartsWith("same: ", line, StringComparison.Ordinal));
            Assert.Contains(explained.Output, line => line.StartsWith($"same: {policy}", StringComparison.Ordinal));
        }

        var log = Path.Combine(group.Folder, "changed.log");
        var kept = await File.ReadAllLinesAsync(Path.Combine(master.ConfigFolder, "redis-bootstrap.decisions"));
        await File.WriteAllLinesAsync(
            log, kept.Select(line => line.Replace("\"code\":\"", "\"code\":\"another-", StringComparison.Ordinal)));
        Assert.Equal(1, (await StatusAsync(rig, master, "--explain", log)).ExitCode);
    }

    [Fact]
    public async Task A_Sentinel_that_hangs_is_a_time_out_a_store_elsewhere_is_not_looked_at_and_a_watch_ends_with_its_signal()
    {
        await using var group = new LocalGroup(new LocalGroupOptions { Name = "status-watch", RedisCount = 2 });
        await group.StartAsync();
        var master = (await group.WaitHealthyAsync()).Master!.Node;
        await EventuallyHealthyAsync(group, master);

        foreach (var store in (string[])["s3://bucket/tenants", Path.Combine(group.Folder, "not-mounted-here")])
        {
            await using var elsewhere = await group.StartFailoverAsync(
                master, ["status", "--output", "json"], new Dictionary<string, string> { ["BACKUP_STORE"] = store });
            Assert.True(await elsewhere.WaitForExitAsync() == 0, elsewhere.Tail(80));
            using var report = Json(elsewhere);
            Assert.Equal("not-looked-at", report.RootElement.GetProperty("backup").GetProperty("state").GetString());
        }

        // A person's Ctrl-C, and a pod that ends; on a terminal and elsewhere.
        foreach (var (signal, code, onTerminal) in (IEnumerable<(int, int, bool)>)[(Interrupt, 130, true), (Terminate, 143, true),
            (Terminate, 143, false)])
        {
            await using var watch = await group.StartFailoverAsync(
                master, ["status", "--watch"], within: start => onTerminal ? OnTerminal(start) : start);
            var first = await watch.WaitForLineAsync(line => line.Contains("demo/redis: ", StringComparison.Ordinal), "a report");
            Assert.Equal(onTerminal, first.Contains('\e'));
            await using (var kill =
                await ServerProcess.StartAsync(new ServerStart("kill", $"-{signal}", $"{(onTerminal ? ChildOf(watch.Pid) : watch.Pid)}")))
                Assert.Equal(0, await kill.WaitForExitAsync());
            Assert.True(await watch.WaitForExitAsync() == code, watch.Tail());
            Assert.DoesNotContain(watch.Output, line => line.Contains("Exception", StringComparison.Ordinal));
            Assert.Equal(onTerminal, watch.Output.Any(line => line.Contains("\e[?25h", StringComparison.Ordinal)));
        }

        group.Sentinels[0].Process!.Pause();
        await using var hung = await group.StartFailoverAsync(master, ["status", "--output", "json"]);
        Assert.Equal(1, await hung.WaitForExitAsync());
        group.Sentinels[0].Process!.Resume();
        using var json = Json(hung);
        Assert.Equal("sentinel-timed-out", Codes(json)[0]);
        Assert.DoesNotContain(
            "PASSWORD", json.RootElement.GetProperty("findings")[0].GetProperty("to_do").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_that_waits_for_the_others_shows_for_whom()
    {
        await using var group = new LocalGroup(new LocalGroupOptions { Name = "status-wait", RedisCount = 2, SentinelCount = 1 });
        var first = group.Redis[0];
        await group.StartAsync([first]);
        var heartbeat = Path.Combine(first.ConfigFolder, "bootstrap.json");
        await first.Process!.WaitUntilAsync("a wait", () => Task.FromResult(
            File.Exists(heartbeat) && File.ReadAllText(heartbeat).Contains("\"waiting_for\":[\"", StringComparison.Ordinal)));

        await using var status = await group.StartFailoverAsync(first, ["status", "--output", "json"]);
        Assert.Equal(1, await status.WaitForExitAsync());
        output.WriteLine(status.Tail(120));
        using var json = Json(status);
        var row = json.RootElement.GetProperty("redis").EnumerateArray()
            .Single(n => n.GetProperty("address").GetString() == first.Endpoint.ToString());
        Assert.Equal("waiting", row.GetProperty("state").GetString());
        var whom = row.GetProperty("waiting").GetProperty("waiting_for")[0].GetString()!;
        var finding = json.RootElement.GetProperty("findings").EnumerateArray()
            .Single(f => f.GetProperty("code").GetString() == "redis-waiting");
        Assert.Contains($"waits for {whom}", finding.GetProperty("text").GetString(), StringComparison.Ordinal);
    }

    private const int Interrupt = 2, Terminate = 15;

    private static JsonDocument Json(ServerProcess status) => JsonDocument.Parse(string.Join('\n', status.Output));

    private static List<string> Codes(JsonDocument report) =>
        [.. report.RootElement.GetProperty("findings").EnumerateArray().Select(f => f.GetProperty("code").GetString()!)];

    // A terminal of its own, as a person's shell gives it; script passes on the exit code.
    private static ServerStart OnTerminal(ServerStart start) =>
        start with
        {
            Program = "script",
            Arguments =
                ["-qefc", string.Join(' ', start.Arguments.Prepend(start.Program).Select(word => $"'{word}'").Prepend("exec")), "/dev/null"]
        };

    private static int ChildOf(int pid) =>
        int.Parse(File.ReadAllText($"/proc/{pid}/task/{pid}/children").Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);

    // Sentinels learn of a replica within 10 s.
    private static Task EventuallyHealthyAsync(LocalGroup group, LocalNode node) => Eventually.UntilAsync(
        "status finds no fault",
        async () =>
        {
            await using var status = await group.StartFailoverAsync(node, ["status"]);
            return await status.WaitForExitAsync() == 0;
        },
        TimeSpan.FromSeconds(60));

    private static async Task<ServerProcess> StatusAsync(HandOverRig rig, LocalNode node, params string[] arguments)
    {
        var process = await rig.StartFailoverAsync(node, ["status", .. arguments]);
        await process.WaitForExitAsync();
        return process;
    }
}
