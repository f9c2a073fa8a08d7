using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel.Leadership;
using Sidecars.Failover.LedAway;
using Sidecars.Failover.Watch;
using Xunit.Abstractions;

namespace Sidecars.Unit.Tests.Failover.Loops;

/// <summary>The loop that notices that the Sentinels were led away, under a fake clock, beside a master that serves.</summary>
[Collection(QuietDays.Name)]
public sealed class LedAwayLoopTests : IAsyncDisposable
{
    private static readonly RedisEndpoint Stranger = new("10.9.9.9", 6379);
    private readonly LoopRig _rig = new();
    private readonly HandServer _server;
    private readonly HandSentinels _sentinels = new();
    private readonly List<LeadershipRequest> _told = [];
    private Func<LeadershipRequest, LeadershipOutcome> _answer;
    private RecordReading _record = new(Recorded(3));
    private LedAwayLoop? _loop;
    private readonly ITestOutputHelper _output;
    private int _reads;

    public LedAwayLoopTests(ITestOutputHelper output)
    {
        _output = output;
        _server = new HandServer(_rig.Time);
        _server.Say(new OwnServer.Answers { RunId = MemoryGroup.RunId, IsMaster = true, FreshReplicas = 2, MinReplicas = 1, MaxLag = 3 });
        _answer = request =>
        {
            _sentinels.Name(request.Target, 91);
            return new LeadershipOutcome.Confirmed(91, "all of them") { HighestEpoch = 91 };
        };
    }

    public async ValueTask DisposeAsync() => await _rig.DisposeAsync();

    [Fact]
    public void They_are_told_back_in_the_moment_in_which_they_name_nobody_of_the_group()
    {
        Start();
        Run(TimeSpan.FromSeconds(3));
        Assert.Equal("named", _rig.Sink["led-away"]);
        Assert.Equal(1, _reads);
        Assert.Equal(
            (true, false, false, false),
            (_loop!.IsStranger(Stranger), _loop.IsStranger(MemoryGroup.Me), _loop.IsStranger(MemoryGroup.Other),
                _loop.IsStranger(new("10.0.0.3", 6379))));
        _sentinels.Name(Stranger, 90);
        Run(TimeSpan.Zero);
        Assert.Equal((MemoryGroup.Me, Stranger, 3), (_told[0].Target, _told[0].Replaces, _told[0].SentinelCount));
        Assert.Equal("told-back", _rig.Sink["led-away!"]);
        Run(TimeSpan.FromMinutes(1));
        Assert.Single(_told);
        Assert.Equal("named", _rig.Sink["led-away"]);
        Assert.Equal((1, 0, 0), (_loop.ToldBack, _loop.Refused, _loop.ForeignReplicas));
    }

    [Fact]
    [QuietDayOf(typeof(LedAwayLoop))]
    public void After_a_quiet_day_in_which_the_record_was_read_once_they_are_told_back_in_the_same_moment()
    {
        Start();
        QuietDay.Pass(_rig.Time, () => IsIdle, _output);
        Assert.Equal(("named", 1), (_rig.Sink["led-away"], _reads));
        Assert.Empty(_rig.Failures);
        _sentinels.Name(Stranger, 90);
        Run(TimeSpan.Zero);
        Assert.Equal((MemoryGroup.Me, QuietDay.Length), (Assert.Single(_told).Target, _rig.Time.Now));
    }

    [Fact]
    public void A_try_that_fails_is_repeated_within_the_two_seconds_above_what_it_has_met_and_then_ever_more_rarely()
    {
        _answer = _ => new LeadershipOutcome.Rival("another holds it") { HighestEpoch = 120 };
        Start();
        Run(TimeSpan.FromSeconds(1));
        _sentinels.Name(Stranger, 90);
        Run(TimeSpan.FromSeconds(2));
        Assert.InRange(_told.Count, 3, 5);
        Assert.Equal([0, 120], _told.Take(2).Select(t => t.LearntEpoch));
        Assert.StartsWith("told-back: rival", _rig.Sink["led-away!"], StringComparison.Ordinal);
        Run(TimeSpan.FromMinutes(10));
        Assert.InRange(_told.Count, 10, 45);
    }

    [Fact]
    public void Somebody_who_leads_them_away_again_and_again_is_answered_ever_more_rarely_and_at_once_after_a_minute_of_peace()
    {
        Start();
        Run(TimeSpan.FromSeconds(1));
        for (var second = 0; second < 300; second++)
        {
            _sentinels.Name(Stranger, 90 + (2 * second));
            Run(TimeSpan.FromSeconds(1));
        }

        Assert.InRange(_told.Count, 8, 30);
        Run(TimeSpan.FromMinutes(2));
        var before = _told.Count;
        _sentinels.Name(Stranger, 2000);
        Run(TimeSpan.Zero);
        Assert.Equal(before + 1, _told.Count);
    }

