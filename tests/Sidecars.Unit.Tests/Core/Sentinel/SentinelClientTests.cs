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

        async Task<int> KnownAsync(string name) => Assert.IsType<SentinelObservation.Known>(await Client(name).ObserveAsync(sentinel.Endpoint, default)).View.Others.Length;
    }

    private static SentinelClient Client(string name) => new(e => new TcpTransport(e), new RedisClientOptions(), name);
}
