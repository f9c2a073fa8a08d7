using System.Net;
using System.Net.Sockets;
using Sidecars.Backup.Verify;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Probe.Sockets;
using Sidecars.TestKit.FakeRedis;

namespace Sidecars.Unit.Tests.Core.Redis;

/// <summary>The client against a scripted peer: everything that a healthy server doesn't do.</summary>
public sealed class RedisClientTests
{
    // Long enough never to be reached where a test expects another outcome; Short where the deadline is what is tested.
    private static readonly RedisClientOptions Patient =
        new() { ConnectTimeout = TimeSpan.FromSeconds(20), CommandTimeout = TimeSpan.FromSeconds(20) };
    private static readonly RedisClientOptions Short = Patient with { CommandTimeout = TimeSpan.FromMilliseconds(100) };

    public static TheoryData<string> Addresses => ["127.0.0.1", "::1"];

    [Theory]
    [MemberData(nameof(Addresses))]
    public async Task Calls_over_either_address_family(string address)
    {
        await using var server = FakeRedisServer.Answering(_ => FakeReply.Pong, IPAddress.Parse(address));
        await using var client = await ConnectAsync(server, Patient);
        Assert.Equal("PONG", (await client.CallAsync(default, "PING")).Text);
        Assert.Equal(["PING"], server.CommandLines);
        Assert.Equal(1, server.Connections);
    }

    [Theory]
    [InlineData("-ERR max number of clients reached\r\n", "which said 'ERR max number of clients reached'")]
    [InlineData("+OK\r\n", "closed by the peer.")]
    public async Task A_peer_that_closes_after_an_error_is_quoted(string reply, string words)
    {
        await using var group = new Failover.Loops.MemoryGroup(TimeSpan.FromSeconds(1));
        group.Redis.Greets = FakeReply.Raw(reply);
        await using var client = await RedisClient.ConnectAsync(group.Redis, Patient, default);
        var failure = await Assert.ThrowsAsync<RedisConnectionException>(
            () => client.PipelineAsync([RespCommand.Of("INFO"), RespCommand.Of("CONFIG", "GET", "port")], default));
        Assert.Equal(RedisFailure.Closed, failure.Failure);
        Assert.Contains(words, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_is_resolved()
    {
        await using var server = FakeRedisServer.Answering(_ => FakeReply.Pong);
        await using var client = await RedisClient.ConnectAsync(
            new TcpTransport(new RedisEndpoint("localhost", server.Endpoint.Port)), Patient, default);
        Assert.Equal("PONG", (await client.CallAsync(default, "PING")).Text);
    }

    [Fact]
    public async Task A_name_that_does_not_exist_is_a_failure_of_the_name() =>
        Assert.Equal(
            RedisFailure.NameResolution,
            await FailureOf(RedisClient.ConnectAsync(new TcpTransport(new RedisEndpoint("no-such-host.invalid", 6379)),
                Patient with { ConnectTimeout = TimeSpan.FromSeconds(3) }, default)));

    [Fact]
    public async Task Nobody_listening_is_refused()
    {
        Assert.Equal(RedisFailure.Refused, await FailureOf(RedisClient.ConnectAsync(new TcpTransport(ClosedPort()), Patient, default)));
        Assert.Equal(RedisFailure.Refused,
            await FailureOf(RedisClient.ConnectAsync(new UnixTransport("/nonexistent/redis.sock"), Patient, default)));
        Assert.Equal(
            RedisFailure.Unreachable, await FailureOf(RedisClient.ConnectAsync(new UnixTransport(new string('x', 300)), Patient, default)));
    }

    [Fact]
    public async Task A_connect_that_nobody_answers_times_out()
    {
        using var full = new FullBacklog();
        Assert.Equal(
            RedisFailure.ConnectTimedOut,
            await FailureOf(RedisClient.ConnectAsync(
                new TcpTransport(full.Endpoint), Patient with { ConnectTimeout = TimeSpan.FromMilliseconds(100) }, default)));
        using var cancellation = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => RedisClient.ConnectAsync(new TcpTransport(full.Endpoint), Patient, cancellation.Token));
    }

    [Fact]
    public async Task Error_replies_are_values()
    {
        await using var server = FakeRedisServer.Canned(
            new Dictionary<string, byte[]> { ["GET"] = FakeReply.Error("LOADING Redis is loading the dataset in memory") });
        await using var client = await ConnectAsync(server, Patient);
        Assert.Equal("LOADING", (await client.CallAsync(default, "GET", "k")).ErrorCode);
        Assert.Equal("ERR", (await client.CallAsync(default, "OTHER")).ErrorCode);
        Assert.True(client.IsUsable);
    }

    [Fact]
    public async Task A_call_that_timed_out_never_gives_its_reply_to_another()
    {
        var late = new TaskCompletionSource();
        await using var server = FakeRedisServer.Start(async (connection, stop) =>
        {
            while (await connection.ReadCommandAsync(stop) is { } command)
            {
                if (command[0] == "SLOW") await late.Task.WaitAsync(stop);
                await connection.SendAsync(FakeReply.Simple(command[0]), stop);
            }
        });
        await using var client = await ConnectAsync(server, Short);
        Assert.Equal("FAST", (await client.CallAsync(default, "FAST")).Text);
        Assert.Equal(RedisFailure.TimedOut, await FailureOf(client.CallAsync(default, "SLOW")));
        late.SetResult();
        Assert.Equal(RedisFailure.Closed, await FailureOf(client.CallAsync(default, "FAST")));
        Assert.Equal(RedisFailure.Closed, await FailureOf(client.ReadMessageAsync(default)));
        Assert.False(client.IsUsable);
    }

    [Fact]
    public async Task A_cancelled_call_throws_cancellation_and_closes()
    {
        await using var server = FakeRedisServer.Silent();
        await using var client = await ConnectAsync(server, Patient);
        using var cancellation = new CancellationTokenSource();
        var call = client.CallAsync(cancellation.Token, "PING");
        await Until(() => server.Commands.Count == 1);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        Assert.Equal(RedisFailure.Closed, await FailureOf(client.CallAsync(default, "PING")));
        await Until(() => server.OpenConnections == 0);
    }

    [Fact]
    public async Task A_call_cancelled_before_it_starts_leaves_the_connection_usable()
    {
        await using var server = FakeRedisServer.Answering(_ => FakeReply.Pong);
        await using var client = await ConnectAsync(server, Patient);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.CallAsync(new CancellationToken(true), "PING"));
        Assert.Equal("PONG", (await client.CallAsync(default, "PING")).Text);
        Assert.Single(server.Commands);
    }

