using System.Collections.Concurrent;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.Failover.Watch;
using Sidecars.TestKit.FakeRedis;
using Sidecars.TestKit.Processes;

namespace Sidecars.Unit.Tests.Failover.Watch;

/// <summary>What a watch sets at the Sentinels that it watches.</summary>
public sealed class SentinelWatchTests
{
    [Fact]
    public async Task A_real_Sentinel_asks_as_often_as_is_set()
    {
        await using var sentinel = await SentinelProcess.MonitorAsync("m", new RedisEndpoint("127.0.0.1", FreePort.Next()), 2, 60_000);
        await using var watch = new Watching(sentinel.Endpoint, TimeSpan.FromMilliseconds(700));
        await Eventually.UntilAsync("the period", async () => await InfoPeriodAsync(sentinel.Endpoint) == "650");
        Assert.Empty(watch.Refusals);
    }

    [Fact]
    public async Task One_that_refuses_is_named_and_watched_all_the_same()
    {
        await using var server = FakeRedisServer.Answering(
            command => command.Contains("DEBUG") ? FakeReply.Raw("-NOPERM this user has no permissions\r\n") : FakeReply.Raw(":1\r\n"));
        await using var watch = new Watching(server.Endpoint, TimeSpan.FromMilliseconds(700));
        await Eventually.UntilAsync("the subscription", () => server.Commands.Any(c => c[0] == "SUBSCRIBE"));
        Assert.Contains("NOPERM", Assert.Single(watch.Refusals), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_period_nothing_is_set()
    {
        await using var server = FakeRedisServer.Answering(_ => FakeReply.Raw(":1\r\n"));
        await using var watch = new Watching(server.Endpoint, null);
        await Eventually.UntilAsync("the subscription", () => server.Commands.Any(c => c[0] == "SUBSCRIBE"));
        Assert.DoesNotContain(server.Commands, c => c.Contains("DEBUG"));
    }

    private static async Task<string?> InfoPeriodAsync(RedisEndpoint sentinel)
    {
        await using var client = await RedisClient.ConnectAsync(new TcpTransport(sentinel), new RedisClientOptions(), default);
        var reply = await client.CallAsync(default, "SENTINEL", "DEBUG");
        return reply.Items.SkipWhile(i => i.Text != "INFO-PERIOD").ElementAtOrDefault(1)?.Text;
    }

    private sealed class Watching : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _run;

        public Watching(RedisEndpoint sentinel, TimeSpan? infoPeriod)
        {
            var options = new RedisClientOptions();
            var watch = new SentinelWatch(
                _ => Task.FromResult<System.Collections.Immutable.ImmutableArray<RedisEndpoint>>([sentinel]), e => new TcpTransport(e),
                options, new SentinelClient(e => new TcpTransport(e), options, "m"),
                SentinelWatchSettings.Default with { InfoPeriod = infoPeriod }, (_, loop, stop) => loop(stop), TimeProvider.System,
                Refusals.Enqueue);
            _run = watch.RunAsync(_stop.Token);
        }

        public ConcurrentQueue<string> Refusals { get; } = new();

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _run.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _stop.Dispose();
        }
    }
}
