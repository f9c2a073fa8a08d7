using System.Net.Sockets;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.FakeElector;
using Sidecars.TestKit.FakeRedis;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Bootstrap;

/// <summary>The leader-elector side-car of the seed image: it names a leader and knows no data.</summary>
public sealed class ElectorTests
{
    private const long MostMemoryKilobytes = 200_000; // far above what a wait takes, far below what an endless answer would

    [Fact]
    public async Task The_leader_starts_as_master_where_its_disk_is_empty()
    {
        await using var elector = FakeElectorServer.Start(FakeElectorServer.Leader("127.0.0.1")); // as --id=$(hostname -i)
        await using var node = Node(elector.Url);
        await node.StartAsync();
        Assert.Equal("StartAsMaster", (await node.Process.WaitForDecisionAsync("elected")).Kind);
        await node.WaitServingAsync();
    }

    [Fact]
    public async Task The_leader_waits_for_a_peer_that_it_has_not_seen_and_starts_with_its_data_once_that_is_empty()
    {
        await using var elector = FakeElectorServer.Start(FakeElectorServer.Leader("redis-0")); // by its node name
        await using var node = Node(elector.Url, ("REDIS_COUNT", "1")); // so that it takes writes alone
        await node.StartAsync();
        await node.WaitServingAsync();
        await using (var client = await node.ConnectAsync()) Assert.Equal("OK", (await client.CallAsync(default, "SET", "k", "v")).Text);
        await node.Process.KillAsync();

        await using var peer = Node(elector.Url, ("REDIS_COUNT", "2"), ("NODE_NAME", "redis-1"));
        node.Environment["REDIS_COUNT"] = "2";
        node.Environment["REDIS_SERVER_SERVICE_HOST"] = peer.Environment["REDIS_SERVER_SERVICE_HOST"] = $"{node.Endpoint},{peer.Endpoint}";
        await node.StartAsync();
        Assert.Equal("redis-1", (await node.Process.WaitForDecisionAsync("election-wait")).WaitingFor);
        Assert.False(await node.ListensAsync());
        await peer.StartAsync();
        Assert.Equal("StartAsMaster", (await node.Process.WaitForDecisionAsync("elected")).Kind);
        await node.WaitServingAsync();
        await using (var client = await node.ConnectAsync()) Assert.Equal("v", (await client.CallAsync(default, "GET", "k")).Text);
        await node.Process.KillAsync();

        node.Environment["DURABILITY"] = "none"; // then nothing on a disk counts
        await peer.Process.KillAsync();
        await node.StartAsync();
        Assert.Equal("StartAsMaster", (await node.Process.WaitForDecisionAsync("elected")).Kind);
    }

    [Fact]
    public async Task An_empty_start_that_a_person_allows_beside_the_leader_is_heard_once()
    {
        await using var elector = FakeElectorServer.Start(FakeElectorServer.Leader("redis-0"));
        await using var node = Node(elector.Url, ("REDIS_COUNT", "3"));
        await node.StartAsync();
        Assert.Equal("redis-1, redis-2", (await node.Process.WaitForDecisionAsync("election-wait")).WaitingFor);
        await using (var said =
            await ServerProcess.StartAsync(new ServerStart(LooseNode.Executable, "allow-empty") { Environment = node.Environment }))
            Assert.Equal(0, await said.WaitForExitAsync());
        Assert.Equal("StartAsMaster", (await node.Process.WaitForDecisionAsync("elected")).Kind);
        await node.WaitServingAsync();
        await node.Process.KillAsync();
        foreach (var entry in new DirectoryInfo(node.DataFolder).EnumerateDirectories()) entry.Delete(recursive: true);
        await node.StartAsync();
        await node.Process.WaitForDecisionAsync("election-wait");
    }

