using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.TestKit.FakeRedis;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Probing;

/// <summary>The truth table of manifests/docs/probes.md for Sentinel, and what Sentinels say about a master.</summary>
public sealed class SentinelTruthTableTests
{
    private const string Master = "tenant.redis";

    [Fact]
    public async Task Sentinel_without_a_known_master()
    {
        await using var sentinel = await SentinelProcess.StartAsync();
        await ProbeRun.RowAsync(
            ProbeRun.At(sentinel.Endpoint), (false, "does not know the master 'tenant.redis'; it knows none"), (true, "alive: PONG"),
            (false, "does not know the master"));
        await using var redis = await RedisProcess.StartAsync();
        await using var other = await SentinelProcess.MonitorAsync("another", redis.Endpoint, 1);
        await ProbeRun.RowAsync(ProbeRun.At(other.Endpoint, more: ("SENTINEL", "true")), (false, ", only 'another'"), (true, "PONG"),
            (false, ", only 'another'"));
    }

    [Fact]
    public async Task Sentinel_with_and_without_quorum_and_in_tilt()
    {
        await using var redis = await RedisProcess.StartAsync();
        await using var sentinel = await SentinelProcess.MonitorAsync(Master, redis.Endpoint, 1);
        await using var lonely = await SentinelProcess.MonitorAsync(Master, redis.Endpoint, 2);
        // Two Sentinels find each other through the master; this one asks for more than there are.
        await using var toLonely = await ConnectAsync(lonely.Endpoint);
        Assert.Equal("OK", (await toLonely.CallAsync(default, "SENTINEL", "SET", Master, "quorum", "5")).Text);
        await ProbeRun.RowAsync(ProbeRun.At(sentinel.Endpoint), (true, "PONG"), (true, "PONG"),
            (true, $"ready: Sentinel, master '{Master}' at {redis.Endpoint}, "));
        await ProbeRun.RowAsync(ProbeRun.At(lonely.Endpoint), (true, "PONG"), (true, "PONG"), (false, "has no quorum: NOQUORUM"));

        await using var client = await ConnectAsync(sentinel.Endpoint);
        Assert.Equal("OK", (await client.CallAsync(default, "SENTINEL", "DEBUG", "tilt-trigger", "1")).Text);
        await Eventually.UntilAsync("TILT",
            async () => (await client.CallAsync(default, "INFO", "sentinel")).Text.Contains("sentinel_tilt:1", StringComparison.Ordinal));
        await ProbeRun.RowAsync(ProbeRun.At(sentinel.Endpoint), (true, "PONG"), (true, "PONG"), (false, "is in TILT"));
    }

