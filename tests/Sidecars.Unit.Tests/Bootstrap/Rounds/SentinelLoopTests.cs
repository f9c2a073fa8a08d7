using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Sidecars.Bootstrap.Options;
using Sidecars.Bootstrap.Rounds;
using Sidecars.Bootstrap.Sentinels;
using Sidecars.Bootstrap.Slots;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Sentinel.Leadership;
using Sidecars.Core.Topology;
using Sidecars.Unit.Tests.Failover.Loops;
using Xunit.Abstractions;
using static Sidecars.Unit.Tests.Failover.Loops.QuietDayTests;

namespace Sidecars.Unit.Tests.Bootstrap.Rounds;

/// <summary>The rounds of a Sentinel that starts: whom it is to monitor, and as whom.</summary>
[Collection(QuietDays.Name)]
public sealed class SentinelLoopTests : IAsyncDisposable
{
    private static readonly RedisEndpoint Mine = new("10.0.1.9", 26379);

    private readonly MemoryGroup _group = new(TimeSpan.FromSeconds(1));
    private readonly RoundRig _rig;
    private readonly ITestOutputHelper _output;

    public SentinelLoopTests(ITestOutputHelper output) => (_rig, _output) = (new RoundRig(ServerMode.Sentinel, _group.Time), output);

    public async ValueTask DisposeAsync()
    {
        _rig.Dispose();
        await _group.DisposeAsync();
    }

    [Fact]
    [QuietDayOf(typeof(SentinelRoleLoop))]
    public async Task A_group_that_is_away_for_a_day_is_looked_at_every_minute_its_store_every_fifth_and_monitored_when_it_is_back()
    {
        var store = new CountingStore();
        Refuse(true);
        var loop = _rig.Start(Loop(store).RunAsync);
        await OnThreadAsync(() =>
        {
            QuietDay.Pass(_group.Time, () => _group.Time.Sleepers == 1, _output);
            Assert.InRange(_group.Sentinels[0].Connects, 1_700, 2_200);
            Assert.InRange(store.Reads, 340, 440);
            Assert.InRange(_rig.Lines.Length, 1, 4);
            Refuse(false);
            _rig.Run(TimeSpan.FromMinutes(2), loop);
        });
        Assert.Equal(MemoryGroup.Me, (await loop).Master);
    }

    [Fact]
    public async Task A_Sentinel_without_its_state_votes_in_no_epoch_that_a_coordinator_may_have_been_given_before()
    {
        var loop = _rig.Start(Loop(new CountingStore()).RunAsync);
        await OnThreadAsync(() => _rig.Run(TimeSpan.FromMinutes(2), loop));
        Assert.Equal(3 + LeadershipPolicy.EpochsOfAnAttempt, (await loop).HighestVote);
    }

    [Fact]
    public async Task A_store_that_takes_seconds_delays_a_round_by_one_answer()
    {
        var store = new CountingStore { Slowness = TimeSpan.FromSeconds(20), Time = _group.Time };
        var loop = _rig.Start(Loop(store).RunAsync);
        await OnThreadAsync(() => _rig.Run(TimeSpan.FromSeconds(20), loop));
        await loop;
        Assert.Equal((1, TimeSpan.FromSeconds(20)), (store.Reads, _group.Time.Now));
    }

    [Theory]
    [InlineData("429, 30 s", 125)]
    [InlineData("503", 1_100)]
    [InlineData("hang", 1_100)]
    [InlineData("refused", 1_100)]
    public async Task A_slot_is_asked_for_within_what_the_API_server_allows_and_had_when_it_is_back(string weather, int most)
    {
        using var api = Api();
        Set(weather);
        var loop = _rig.Start(Slots(api).RunAsync);
        await OnThreadAsync(() =>
        {
            Run(TimeSpan.FromHours(1));
            Assert.InRange(api.Sent.Count, 50, most);
            Assert.False(loop.IsCompleted);
            Set("");
            Run(TimeSpan.FromMinutes(2));
        });
        Assert.Equal(new SlotGrant(0, AtOnce: false), await loop);

        void Run(TimeSpan span) =>
            _group.Time.Run(span, () => _group.Time.Sleepers == 1 || (api.Hanging == 1 && _group.Time.Deadlines > 0) || loop.IsCompleted);

        void Set(string to)
        {
            api.Hangs = to == "hang";
            api.Weather = to switch
            {
                "429, 30 s" => () =>
                {
                    var response = new HttpResponseMessage(HttpStatusCode.TooManyRequests);
                    response.Headers.RetryAfter = new RetryConditionHeaderValue(TimeSpan.FromSeconds(30));
                    return response;
                }
                ,
                "503" => () => new HttpResponseMessage(HttpStatusCode.ServiceUnavailable),
                "refused" => () => throw new HttpRequestException(HttpRequestError.ConnectionError, "refused"),
                _ => () => null,
            };
        }
    }

