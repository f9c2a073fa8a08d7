using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.TestKit.FakeRedis;
using Sidecars.TestKit.Processes;

namespace Sidecars.Unit.Tests.Core.Sentinel;

public sealed class SentinelClientTests
{
    [Theory]
    [InlineData("tenant-a.redis", "tenant-a.redis")]
    [InlineData("a*b?[c]\\d^", "a\\*b\\?\\[c\\]\\\\d\\^")] // a pattern must never match more than the one master
    public async Task Reset_names_exactly_one_master(string name, string pattern)
    {
        await using var server = FakeRedisServer.Answering(_ => FakeReply.Raw(":1\r\n"));
        Assert.Null(await Client(name).ResetAsync(server.Endpoint, default));
        Assert.Equal(["SENTINEL", "RESET", pattern], server.Commands.Single(c => c[0] == "SENTINEL"));
    }

    [Theory]
    [InlineData(":0\r\n")]
    [InlineData("-NOPERM this user has no permissions\r\n")]
    [InlineData("+OK\r\n")]
    public async Task Any_other_answer_than_one_is_a_refusal(string reply)
    {
        await using var server = FakeRedisServer.Answering(_ => FakeReply.Raw(reply));
        Assert.NotNull(await Client("m").ResetAsync(server.Endpoint, default));
    }

    [Fact]
    public async Task A_real_Sentinel_forgets_the_ghost_of_this_master_and_no_other()
    {
        var nowhere = new RedisEndpoint("127.0.0.1", FreePort.Next());
        await using var sentinel = await SentinelProcess.MonitorAsync("m", nowhere, 2, 60_000,
            $"sentinel known-sentinel m 127.0.0.1 {FreePort.Next()} {new string('a', 40)}",
            $"sentinel monitor m2 127.0.0.1 {nowhere.Port} 2",
            $"sentinel known-sentinel m2 127.0.0.1 {FreePort.Next()} {new string('b', 40)}");
        Assert.Equal((1, 1), (await KnownAsync("m"), await KnownAsync("m2")));
        Assert.Null(await Client("m").ResetAsync(sentinel.Endpoint, default));
        Assert.Equal((0, 1), (await KnownAsync("m"), await KnownAsync("m2")));
        Assert.Null(await Client("m2").ResetAsync(sentinel.Endpoint, default));
        Assert.NotNull(await Client("m3").ResetAsync(sentinel.Endpoint, default));

        async Task<int> KnownAsync(string name) =>
            Assert.IsType<SentinelObservation.Known>(await Client(name).ObserveAsync(sentinel.Endpoint, default)).View.Others.Length;
    }

    [Theory]
    [InlineData("OK", FailoverAnswerKind.UnderWay, null)]
    [InlineData("INPROG Failover already in progress", FailoverAnswerKind.UnderWay, "INPROG Failover already in progress")]
    [InlineData("NOGOODSLAVE No suitable replica to promote", FailoverAnswerKind.Refused, "NOGOODSLAVE No suitable replica to promote")]
    [InlineData(null, FailoverAnswerKind.NoAnswer, null)]
    public async Task A_Sentinel_that_names_the_master_is_asked_to_fail_over_on_the_connection_of_the_look(
        string? reply, FailoverAnswerKind kind, string? obstacle)
    {
        await using var server = Naming(Old, "master", reply);
        var answer = await Client("m").FailoverAsync(server.Endpoint, Old, default);
        Assert.Equal(kind, answer.Kind);
        if (reply is not null) Assert.Equal(obstacle, answer.Obstacle);
        Assert.Equal(["SENTINEL GET-MASTER-ADDR-BY-NAME m", "SENTINEL MASTER m", "SENTINEL FAILOVER m"], server.CommandLines);
        Assert.Equal(1, server.Connections);
    }

    /// <summary>The command takes no vote: its epoch would undo the switch that this Sentinel knows of.</summary>
    [Theory]
    [InlineData("10.0.0.2", "master", FailoverAnswerKind.Overtaken, "it names 10.0.0.2:6379, not 10.0.0.1:6379")]
    [InlineData("10.0.0.1", "master,failover_in_progress", FailoverAnswerKind.Overtaken, "it runs a failover")]
    [InlineData(null, "master", FailoverAnswerKind.Overtaken, "it names no master, not 10.0.0.1:6379")]
    [InlineData("10.0.0.1", null, FailoverAnswerKind.NotAsked, "its view of the master can't be read")]
    public async Task A_Sentinel_that_names_another_or_runs_a_failover_is_not_asked(
        string? named, string? flags, FailoverAnswerKind kind, string why)
    {
        await using var server = Naming(named is null ? null : new RedisEndpoint(named, 6379), flags, "OK");
        Assert.Equal(new FailoverAnswer(kind, why), await Client("m").FailoverAsync(server.Endpoint, Old, default));
        Assert.DoesNotContain("SENTINEL FAILOVER m", server.CommandLines);
    }

    [Fact]
    public async Task A_Sentinel_that_refuses_the_look_or_the_connection_was_not_asked()
    {
        await using var server = FakeRedisServer.Answering(_ => FakeReply.Error("NOPERM this user has no permissions"));
        var refused = await Client("m").FailoverAsync(server.Endpoint, Old, default);
        Assert.Equal(new FailoverAnswer(FailoverAnswerKind.NotAsked, "it answers NOPERM this user has no permissions"), refused);
        Assert.DoesNotContain("SENTINEL FAILOVER m", server.CommandLines);
        var absent = await Client("m").FailoverAsync(new RedisEndpoint("127.0.0.1", FreePort.Next()), Old, default);
        Assert.Equal(FailoverAnswerKind.NotAsked, absent.Kind);
    }

    private static readonly RedisEndpoint Old = new("10.0.0.1", 6379);

    // Null: it names nobody; a master without flags; the connection ends at the request.
    private static FakeRedisServer Naming(RedisEndpoint? master, string? flags, string? failover) =>
        FakeRedisServer.Answering(words => words[1] switch
        {
            "GET-MASTER-ADDR-BY-NAME" => master is null ? FakeReply.NullArray : FakeReply.Array(master.Host, "6379"),
            "MASTER" when master is null => FakeReply.Error("ERR No such master with that name"),
            "MASTER" => FakeReply.Array(
                [.. flags is null ? Array.Empty<string>() : ["flags", flags], "ip", master.Host, "port", "6379", "config-epoch", "3"]),
            _ when failover is null => throw new IOException("gone"),
            _ => failover == "OK" ? FakeReply.Ok : FakeReply.Error(failover),
        });

    private static SentinelClient Client(string name) => new(e => new TcpTransport(e), new RedisClientOptions(), name);
}
