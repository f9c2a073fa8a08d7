using Sidecars.Core.Redis;
using Sidecars.Failover.HandOver;
using Sidecars.Telemetry;
using Sidecars.TestKit.FakeRedis;
using Sidecars.TestKit.Processes;
using static Sidecars.Unit.Tests.Failover.Loops.QuietDayTests;

namespace Sidecars.Unit.Tests.Failover.Loops;

/// <summary>
/// What <c>run</c> does about hand-overs, beside a master: repairs what a dead coordinator left, and listens for the word that clients may move.
/// </summary>
public sealed class HandOverLoopTests : IAsyncDisposable
{
    // The look at the server; the resolver, and look and subscription of each Sentinel; the repair.
    private const int Sleepers = 1 + 1 + (3 * 2) + 1;

    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly string[] Lifted = ["CONFIG SET min-replicas-to-write 1", "CONFIG REWRITE"];

    private readonly TempFolder _data = new("hand-over-loop");
    private readonly MemoryGroup _group = new(sentinelPeriod: 10 * Second);
    private int _signals;

    public async ValueTask DisposeAsync()
    {
        await _group.DisposeAsync();
        _data.Dispose();
    }

    [Fact]
    public async Task While_nothing_is_left_nobody_else_is_asked_and_a_fence_that_is_left_then_is_lifted_within_seconds()
    {
        StartRepair();
        await OnThreadAsync(() =>
        {
            Run(TimeSpan.FromHours(ApiAwayTests.Hours));
            Assert.Equal((0, 1), (_group.Replica.Connects, _group.Redis.OpenConnections));
            Assert.Empty(_group.Changes);
            _group.MinReplicas = "99";
            Run(5 * Second);
            Assert.Equal(Lifted, _group.Changes);
            Run(TimeSpan.FromMinutes(10));
            Assert.Equal(Lifted, _group.Changes);
            Assert.Empty(_group.Failures);
        });
    }

    [Fact]
    public async Task Without_Sentinels_a_fence_that_is_left_stands_and_is_lifted_once_they_are_back()
    {
        _group.MinReplicas = "99";
        foreach (var sentinel in _group.Sentinels) sentinel.Refuses = () => new RedisConnectionException(RedisFailure.Refused, "refused");
        StartRepair();
        await OnThreadAsync(() =>
        {
            Run(TimeSpan.FromMinutes(5));
            Assert.Empty(_group.Changes);
            // One look at the group a second.
            Assert.InRange(_group.Replica.Connects, 200, 301);
            foreach (var sentinel in _group.Sentinels) sentinel.Refuses = () => null;
            Run(15 * Second);
            Assert.Equal(Lifted, _group.Changes);
        });
    }

    [Fact]
    public async Task A_look_that_throws_costs_a_pause_and_the_repair_is_done_after_it()
    {
        _group.MinReplicas = "99";
        _group.Replica.Refuses = () => new InvalidOperationException("no such certificate");
        StartRepair();
        await OnThreadAsync(() =>
        {
            Run(TimeSpan.FromMinutes(5));
            Assert.InRange(_group.Failures.Count(f => f == "hand-over-repair: no such certificate"), 5, 40);
            Assert.Empty(_group.Changes);
            _group.Replica.Refuses = () => null;
            Run(TimeSpan.FromMinutes(1));
            Assert.Equal(Lifted, _group.Changes);
        });
    }

    [Fact]
    public async Task The_listener_keeps_one_connection_for_a_day_and_hears_the_word_in_the_same_moment()
    {
        StartListener();
        await OnThreadAsync(() =>
        {
            _group.Time.Run(TimeSpan.FromHours(24), () => _group.Time.Sleepers == 1);
            Assert.Equal((1, 0), (_group.Redis.Connects, _signals));
            var now = _group.Time.Now;
            _group.Redis.Publish(FakeReply.Message(HandOverSignal.Channel, HandOverSignal.Text));
            _group.Time.Settle(() => _signals == 1);
            Assert.Equal(now, _group.Time.Now);
        });
    }

    [Theory]
    [InlineData("full")]
    [InlineData("hangs")]
    [InlineData("throws")]
    public async Task A_listener_that_is_turned_away_asks_ever_more_rarely_and_hears_again(string how)
    {
        Turn(how);
        StartListener();
        await OnThreadAsync(() =>
        {
            _group.Time.Run(TimeSpan.FromMinutes(10), IsIdle);
            Assert.InRange(_group.Redis.Connects, how == "throws" ? 15 : 100, 310);
            Turn("");
            _group.Time.Run(TimeSpan.FromMinutes(1), IsIdle);
            Assert.Equal(1, _group.Redis.OpenConnections);
            _group.Redis.Publish(FakeReply.Message(HandOverSignal.Channel, HandOverSignal.Text));
            _group.Time.Settle(() => _signals == 1);
        });

        // A connect that hangs holds its deadline alone.
        bool IsIdle() => _group.Time.Sleepers == 1 || (_group.Redis.Hanging == 1 && _group.Time.Deadlines == 1);

        void Turn(string to)
        {
            _group.Redis.Greets = to == "full" ? FakeReply.Raw("-ERR max number of clients reached\r\n") : null;
            _group.Redis.Hangs = to == "hangs";
            _group.Redis.Refuses = () => to == "throws" ? new InvalidOperationException("no such certificate") : null;
        }
    }

    private void StartRepair()
    {
        var repair = new HandOverRepairLoop(
            new HandOverRepairSettings { DataDirectory = _data.Path }, _group.HandOver, (_, _, _) => { }, new MetricSet(), _group.Time,
            () => _group.Server.LookWithin(2.5 * Second) is { } own ? _group.HandOver.Glance(own, _group.Watch.Observe()) : null);
        _group.Start(("server", _group.Server.RunAsync), ("sentinels", _group.Watch.RunAsync), ("hand-over-repair", repair.RunAsync));
    }

    private void StartListener() => _group.Start(("hand-over", new HandOverListener(
        cancellation => _group.HandOver.ObserveNamedAsync([], cancellation), () => _group.Redis, new RedisClientOptions { Time = _group.Time }, _ => { },
        (_, _) => _signals++, _group.Time).RunAsync));

    private void Run(TimeSpan span) => _group.Time.Run(span, () => _group.Time.Sleepers == Sleepers);
}
