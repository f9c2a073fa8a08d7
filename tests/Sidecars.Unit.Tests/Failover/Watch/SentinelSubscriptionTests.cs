using System.Net;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Failover.Watch;
using Sidecars.TestKit.FakeRedis;
using Sidecars.TestKit.Processes;
using StackExchange.Redis;

namespace Sidecars.Unit.Tests.Failover.Watch;

/// <summary>
/// What a Sentinel can do to those who are subscribed to it: whoever took over its address needs no password. The same is done to
/// StackExchange.Redis; src/Sidecars.Failover/Watch/README.md has what follows from it.
/// </summary>
public sealed class SentinelSubscriptionTests
{
    // The memory limit of the sidecar's container (manifests/base/redis/statefulset.yaml): a process that holds as much is killed, with the
    // fence.
    private const long ContainerLimit = 64 << 20;

    private const string EndlessBulk = "$2147483000\r\n";
    private static readonly byte[] Block = new byte[64 << 10];

    /// <summary>Beginnings of a message that never ends.</summary>
    public static TheoryData<string> Beginnings =>
        new() { EndlessBulk, "*3\r\n$7\r\nmessage\r\n$14\r\n+switch-master\r\n" + EndlessBulk, "+" };

    [Theory]
    [MemberData(nameof(Beginnings))]
    public async Task A_message_without_end_is_refused_and_the_subscription_begins_anew(string beginning)
    {
        var sentinel = new EndlessSentinel(beginning);
        await using var server = FakeRedisServer.Start(sentinel.ServeAsync);
        await using var subscription = new Subscription(server.Endpoint, new RedisClientOptions());
        await Eventually.UntilAsync("three subscriptions", () => subscription.Begun >= 3);
        Assert.Equal(0, subscription.Heard);
        // A few MiB: the kernel's buffers.
        Assert.InRange(sentinel.LongestTaken, 0, ContainerLimit / 2);
    }

    // By default: a ResponseBufferPool that refuses to grow would bound it.
    [Fact]
    public async Task StackExchange_Redis_holds_as_much_of_a_message_as_the_container_may_have()
    {
        var sentinel = new EndlessSentinel(EndlessBulk);
        await using var server = FakeRedisServer.Start(sentinel.ServeAsync);
        await using var multiplexer = await ConnectionMultiplexer.ConnectAsync(Library(server.Endpoint));
        _ = multiplexer.GetSubscriber().SubscribeAsync(RedisChannel.Literal("+switch-master"), (_, _) => { });
        await Eventually.UntilAsync("64 MiB of one message", () => sentinel.LongestTaken >= ContainerLimit,
            seen: () => $"{sentinel.LongestTaken} bytes; {string.Join("; ", server.CommandLines)}");
    }

    [Fact]
    public async Task A_password_that_is_replaced_at_a_running_Sentinel_ends_no_subscription()
    {
        await using var sentinel = await SentinelProcess.MonitorAsync("m", new RedisEndpoint("127.0.0.1", FreePort.Next()), 2, 60_000);
        var options = new RedisClientOptions { Credentials = [new RedisCredential(null, "new"), new RedisCredential(null, "old")] };
        await CallAsync(sentinel, null, "ACL", "SETUSER", "default", "resetpass", ">old");
        await using var subscription = new Subscription(sentinel.Endpoint, options);
        await Eventually.UntilAsync("the subscription", () => subscription.Begun == 1);
        await CallAsync(sentinel, "old", "ACL", "SETUSER", "default", "resetpass", ">new");
        await CallAsync(sentinel, "new", "CLIENT", "KILL", "TYPE", "pubsub");
        await Eventually.UntilAsync("the next subscription", () => subscription.Begun == 2);
    }