    [Theory]
    [InlineData(2, "addresses-incomplete")]
    [InlineData(0, "record-unavailable")]
    public void On_a_partial_view_nobody_is_told_and_the_record_is_read_now_and_then(int nodes, string code)
    {
        _record = nodes == 0 ? new RecordReading(null, "503") : new RecordReading(Recorded(nodes));
        Start();
        Run(TimeSpan.FromSeconds(1));
        _sentinels.Name(Stranger, 90);
        Run(TimeSpan.FromMinutes(1));
        Assert.Equal(code, _rig.Sink["led-away"]);
        Assert.InRange(_reads, 10, 15);
        Assert.Empty(_told);
        _record = new RecordReading(Recorded(3));
        Run(TimeSpan.FromSeconds(6));
        Assert.NotEmpty(_told);
    }

    [Fact]
    public void What_Sentinel_promoted_is_left_to_a_person_and_counted_once()
    {
        _record = new RecordReading(Recorded(3, second: new RedisEndpoint("10.0.0.9", 6379)));
        Start();
        Run(TimeSpan.FromSeconds(1));
        // They listed it as this master's replica a moment ago, and it is no node.
        _sentinels.Name(MemoryGroup.Other, 90);
        Run(TimeSpan.FromSeconds(10));
        Assert.Equal("replica-promoted", _rig.Sink["led-away"]);
        Assert.Empty(_told);
        Assert.Equal((0, 1, 0), (_loop!.ToldBack, _loop.Refused, _loop.ForeignReplicas));
    }

    [Fact]
    public void A_shadow_decides_and_tells_nobody()
    {
        Start(dryRun: true);
        Run(TimeSpan.FromSeconds(1));
        _sentinels.Name(Stranger, 90);
        Run(TimeSpan.FromSeconds(10));
        Assert.Equal("led-away", _rig.Sink["led-away"]);
        Assert.Empty(_told);
    }

    // The master's INFO shows 10.0.0.2 and 10.0.0.3; a node that moved is known once its sidecar has recorded where it is.
    [Theory]
    [InlineData("10.0.0.3", "named", 0)]
    [InlineData("10.0.0.4", "foreign-replica", 1)]
    public async Task A_replica_that_no_node_has_recorded_for_two_minutes_is_from_outside(string third, string code, long counted)
    {
        await using var group = new MemoryGroup(TimeSpan.FromSeconds(1));
        var nodes = new[] { MemoryGroup.Me, MemoryGroup.Other, new RedisEndpoint(third, 6379) }
            .Select((at, i) => new NodeAnnouncement($"redis-{i}", at));
        var recorded = Recorded(3) with { Nodes = [.. nodes] };
        var loop = new LedAwayLoop(
            new LedAwaySettings("redis-0", 3, 3, TimeSpan.FromSeconds(1), DryRun: false), group.Server, group.Watch,
            _ => Task.FromResult(new RecordReading(recorded)), () => new FencingToken(1, 3, 0), () => false,
            (_, _, _) => throw new InvalidOperationException("nobody is to be told"), group.Sink, group.Time, () => 0.5);
        group.Start(("server", group.Server.RunAsync), ("sentinels", group.Watch.RunAsync), ("led-away", loop.RunAsync));
        await QuietDayTests.OnThreadAsync(() =>
        {
            group.Time.Run(TimeSpan.FromSeconds(110), () => IsIdle(group));
            Assert.Equal("named", group.Sink["led-away"]);
            group.Time.Run(TimeSpan.FromMinutes(10), () => IsIdle(group));
            Assert.Equal((code, counted), (group.Sink["led-away"]!, loop.ForeignReplicas));
            Assert.Equal(counted > 0, loop.IsForeign(new("10.0.0.3", 6379)));
            Assert.Empty(group.Failures);
        });

        // The look at the server; the resolver, and look and subscription of each Sentinel; this loop.
        static bool IsIdle(MemoryGroup group) =>
            group.Time.Sleepers == 1 + 1 + (3 * 2) + 1 && group.Server.Changed.Waiters == 1 && group.Watch.Changed.Waiters == 1;
    }

    private bool IsIdle => _rig.Time.Sleepers == 1 && _server.Changed.Waiters == 1 && _sentinels.Changed.Waiters == 1;

    private void Run(TimeSpan span) => _rig.Time.Run(span, () => IsIdle);

    private static RecordedGroup Recorded(int nodes, RedisEndpoint? second = null) => new(
        [.. Enumerable.Range(0, nodes)
            .Select(n => new NodeAnnouncement($"redis-{n}", n == 1 && second is not null ? second : new($"10.0.0.{n + 1}", 6379)))],
        1, null, "redis-0", new FencingToken(1, 3, 0));

    private void Start(bool dryRun = false)
    {
        _loop = new LedAwayLoop(
            new LedAwaySettings("redis-0", 3, 3, TimeSpan.FromSeconds(1), dryRun), _server, _sentinels,
            _ =>
            {
                _reads++;
                return Task.FromResult(_record);
            },
            () => new FencingToken(1, 3, 0), () => false,
            (request, _, _) =>
            {
                _told.Add(request);
                return Task.FromResult(_answer(request));
            },
            _rig.Sink, _rig.Time, () => 0.5);
        _rig.Start("led-away", _loop.RunAsync);
    }
}