    [Fact]
    public async Task A_call_with_its_own_deadline_outlives_the_default()
    {
        var asked = new TaskCompletionSource();
        await using var server = FakeRedisServer.Start(async (connection, stop) =>
        {
            _ = await connection.ReadCommandAsync(stop);
            await asked.Task.WaitAsync(stop);
            await connection.SendAsync(FakeReply.Integer(1), stop);
            _ = await connection.ReadCommandAsync(stop);
        });
        await using var client = await ConnectAsync(server, Patient with { CommandTimeout = TimeSpan.FromMilliseconds(1) });
        var call = client.CallAsync(RespCommand.Of("WAIT", "1", "0"), TimeSpan.FromSeconds(20), default);
        await Until(() => server.Commands.Count == 1);
        asked.SetResult();
        Assert.Equal(1, (await call).Integer);
    }

    [Fact]
    public async Task A_reply_that_trickles_in_is_whole_or_late_never_half()
    {
        await using var server = FakeRedisServer.Trickling(FakeReply.Bulk("slow"), TimeSpan.FromMilliseconds(5));
        await using (var client = await ConnectAsync(server, Patient))
            Assert.Equal("slow", (await client.CallAsync(default, "GET", "k")).Text);
        await using var endless = FakeRedisServer.Trickling(FakeReply.Bulk(new string('x', 10_000)), TimeSpan.FromMilliseconds(5));
        await using var waiting = await ConnectAsync(endless, Short);
        Assert.Equal(RedisFailure.TimedOut, await FailureOf(waiting.CallAsync(default, "GET", "k")));
    }

    public static TheoryData<string, RedisFailure> Garbage => new()
    {
        { "HTTP/1.1 400 Bad Request\r\n\r\n", RedisFailure.Protocol },
        { "$9999999999\r\n", RedisFailure.Protocol },
        { "*2147483647\r\n", RedisFailure.Protocol },
        { "$10\r\nhalf", RedisFailure.Closed },
        { "*2\r\n+half\r\n", RedisFailure.Closed },
        { "", RedisFailure.Closed },
    };

    [Theory]
    [MemberData(nameof(Garbage))]
    public async Task Garbage_and_half_replies_are_typed_failures(string wire, RedisFailure failure)
    {
        await using var server = FakeRedisServer.SendingThenClosing(FakeReply.Raw(wire));
        await using var client = await ConnectAsync(server, Patient);
        Assert.Equal(failure, await FailureOf(client.CallAsync(default, "PING")));
        Assert.False(client.IsUsable);

        await using var again = FakeRedisServer.SendingThenClosing(FakeReply.Raw(wire));
        using var blocking = BlockingRedisConnection.Connect(again.Endpoint, TimeSpan.FromSeconds(20));
        Assert.Equal(failure, Assert.Throws<RedisConnectionException>(() => blocking.Call("PING")).Failure);
    }