    [Fact]
    public async Task Another_leader_is_waited_for_and_then_followed()
    {
        await using var elector = FakeElectorServer.Start(FakeElectorServer.Leader("redis-1"));
        await using var leader = Node(elector.Url, ("NODE_NAME", "redis-1"));
        await using var node = Node(elector.Url);
        node.Environment["REDIS_SERVER_SERVICE_HOST"] =
            leader.Environment["REDIS_SERVER_SERVICE_HOST"] = $"{node.Endpoint},{leader.Endpoint}";
        // Both announce 127.0.0.1; the elector names nodes here, and the leader is the one of that name.
        await node.StartAsync();
        Assert.Contains("redis-1", (await node.Process.WaitForDecisionAsync("election-lost")).Reason, StringComparison.Ordinal);
        await leader.StartAsync();
        Assert.Equal("Follow", (await node.Process.WaitForDecisionAsync("follow-peer-master")).Kind);
    }

    [Fact]
    public async Task An_elector_that_is_down_is_waited_for()
    {
        var port = FreePort.Next();
        await using var node = Node(new Uri($"http://127.0.0.1:{port}/"));
        await node.StartAsync();
        var decision = await node.Process.WaitForDecisionAsync("election-unavailable");
        Assert.Equal(("Wait", "the election backend"), (decision.Kind, decision.WaitingFor));
        await using var elector = FakeElectorServer.Start(FakeElectorServer.Leader("redis-0"), port);
        await node.Process.WaitForDecisionAsync("elected");
        await node.WaitServingAsync();
    }

    [Theory]
    [InlineData("no json", "is not a JSON object")]
    [InlineData("an array", "is not a JSON object")]
    [InlineData("no name", "has no \"name\"")]
    [InlineData("a number as name", "the elector's answer: name")]
    [InlineData("not found", "does not answer")]
    [InlineData("a redirect", "does not answer")]
    [InlineData("no http", "does not answer")]
    [InlineData("endless", "does not answer")]
    [InlineData("slow", "did not answer within")]
    public async Task A_useless_answer_is_no_leader_and_a_good_one_after_it_is(string what, string why)
    {
        await using var elector = FakeElectorServer.Start(Useless(what));
        await using var node = Node(elector.Url);
        var process = await node.StartAsync();
        Assert.Contains(why, (await process.WaitForDecisionAsync("election-unavailable")).Reason, StringComparison.Ordinal);
        await process.WaitUntilAsync("a second request", () => Task.FromResult(elector.Requests > 1));
        Assert.False(await node.ListensAsync());
        Assert.InRange(PeakMemory(process.Pid), 1, MostMemoryKilobytes);
        elector.Answer = FakeElectorServer.Leader("redis-0");
        await process.WaitForDecisionAsync("elected");
        await node.WaitServingAsync();
    }

    private static Func<NetworkStream, CancellationToken, Task> Useless(string what) => what switch
    {
        "no json" => FakeElectorServer.Body("redis-0"),
        "an array" => FakeElectorServer.Body("""["redis-0"]"""),
        "no name" => FakeElectorServer.Body("""{"leader": "redis-0"}"""),
        "a number as name" => FakeElectorServer.Body("""{"name": 0}"""),
        "not found" => FakeElectorServer.Body("""{"name": "redis-0"}""", "404 Not Found"),
        "a redirect" => FakeElectorServer.Body("""{"name": "redis-0"}""", "302 Found\r\nLocation: http://127.0.0.1:1/"),
        "no http" => FakeElectorServer.Raw(FakeReply.Raw("-ERR what\u00ff\r\n\r\n")),
        "endless" => FakeElectorServer.Endless(),
        _ => FakeElectorServer.Trickling(),
    };

    private static long PeakMemory(int pid) =>
        File.ReadLines($"/proc/{pid}/status").First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal))
            .Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) is [_, var kilobytes, ..]
            ? long.Parse(kilobytes, System.Globalization.CultureInfo.InvariantCulture)
            : 0;

    private static LooseNode Node(Uri url, params (string Name, string Value)[] environment) =>
        new([("REDIS_COUNT", "1"), ("ELECTION", "elector"), ("ELECTOR_URL", url.ToString()), ("COMMAND_TIMEOUT", "1000"),
            .. environment]);
}
