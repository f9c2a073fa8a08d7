using Sidecars.Core.Lineage;
using Sidecars.Core.Redis;
using Sidecars.Failover.HandOver;
using Sidecars.Telemetry;
using Sidecars.TestKit.Processes;
using static Sidecars.Unit.Tests.Failover.Loops.QuietDayTests;

namespace Sidecars.Unit.Tests.Failover.Loops;

/// <summary>What <c>run</c> does about hand-overs, beside a master: it repairs what a dead coordinator left.</summary>
public sealed class HandOverLoopTests : IAsyncDisposable
{
    // The look at the server; the resolver, and look and subscription of each Sentinel; the repair.
    private const int Sleepers = 1 + 1 + (3 * 2) + 1;

    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly string[] Lifted = ["CONFIG SET min-replicas-to-write 1", "CONFIG REWRITE"];

    private readonly TempFolder _data = new("hand-over-loop");
    private readonly MemoryGroup _group;

    public HandOverLoopTests() => _group = new MemoryGroup(sentinelPeriod: 10 * Second, _data.Path);

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
            // Where its first round comes before the watch's first look, it asks the group once.
            Run(5 * Second);
            var before = _group.Replica.Connects;
            Assert.InRange(before, 0, 1);
            Run(TimeSpan.FromHours(ApiAwayTests.Hours));
            Assert.Equal((before, 1), (_group.Replica.Connects, _group.Redis.OpenConnections));
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
    public async Task A_giving_up_that_came_to_nothing_is_void_before_the_fence_is_lifted()
    {
        Give();
        _group.MinReplicas = "99";
        StartRepair();
        await OnThreadAsync(() =>
        {
            Run(5 * Second);
            Assert.Equal(Lifted, _group.Changes);
            Assert.Equal(FactState.Absent, GivingUp.Read(_data.Path).State);
        });
    }

    [Fact]
    public async Task A_promoted_one_that_nobody_was_told_of_is_told_to_all_and_then_followed()
    {
        Give();
        _group.MinReplicas = "99";
        _group.Promote();
        StartRepair();
        await OnThreadAsync(() =>
        {
            Run(TimeSpan.FromMinutes(1));
            Assert.Equal(
                ["told at 1: 10.0.0.2 in 5", "told at 2: 10.0.0.2 in 5", "told at 3: 10.0.0.2 in 5", "REPLICAOF 10.0.0.2 6379",
                    "CONFIG SET min-replicas-to-write 1"],
                _group.Changes);
            Assert.Empty(_group.Strangers);
            Assert.Equal(FactState.Absent, GivingUp.Read(_data.Path).State);
            Assert.Empty(_group.Failures);
        });
    }

    [Fact]
    public async Task A_note_that_cannot_be_read_is_left_to_a_person_and_so_is_the_fence()
    {
        Give();
        File.WriteAllText(GivingUp.PathIn(_data.Path), "{");
        _group.MinReplicas = "99";
        StartRepair();
        await OnThreadAsync(() =>
        {
            Run(TimeSpan.FromMinutes(10));
            Assert.Empty(_group.Changes);
            Assert.Equal(FactState.Unreadable, GivingUp.Read(_data.Path).State);
        });
    }

    private void Give() => Assert.Null(new GivingUp(MemoryGroup.Other, MemoryGroup.ReplicaRunId, 4).TryWrite(_data.Path));

    private void StartRepair()
    {
        var repair = new HandOverRepairLoop(
            new HandOverRepairSettings { DataDirectory = _data.Path }, _group.HandOver, (_, _, _) => { }, new MetricSet(), _group.Time,
            () => _group.Server.LookWithin(2.5 * Second) is { } own ? _group.HandOver.Glance(own, _group.Watch.Observe()) : null);
        _group.Start(("server", _group.Server.RunAsync), ("sentinels", _group.Watch.RunAsync), ("hand-over-repair", repair.RunAsync));
    }

    private void Run(TimeSpan span) => _group.Time.Run(span, () => _group.Time.Sleepers == Sleepers);
}
