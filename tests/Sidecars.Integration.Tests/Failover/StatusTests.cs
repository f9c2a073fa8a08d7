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
    public async Task A_whole_group_is_healthy_a_lost_replica_and_a_wrong_record_are_disagreements_and_bootstraps_decisions_come_out_the_same()
    {
        await using var group = new LocalGroup(new LocalGroupOptions { Name = "status", RedisCount = 2 });
        await using var rig = new HandOverRig(group);
        var (master, replicas) = await rig.StartAsync();
        var replica = replicas[0];
        await rig.PublishAsync(master.Endpoint, epoch: 0);

        var healthy = await StatusAsync(rig, master);
        output.WriteLine(healthy.Tail(60));
        Assert.Equal(0, healthy.ExitCode);
        Assert.Contains(healthy.Output, line => line.StartsWith($"demo/redis: master {master.Endpoint};", StringComparison.Ordinal));

        // The record moves to the other one in a later epoch, and that one dies.
        await rig.PublishAsync(replica.Endpoint, epoch: 3);
        await replica.KillAsync();
        var ill = await StatusAsync(rig, master, "--output", "json");
        Assert.Equal(1, ill.ExitCode);
        using var json = JsonDocument.Parse(string.Join('\n', ill.Output));
        var codes = json.RootElement.GetProperty("findings").EnumerateArray().Select(f => f.GetProperty("code").GetString()).ToList();
        Assert.Contains("redis-unreachable", codes);
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
        await File.WriteAllLinesAsync(log, kept.Select(line => line.Replace("\"code\":\"", "\"code\":\"another-", StringComparison.Ordinal)));
        Assert.Equal(1, (await StatusAsync(rig, master, "--explain", log)).ExitCode);
    }

    private static async Task<ServerProcess> StatusAsync(HandOverRig rig, LocalNode node, params string[] arguments)
    {
        var process = await rig.StartFailoverAsync(node, ["status", .. arguments]);
        await process.WaitForExitAsync();
        return process;
    }
}