    [Fact]
    public async Task An_endless_line_and_a_flood_of_pushes_end_at_a_limit()
    {
        await using var line = FakeRedisServer.Endless(FakeReply.Raw("+" + new string('a', 1000)));
        await using var reading = await ConnectAsync(line, Patient);
        Assert.Equal(RedisFailure.Protocol, await FailureOf(reading.CallAsync(default, "PING")));
        await using var flood = FakeRedisServer.Endless(FakeReply.Raw(">2\r\n+message\r\n+x\r\n"));
        await using var flooded = await ConnectAsync(flood, Patient);
        Assert.Equal(RedisFailure.Protocol, await FailureOf(flooded.CallAsync(default, "PING")));
    }

    /// <summary>Whoever has a node's address by now may answer anything; the container of a sidecar has 64 MiB.</summary>
    [Fact]
    public async Task A_reply_beyond_8_MiB_is_refused_in_one_piece_and_in_many()
    {
        var piece = FakeReply.Bulk(new string('x', 1 << 20));
        byte[][] replies = [FakeReply.Bulk(new string('x', 9 << 20)), FakeReply.Array([.. Enumerable.Repeat(piece, 9)])];
        foreach (var reply in replies)
        {
            await using var server = FakeRedisServer.Answering(_ => reply);
            await using var client = await ConnectAsync(server, Patient);
            var error = await Assert.ThrowsAsync<RedisConnectionException>(() => client.CallAsync(default, "INFO"));
            Assert.Equal(RedisFailure.Protocol, error.Failure);
            Assert.Contains($"{8 << 20}", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_reset_is_closed()
    {
        await using var server = FakeRedisServer.Start(async (connection, stop) =>
        {
            _ = await connection.ReadCommandAsync(stop);
            connection.Close(reset: true);
        });
        await using var client = await ConnectAsync(server, Patient);
        Assert.Equal(RedisFailure.Closed, await FailureOf(client.CallAsync(default, "PING")));
    }

    [Fact]
    public async Task A_pipeline_is_answered_in_order()
    {
        await using var server = FakeRedisServer.Answering(command => FakeReply.Bulk(string.Join(' ', command)));
        await using var client = await ConnectAsync(server, Patient);
        var replies = await client.PipelineAsync([.. Enumerable.Range(0, 500).Select(i => RespCommand.Of("ECHO", $"{i}"))], default);
        Assert.Equal(Enumerable.Range(0, 500).Select(i => $"ECHO {i}"), replies.Select(reply => reply.Text));
        Assert.Empty(await client.PipelineAsync([], default));
    }

    [Fact]
    public async Task Concurrent_calls_get_their_own_replies()
    {
        await using var server = FakeRedisServer.Answering(command => FakeReply.Bulk(command[1]));
        await using var client = await ConnectAsync(server, Patient);
        var replies = await Task.WhenAll(Enumerable.Range(0, 100).Select(i => client.CallAsync(default, "ECHO", $"{i}")));
        Assert.Equal(Enumerable.Range(0, 100).Select(i => $"{i}"), replies.Select(reply => reply.Text));
    }

    [Fact]
    public async Task Dispose_ends_a_call_under_way_and_closes_at_the_peer()
    {
        await using var server = FakeRedisServer.Silent();
        var client = await ConnectAsync(server, Patient);
        var call = client.CallAsync(default, "PING");
        await Until(() => server.Commands.Count == 1);
        await client.DisposeAsync();
        await client.DisposeAsync();
        Assert.Equal(RedisFailure.Closed, await FailureOf(call));
        await Until(() => server.OpenConnections == 0);
    }

    private static Task<RedisClient> ConnectAsync(FakeRedisServer server, RedisClientOptions options) =>
        RedisClient.ConnectAsync(new TcpTransport(server.Endpoint), options, default);

    private static async Task<RedisFailure> FailureOf(Task call) =>
        (await Assert.ThrowsAsync<RedisConnectionException>(() => call)).Failure;

    private static async Task Until(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!condition()) await Task.Delay(2, limit.Token);
    }

    internal static RedisEndpoint ClosedPort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return new RedisEndpoint("127.0.0.1", ((IPEndPoint)listener.LocalEndpoint).Port);
    }
}
