using System.Net;
using Sidecars.Core.Redis;
using Sidecars.Probe.Sockets;
using Sidecars.TestKit.FakeRedis;
using Sidecars.Unit.Tests.Core.Redis;

namespace Sidecars.Unit.Tests.Probe;

public sealed class BlockingRedisConnectionTests
{
    private static readonly TimeSpan Patient = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(100);

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    public async Task Calls_over_either_address_family(string address)
    {
        await using var server = FakeRedisServer.Answering(command => FakeReply.Bulk(command[^1]), IPAddress.Parse(address));
        using var connection = BlockingRedisConnection.Connect(server.Endpoint, Patient);
        Assert.Equal("a", connection.Call("ECHO", "a").Text);
        Assert.Equal("b", connection.Call("ECHO", "b").Text);
    }

    [Fact]
    public void Nobody_listening_is_refused()
    {
        Assert.Equal(RedisFailure.Refused, FailureOf(() => BlockingRedisConnection.Connect(RedisClientTests.ClosedPort(), Patient)));
        Assert.Equal(RedisFailure.Refused, FailureOf(() => BlockingRedisConnection.ConnectUnix("/nonexistent/redis.sock", Patient)));
        Assert.Equal(RedisFailure.Unreachable, FailureOf(() => BlockingRedisConnection.ConnectUnix(new string('x', 300), Patient)));
    }

    [Fact]
    public void A_connect_that_nobody_answers_times_out()
    {
        using var full = new FullBacklog();
        Assert.Equal(RedisFailure.ConnectTimedOut, FailureOf(() => BlockingRedisConnection.Connect(full.Endpoint, Short)));
    }

    [Fact]
    public async Task No_answer_times_out_and_later_calls_are_closed()
    {
        await using var server = FakeRedisServer.Silent();
        using var connection = BlockingRedisConnection.Connect(server.Endpoint, Short);
        Assert.Equal(RedisFailure.TimedOut, FailureOf(() => connection.Call("PING")));
        Assert.Equal(RedisFailure.Closed, FailureOf(() => connection.Call("PING")));
        Assert.Single(server.Commands);
    }

    [Fact]
    public async Task The_deadline_is_for_the_whole_reply_however_it_trickles()
    {
        await using var server = FakeRedisServer.Trickling(FakeReply.Bulk(new string('x', 10_000)), TimeSpan.FromMilliseconds(5));
        using var connection = BlockingRedisConnection.Connect(server.Endpoint, Short);
        Assert.Equal(RedisFailure.TimedOut, FailureOf(() => connection.Call("GET", "k")));
    }

    [Fact]
    public async Task A_peer_that_reads_nothing_does_not_block_a_write_for_ever()
    {
        await using var server = FakeRedisServer.Start((_, stop) => Task.Delay(Timeout.Infinite, stop));
        using var connection = BlockingRedisConnection.Connect(server.Endpoint, Short);
        Assert.Equal(RedisFailure.TimedOut, FailureOf(() => connection.Call("SET", "k", new string('x', 32 << 20))));
    }

    private static RedisFailure FailureOf(Action action) => Assert.Throws<RedisConnectionException>(action).Failure;

    private static RedisFailure FailureOf(Func<object> action) => Assert.Throws<RedisConnectionException>(action).Failure;
}