    [Fact]
    public async Task StackExchange_Redis_goes_on_trying_the_one_password_that_it_was_given()
    {
        await using var sentinel = await SentinelProcess.MonitorAsync("m", new RedisEndpoint("127.0.0.1", FreePort.Next()), 2, 60_000);
        await CallAsync(sentinel, null, "ACL", "SETUSER", "default", "resetpass", ">old");
        await using var multiplexer = await ConnectionMultiplexer.ConnectAsync(Library(sentinel.Endpoint, "old"));
        await multiplexer.GetSubscriber().SubscribeAsync(RedisChannel.Literal("+switch-master"), (_, _) => { });
        await CallAsync(sentinel, "old", "ACL", "SETUSER", "default", "resetpass", ">new");
        await CallAsync(sentinel, "new", "CLIENT", "KILL", "TYPE", "pubsub");
        await Eventually.UntilAsync("a second refusal", async () => (await CallAsync(sentinel, "new", "ACL", "LOG")).Items.Sum(Count) >= 2);
        Assert.DoesNotContain("sub=1", (await CallAsync(sentinel, "new", "CLIENT", "LIST")).Text, StringComparison.Ordinal);

        static long Count(RespValue entry) => entry.Items.SkipWhile(item => item.Text != "count").ElementAt(1).Integer;
    }

    private static ConfigurationOptions Library(RedisEndpoint sentinel, string? password = null) => new()
    {
        EndPoints = { IPEndPoint.Parse(sentinel.ToString()) },
        Password = password,
        CommandMap = CommandMap.Sentinel,
        TieBreaker = "",
        ConfigCheckSeconds = 0,
        AbortOnConnectFail = false,
    };

    private static async Task<RespValue> CallAsync(SentinelProcess sentinel, string? password, params string[] words)
    {
        var options = new RedisClientOptions { Credentials = password is null ? [] : [new RedisCredential(null, password)] };
        await using var client = await RedisClient.ConnectAsync(new TcpTransport(sentinel.Endpoint), options, default);
        var reply = await client.CallAsync(default, words);
        Assert.False(reply.IsError, reply.IsError ? reply.Text : "");
        return reply;
    }

    // Ours, running.
    private sealed class Subscription : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _running;
        private int _begun;
        private int _heard;

        public Subscription(RedisEndpoint sentinel, RedisClientOptions options)
        {
            var settings = new SentinelSubscriptionSettings(TimeSpan.FromSeconds(5), TimeSpan.FromMilliseconds(10), null);
            _running = new SentinelSubscription(new TcpTransport(sentinel), options, settings, TimeProvider.System)
                .RunAsync(() => Interlocked.Increment(ref _begun), () => Interlocked.Increment(ref _heard), Assert.Fail, _stop.Token);
        }

        public int Begun => Volatile.Read(ref _begun);

        public int Heard => Volatile.Read(ref _heard);

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _stop.Dispose();
        }
    }

    // Answers as a Sentinel does until somebody subscribes; then a message begins.
    private sealed class EndlessSentinel(string beginning)
    {
        private long _longest;

        /// <summary>Bytes of one message that a connection took.</summary>
        public long LongestTaken => Interlocked.Read(ref _longest);

        public async Task ServeAsync(FakeRedisConnection connection, CancellationToken stop)
        {
            while (await connection.ReadCommandAsync(stop) is { } command)
            {
                switch (command[0].ToUpperInvariant())
                {
                    case "INFO": await connection.SendAsync(FakeReply.Bulk("redis_version:7.0.15\r\nredis_mode:sentinel\r\n"), stop); break;
                    case "PING": await connection.SendAsync(FakeReply.Pong, stop); break;
                    case "ECHO": await connection.SendAsync(FakeReply.Bulk(command[1]), stop); break;
                    case "SUBSCRIBE": await SubscribeAsync(connection, command.Skip(1), stop); break;
                    default: await connection.SendAsync(FakeReply.Error($"ERR unknown command '{command[0]}'"), stop); break;
                }
            }
        }

        private async Task SubscribeAsync(FakeRedisConnection connection, IEnumerable<string> channels, CancellationToken stop)
        {
            foreach (var (n, channel) in channels.Index())
                await connection.SendAsync(
                    FakeReply.Array(FakeReply.Bulk("subscribe"), FakeReply.Bulk(channel), FakeReply.Integer(n + 1)), stop);
            await connection.SendAsync(FakeReply.Raw(beginning), stop);
            for (var taken = 0L; ; taken += Block.Length)
            {
                if (taken > LongestTaken) Interlocked.Exchange(ref _longest, taken);
                if (taken >= ContainerLimit) await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, stop); // it is shown
                await connection.SendAsync(Block, stop);
            }
        }
    }
}
