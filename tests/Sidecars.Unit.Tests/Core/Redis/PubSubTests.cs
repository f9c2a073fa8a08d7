using Sidecars.Core.Redis;
using Sidecars.TestKit.FakeRedis;
using Sidecars.TestKit.Processes;

namespace Sidecars.Unit.Tests.Core.Redis;

public sealed class PubSubTests
{
    private static readonly RedisClientOptions Patient = new() { CommandTimeout = TimeSpan.FromSeconds(20) };

    [Theory]
    [InlineData("*")]
    [InlineData(">")]
    public async Task Messages_between_confirmations_and_replies_are_kept_in_order(string type)
    {
        var confirmed = (string channel, int count) => $"{type}3\r\n$9\r\nsubscribe\r\n$1\r\n{channel}\r\n:{count}\r\n";
        var message = (string payload) => $"{type}3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\n{payload}\r\n";
        await using var server = FakeRedisServer.Answering(command => FakeReply.Raw(command[0] == "SUBSCRIBE"
            ? confirmed("a", 1) + message("1") + confirmed("b", 2) + message("2")
            : message("3") + "*2\r\n$4\r\npong\r\n$0\r\n\r\n" + message("4")));
        await using var client = await ConnectAsync(server);
        Assert.Equal(2, (await client.CallAsync(default, "SUBSCRIBE", "a", "b")).Items[2].Integer);
        Assert.Equal("pong", (await client.CallAsync(default, "PING")).Items[0].Text);
        for (var i = 1; i <= 4; i++) Assert.Equal($"{i}", (await client.ReadMessageAsync(default)).Items[2].Text);
    }

    [Fact]
    public async Task A_refused_subscribe_answers_once()
    {
        await using var server =
            FakeRedisServer.Answering(command => command[0] == "SUBSCRIBE" ? FakeReply.Error("NOPERM no channel") : FakeReply.Pong);
        await using var client = await ConnectAsync(server);
        Assert.Equal("NOPERM", (await client.CallAsync(default, "SUBSCRIBE", "a", "b")).ErrorCode);
        Assert.Equal("PONG", (await client.CallAsync(default, "PING")).Text);
    }

    [Fact]
    public async Task An_array_that_starts_with_message_is_a_reply_to_who_never_subscribed()
    {
        await using var server = FakeRedisServer.Answering(_ => FakeReply.Message("c", "p"));
        await using var client = await ConnectAsync(server);
        Assert.Equal("p", (await client.CallAsync(default, "LRANGE", "k", "0", "-1")).Items[2].Text);
    }

    [Fact]
    public async Task Idle_waiting_ends_with_null_and_loses_nothing()
    {
        await using var server = FakeRedisServer.Answering(command => command[0] == "SUBSCRIBE"
            ? FakeReply.Raw("*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n*3\r\n$7\r\nmess")
            : FakeReply.Raw("age\r\n$1\r\nc\r\n$1\r\np\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n"));
        await using var client = await ConnectAsync(server);
        _ = await client.CallAsync(default, "SUBSCRIBE", "c");
        Assert.Null(await client.TryReadMessageAsync(TimeSpan.FromMilliseconds(20), default));
        using var cancellation = new CancellationTokenSource(TimeSpan.FromMilliseconds(20));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.ReadMessageAsync(cancellation.Token));
        Assert.True(client.IsUsable);
        Assert.Equal("pong", (await client.CallAsync(default, "PING")).Items[0].Text);
        Assert.Equal("p", (await client.ReadMessageAsync(default)).Items[2].Text);
    }

    [Fact]
    public async Task A_call_while_another_waits_for_a_message_is_a_mistake_said_at_once()
    {
        await using var server = FakeRedisServer.Silent();
        await using var client = await ConnectAsync(server);
        var waiting = client.ReadMessageAsync(default);
        await Assert.ThrowsAsync<InvalidOperationException>(() => client.CallAsync(default, "PING"));
        // A connect succeeds before the server has accepted it: closed now, it would stay open, and this wait for ever.
        await Eventually.UntilAsync("the server to have the connection", () => server.OpenConnections == 1);
        server.CloseAll();
        Assert.Equal(RedisFailure.Closed, (await Assert.ThrowsAsync<RedisConnectionException>(() => waiting)).Failure);
    }

    [Fact]
    public async Task Messages_taken_in_before_the_connection_ended_are_still_read()
    {
        await using var server = FakeRedisServer.SendingThenClosing(
            FakeReply.Raw("*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\np\r\n"));
        await using var client = await ConnectAsync(server);
        _ = await client.CallAsync(default, "SUBSCRIBE", "c");
        Assert.Equal("p", (await client.ReadMessageAsync(default)).Items[2].Text);
        Assert.Equal(
            RedisFailure.Closed, (await Assert.ThrowsAsync<RedisConnectionException>(() => client.ReadMessageAsync(default))).Failure);
    }

    private static Task<RedisClient> ConnectAsync(FakeRedisServer server) =>
        RedisClient.ConnectAsync(new TcpTransport(server.Endpoint), Patient, default);
}
