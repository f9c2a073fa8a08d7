using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.TestKit.Load;
using Sidecars.TestKit.Processes;

namespace Sidecars.Unit.Tests.Load;

/// <summary>
/// What a load says is what the server counted, with either client: every finding about lost writes rests on it. The server counts a SET
/// that it executed as a call, and one that it refused for want of replicas as rejected.
/// </summary>
public sealed class WriteLoadTests
{
    private const string MasterName = "load";

    public static TheoryData<LoadClient, int> Clients => new()
    {
        { LoadClient.Direct, 1 }, { LoadClient.Direct, 8 }, { LoadClient.StackExchangeRedis, 1 }, { LoadClient.StackExchangeRedis, 8 },
    };

    [Theory]
    [MemberData(nameof(Clients))]
    public async Task Acknowledged_and_refused_writes_are_those_that_the_server_counted(LoadClient client, int pipeline)
    {
        await using var place = await Place.StartAsync();
        await using var load = place.Load(client, pipeline);
        await load.Acks.First;
        await place.CallAsync("CONFIG", "SET", "min-replicas-to-write", "1");
        await Eventually.UntilAsync("refused writes", () => load.Refused > 20);
        await place.CallAsync("CONFIG", "SET", "min-replicas-to-write", "0");
        var mark = load.Acks.Mark();
        await Eventually.UntilAsync("writes again", () => mark.Count > 100);
        await load.StopAsync();

        var (executed, rejected) = await place.CountedAsync();
        Assert.Equal((executed, rejected), (load.Acks.Count, load.Refused));
        Assert.True(pipeline > 1 || load.Unknown == 0); // in a batch, a refused write before an acknowledged one has no outcome
        var check = await load.CheckAsync(place.Master);
        Assert.Equal((executed, 0L), (check.Checked, check.MissingCount));
    }

    [Theory]
    [MemberData(nameof(Clients))]
    public async Task A_write_without_an_answer_is_unknown_and_neither_lost_nor_acknowledged(LoadClient client, int pipeline)
    {
        await using var place = await Place.StartAsync();
        await using var load = place.Load(client, pipeline);
        await load.Acks.First;
        place.Process.Pause();
        await Eventually.UntilAsync("writes without an answer", () => load.Unknown > 0);
        place.Process.Resume();
        var mark = load.Acks.Mark();
        await Eventually.UntilAsync("writes again", () => mark.Count > 100);
        await load.StopAsync();

        var (executed, _) = await place.CountedAsync();
        Assert.InRange(executed, load.Acks.Count, load.Acks.Count + load.Unknown);
        var check = await load.CheckAsync(place.Master);
        Assert.Equal((load.Acks.Count, 0L), (check.Checked, check.MissingCount));
    }

    [Theory]
    [InlineData(LoadClient.Direct)]
    [InlineData(LoadClient.StackExchangeRedis)]
    public async Task A_server_that_was_killed_and_came_back_empty_has_lost_all_that_it_had_acknowledged(LoadClient client)
    {
        await using var place = await Place.StartAsync();
        await using var load = place.Load(client, 1);
        await Eventually.UntilAsync("writes", () => load.Acks.Count > 100);
        await place.RestartAsync();
        var mark = load.Acks.Mark();
        var before = load.Acks.Count;
        await Eventually.UntilAsync("writes again", () => mark.Count > 100);
        await load.StopAsync();

        var check = await load.CheckAsync(place.Master);
        var (executed, _) = await place.CountedAsync(); // since the restart
        Assert.Equal(load.Acks.Count, check.Checked);
        Assert.InRange(check.MissingCount, 101, before);
        Assert.InRange(check.Checked - check.MissingCount, 1, executed);
    }

    // One Redis, and one Sentinel that never fails it over.
    private sealed class Place(RedisProcess redis, SentinelProcess sentinel) : IAsyncDisposable
    {
        public RedisEndpoint Master => redis.Endpoint;

        public ServerProcess Process => redis.Process;

        public static async Task<Place> StartAsync()
        {
            var redis = await RedisProcess.StartAsync();
            try
            {
                return new Place(redis, await SentinelProcess.MonitorAsync(MasterName, redis.Endpoint, 2, 60_000));
            }
            catch
            {
                await redis.DisposeAsync();
                throw;
            }
        }

        public WriteLoad Load(LoadClient client, int pipeline) =>
            WriteLoad.Start(new WriteLoadOptions([sentinel.Endpoint], MasterName) { Client = client, Writers = 2, Pipeline = pipeline });

        public Task RestartAsync() => redis.RestartAsync();

        public async Task<RespValue> CallAsync(params string[] words)
        {
            await using var client = await RedisClient.ConnectAsync(new TcpTransport(Master), new RedisClientOptions(), default);
            var reply = await client.CallAsync(default, words);
            Assert.False(reply.IsError, reply.IsError ? reply.Text : "");
            return reply;
        }

        /// <summary>SETs that the server executed, and that it rejected.</summary>
        public async Task<(long Executed, long Rejected)> CountedAsync()
        {
            var lines = (await CallAsync("INFO", "commandstats")).Text.Split("\r\n");
            var set = lines.Single(line => line.StartsWith("cmdstat_set:", StringComparison.Ordinal))["cmdstat_set:".Length..];
            var counts = set.Split(',').Select(pair => pair.Split('=')).ToDictionary(pair => pair[0], pair => pair[1]);
            return (long.Parse(counts["calls"]), long.Parse(counts["rejected_calls"]));
        }

        public async ValueTask DisposeAsync()
        {
            await sentinel.DisposeAsync();
            await redis.DisposeAsync();
        }
    }
}