    [Fact]
    [QuietDayOf(typeof(SlotLoop))]
    public async Task An_API_server_that_is_away_for_a_day_is_asked_every_few_seconds_and_the_slot_had_at_the_next_try()
    {
        using var api = Api();
        api.Weather = () => new HttpResponseMessage(HttpStatusCode.ServiceUnavailable);
        var loop = _rig.Start(Slots(api).RunAsync);
        await OnThreadAsync(() =>
        {
            QuietDay.Pass(_group.Time, () => _group.Time.Sleepers == 1, _output);
            // Pauses of 2.5 to 5 s.
            Assert.InRange(api.Sent.Count, 24 * 720, 24 * 1_100);
            Assert.InRange(_rig.Lines.Length, 1, 4);
            api.Weather = () => null;
            _group.Time.Run(TimeSpan.FromSeconds(5), () => _group.Time.Sleepers == 1 || loop.IsCompleted);
        });
        Assert.Equal(new SlotGrant(0, AtOnce: false), await loop);
    }

    private MemoryApi Api()
    {
        var api = new MemoryApi(_group.Time);
        api.Objects.Seed("pods", MemoryApi.Namespace,
            new JsonObject { ["kind"] = "Pod", ["metadata"] = new JsonObject { ["name"] = "sentinel-0", ["uid"] = "uid-0" } });
        return api;
    }

    private SlotLoop Slots(MemoryApi api)
    {
        var options = new RedisClientOptions { Time = _group.Time };
        return new SlotLoop(
            new SlotClient(
                api.Client, new SlotTableStore(api.Client, _rig.Options.Group.Cluster, "redis"),
                new SentinelIdClient(_group.To, options, options),
                _ => Task.FromResult(new LivingSentinels(new HashSet<string>(), new HashSet<string>())), _rig.Options.Group.Cluster,
                3, _group.Time),
            new SlotClaimant("uid-0", "sentinel-0", Mine), new SlotMemory(_rig.Options.Group.ConfigDirectory), _rig.Reporter,
            new RoundPacer(new BackoffSchedule(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(5)), _group.Time, new Random(1)),
            _group.Time);
    }

    private SentinelRoleLoop Loop(IEpochStore store)
    {
        var options = new RedisClientOptions { Time = _group.Time };
        var observer = new GroupObserver(
            new GroupAddresses(_rig.Options.Group.SentinelHosts, [MemoryGroup.Me, MemoryGroup.Other], TimeSpan.FromSeconds(1)),
            new SentinelClient(_group.To, options, "tenant/shop"), new NodeClient(_group.To, options), _group.Time);
        return new SentinelRoleLoop(observer, Mine, 3, 3, null, store, _rig.Reporter, _rig.Pacer);
    }

    private void Refuse(bool isAway)
    {
        foreach (var server in _group.Sentinels.Append(_group.Redis).Append(_group.Replica))
            server.Refuses = () => isAway ? new RedisConnectionException(RedisFailure.Refused, "refused") : null;
    }

    private sealed class CountingStore : IEpochStore
    {
        public string Description => "counting";

        public int Reads { get; private set; }

        public TimeSpan Slowness { get; init; }

        public VirtualTime? Time { get; init; }

        public async Task<EpochReading> ReadAsync(CancellationToken cancellation)
        {
            Reads++;
            if (Time is not null) await Task.Delay(Slowness, Time, cancellation);
            return new EpochReading.Known(3, MemoryGroup.Me);
        }

        public Task<EpochReading> RaiseAsync(long epoch, RedisEndpoint master, CancellationToken cancellation) =>
            throw new InvalidOperationException("a starting Sentinel raises nothing");
    }
}
