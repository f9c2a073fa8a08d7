using Sidecars.Core.Hosting;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.Probe.Reading;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Bootstrap;

/// <summary>What a waiting node tells probes and people.</summary>
public sealed class HeartbeatTests
{
    private const int Writes = 25; // one a round, so at least a dozen rounds beside those of the timer

    [Fact]
    public async Task A_waiting_node_keeps_its_heartbeat_fresh_and_logs_changes_not_rounds()
    {
        await using var node = new LooseNode(("REDIS_COUNT", "3"), ("RETRY_MAX", "100"));
        var file = Path.Combine(node.ConfigFolder, "bootstrap.json");
        var process = await node.StartAsync();
        await process.WaitForDecisionAsync("election-wait");
        var seen = new HashSet<DateTimeOffset>();
        await process.WaitUntilAsync("many heartbeats", () =>
        {
            if (Heartbeats.TryRead(file) is { } heartbeat) seen.Add(heartbeat.WrittenAt);
            return Task.FromResult(seen.Count >= Writes);
        });
        Assert.NotNull(ProbeHeartbeat.ReadFresh(file, TimeProvider.System));
        var last = Heartbeats.TryRead(file);
        Assert.NotNull(last);
        Assert.Equal(process.Pid, last.Pid);
        Assert.Equal(["redis-1", "redis-2"], last.WaitingFor);
        Assert.Contains("1 of 3 nodes are here (redis-0)", last.Reason, StringComparison.Ordinal);
        Assert.Equal(["consult-election", "election-wait"], process.Codes());
    }

    [Fact]
    public async Task Each_change_of_state_is_one_line()
    {
        await using var sentinel = new FakeSentinel('a', new FakeSentinelView());
        await using var node = new LooseNode(("REDIS_COUNT", "3"), ("RETRY_MAX", "100"));
        node.Environment["REDIS_SENTINEL_SERVICE_HOST"] = sentinel.Endpoint.ToString();
        var process = await node.StartAsync();
        await process.WaitForDecisionAsync("election-wait");
        var dead = LooseNode.Nowhere();
        sentinel.View = new FakeSentinelView { Master = dead, Flags = "master,failover_in_progress" };
        await process.WaitForDecisionAsync("failover-in-progress");
        sentinel.View = new FakeSentinelView();
        await process.WaitUntilAsync(
            "the wait for the election again", () => Task.FromResult(process.Codes().Count(code => code == "election-wait") == 2));
        var rounds = sentinel.Connections;
        await process.WaitUntilAsync("ten more rounds", () => Task.FromResult(sentinel.Connections >= rounds + 10));
        Assert.Equal(["consult-election", "election-wait", "failover-in-progress", "election-wait"], process.Codes());
        Assert.Equal("the failover's end", process.Decisions()[2].WaitingFor);
    }

    [Fact]
    public async Task A_heartbeat_that_cannot_be_written_is_said_once_and_stops_nothing()
    {
        await using var node = new LooseNode(("REDIS_COUNT", "3"), ("RETRY_MAX", "100"));
        Directory.CreateDirectory(Path.Combine(node.ConfigFolder, "bootstrap.json", "in the way")); // no file can replace a folder
        var process = await node.StartAsync();
        await process.WaitForDecisionAsync("election-wait");
        Assert.Single(process.Events("heartbeat-failed"));
        Assert.Equal(ExitCode.Terminated, await process.TerminateAsync());
    }
}