    [Fact]
    public async Task Sentinel_is_refused_where_redis_is_meant()
    {
        await using var sentinel = await SentinelProcess.StartAsync();
        await using var redis = await RedisProcess.StartAsync();
        Assert.Contains("a Sentinel listens at", (await ProbeRun.RunAsync("readiness --role redis", ProbeRun.At(sentinel.Endpoint))).Output,
            StringComparison.Ordinal);
        Assert.Contains("a Redis listens at", (await ProbeRun.RunAsync("readiness --role sentinel", ProbeRun.At(redis.Endpoint))).Output,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_majority_that_names_another_contradicts_and_dead_ones_do_not()
    {
        await using var redis = await RedisProcess.StartAsync();
        await using var other = await RedisProcess.StartAsync();
        await using var a = await SentinelProcess.MonitorAsync(Master, redis.Endpoint, 1);
        await using var b = await SentinelProcess.MonitorAsync(Master, other.Endpoint, 1);
        await using var c = await SentinelProcess.MonitorAsync(Master, other.Endpoint, 1);
        await using var silent = FakeRedisServer.Silent();
        var dead = $"127.0.0.1:{FreePort.Next()}";

        async Task<ProbeRun> ReadyAsync(params object[] sentinels) =>
            await ProbeRun.RunAsync(
                "readiness", ProbeRun.At(redis.Endpoint, more: ("REDIS_SENTINEL_SERVICE_HOST", string.Join(',', sentinels))));

        Assert.Equal((1, $"not ready: 2 of 3 Sentinels name {other.Endpoint} as master, not this one", ""),
            Tuple(await ReadyAsync(a.Endpoint, b.Endpoint, c.Endpoint)));
        var one = await ReadyAsync(a.Endpoint, b.Endpoint, dead);
        Assert.True(
            one.Code == 0 && one.Output.Contains($"1 of 3 Sentinels agree, 1 name {other.Endpoint}", StringComparison.Ordinal), one.Output);
        var none = await ReadyAsync(dead, silent.Endpoint, b.Endpoint);
        Assert.True(none.Code == 0 && none.Output.Contains("0 of 3 Sentinels agree, 1 name", StringComparison.Ordinal), none.Output);
        Assert.Equal(1, silent.Connections);
    }

    [Fact]
    public async Task One_sentinel_behind_many_addresses_has_one_vote()
    {
        await using var redis = await RedisProcess.StartAsync();
        await using var other = await RedisProcess.StartAsync();
        var elsewhere = FormattableString.Invariant($"sentinel monitor {Master} {other.Endpoint.Host} {other.Port} 1");
        await using var twice = await SentinelProcess.StartAsync("bind 127.0.0.1 127.0.0.2 127.0.0.3", elsewhere);
        string[] addresses = [.. Enumerable.Range(1, 3).Select(i => FormattableString.Invariant($"127.0.0.{i}:{twice.Port}"))];
        var ready = await ProbeRun.RunAsync(
            "readiness", ProbeRun.At(redis.Endpoint, more: ("REDIS_SENTINEL_SERVICE_HOST", string.Join(',', addresses))));
        Assert.True(ready.Code == 0 && ready.Output.Contains($"0 of 3 Sentinels agree, 1 name {other.Endpoint}", StringComparison.Ordinal),
            ready.ToString());

        // The same three places, three Sentinels: a majority.
        await using var a = await SentinelProcess.StartAsync(elsewhere);
        await using var b = await SentinelProcess.StartAsync(elsewhere);
        var contradicted = await ProbeRun.RunAsync(
            "readiness", ProbeRun.At(redis.Endpoint, more: ("REDIS_SENTINEL_SERVICE_HOST", $"{addresses[1]},{a.Endpoint},{b.Endpoint}")));
        Assert.Equal((1, $"not ready: 2 of 3 Sentinels name {other.Endpoint} as master, not this one", ""), Tuple(contradicted));
    }

    [Fact]
    public async Task A_sentinel_in_tilt_has_no_vote_on_others()
    {
        await using var redis = await RedisProcess.StartAsync();
        await using var other = await RedisProcess.StartAsync();
        await using var a = await SentinelProcess.MonitorAsync(Master, other.Endpoint, 1);
        await using var b = await SentinelProcess.MonitorAsync(Master, other.Endpoint, 1);
        var asking = ProbeRun.At(redis.Endpoint, more: ("REDIS_SENTINEL_SERVICE_HOST", $"{a.Endpoint},{b.Endpoint}"));
        Assert.Equal(1, (await ProbeRun.RunAsync("readiness", asking)).Code);
        await using var client = await ConnectAsync(b.Endpoint);
        Assert.Equal("OK", (await client.CallAsync(default, "SENTINEL", "DEBUG", "tilt-trigger", "1")).Text);
        await Eventually.UntilAsync("TILT",
            async () => (await client.CallAsync(default, "INFO", "sentinel")).Text.Contains("sentinel_tilt:1", StringComparison.Ordinal));
        var ready = await ProbeRun.RunAsync("readiness", asking);
        Assert.True(ready.Code == 0 && ready.Output.Contains("0 of 3 Sentinels agree, 1 name", StringComparison.Ordinal), ready.ToString());
    }

    [Fact]
    public async Task Sentinels_are_asked_with_the_passwords_in_order()
    {
        await using var redis = await RedisProcess.StartAsync();
        await using var other = await RedisProcess.StartAsync();
        string[] lines = [FormattableString.Invariant($"sentinel monitor {Master} {other.Endpoint.Host} {other.Port} 1"),
            "user default off", "user sidecar-tenant/redis on >new allcommands"];
        await using var a = await SentinelProcess.StartAsync([.. lines]);
        await using var b = await SentinelProcess.StartAsync([.. lines]);
        var asking = ProbeRun.At(redis.Endpoint, more: [("REDIS_SENTINEL_SERVICE_HOST", $"{a.Endpoint},{b.Endpoint}"),
            ("SIDECAR_PASSWORD", "newer"), ("SIDECAR_PASSWORD_PREVIOUS", "new")]);
        Assert.Contains("2 of 3 Sentinels name", (await ProbeRun.RunAsync("readiness", asking)).Output, StringComparison.Ordinal);
        _ = asking.Remove("SIDECAR_PASSWORD_PREVIOUS");
        Assert.Contains("0 of 3 Sentinels agree", (await ProbeRun.RunAsync("readiness", asking)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sentinels_that_talk_nonsense_or_without_end_are_unknown()
    {
        await using var redis = await RedisProcess.StartAsync();
        await using var web = FakeRedisServer.GreetingThenClosing(FakeReply.Raw("HTTP/1.1 400 Bad Request\r\n\r\n"));
        await using var endless = FakeRedisServer.Endless(FakeReply.Raw("$100000000\r\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"));
        await using var trickling = FakeRedisServer.Trickling(FakeReply.Bulk(new string('a', 40)), TimeSpan.FromMilliseconds(50));
        await using var half = FakeRedisServer.SendingThenClosing(FakeReply.Raw("$40\r\nabc"));
        var ready = await ProbeRun.RunAsync("readiness", ProbeRun.At(redis.Endpoint,
            more: ("REDIS_SENTINEL_SERVICE_HOST", $"{web.Endpoint},{endless.Endpoint},{trickling.Endpoint},{half.Endpoint}")));
        Assert.True(ready.Code == 0 && ready.Output.EndsWith("0 of 3 Sentinels agree", StringComparison.Ordinal), ready.ToString());
    }

    private static (int Code, string Output, string Errors) Tuple(ProbeRun run) => (run.Code, run.Output, run.Errors);

    private static async Task<RedisClient> ConnectAsync(RedisEndpoint endpoint) =>
        await RedisClient.ConnectAsync(new TcpTransport(endpoint),
            new RedisClientOptions { ConnectTimeout = TimeSpan.FromSeconds(10), CommandTimeout = TimeSpan.FromSeconds(10) }, default);
}
