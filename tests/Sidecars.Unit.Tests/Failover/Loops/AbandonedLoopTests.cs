using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Succession;
using Sidecars.Failover.Death;
using Sidecars.Failover.LedAway;
using Sidecars.TestKit.FakeRedis;
using static Sidecars.Unit.Tests.Failover.Loops.QuietDayTests;

namespace Sidecars.Unit.Tests.Failover.Loops;

/// <summary>Beside the only replica of a master that every Sentinel holds for down, and that no Sentinel replaces.</summary>
public sealed class AbandonedLoopTests : IAsyncDisposable
{
    private const string Promotion = "REPLICAOF NO ONE at 10.0.0.1";

    // The look at the server; the resolver, and look and subscription of each Sentinel; the loop.
    private const int Sleepers = 1 + 1 + (3 * 2) + 1;

    private readonly MemoryGroup _group = new(TimeSpan.FromSeconds(1)) { Named = (MemoryGroup.Other, 4), Follows = MemoryGroup.Other };

    public ValueTask DisposeAsync() => _group.DisposeAsync();

    [Fact]
    public async Task Attempts_that_come_to_nothing_end_so_that_no_vote_keeps_the_Sentinels_from_acting_and_one_of_them_is_asked()
    {
        _group.PromotionReply = FakeReply.Error("ERR REPLICAOF not allowed while failing over.");
        Start();
        await OnThreadAsync(() =>
        {
            Run(TimeSpan.FromMinutes(10));
            // Each of them has won an epoch.
            Assert.Equal(SuccessionAttempts.Most, _group.Changes.Count(c => c == Promotion));
            // FAILOVER needs no vote; where it comes to nothing it is asked for again at the pace of an attempt.
            Assert.Equal(Enumerable.Repeat("FAILOVER at 1", _group.Changes.Count - SuccessionAttempts.Most),
                _group.Changes.Skip(SuccessionAttempts.Most));
            Assert.InRange(_group.Changes.Count, 100, 600 / (int)AbandonedPolicy.AfterAttempt.TotalSeconds);
            Assert.Equal("failover", _group.Sink["abandoned!"]);
        });
    }

    [Fact]
    public async Task A_refusal_that_is_over_after_an_attempt_or_two_costs_no_more_than_the_pause()
    {
        _group.PromotionReply = FakeReply.Error("ERR REPLICAOF not allowed while failing over.");
        Start();
        await OnThreadAsync(() =>
        {
            Run(AbandonedPolicy.Patience + TimeSpan.FromSeconds(2));
            Assert.Equal([Promotion], _group.Changes);
            _group.PromotionReply = null;
            Run(AbandonedPolicy.AfterAttempt);
            Assert.Equal((MemoryGroup.Me, "succession"), (_group.Named.Master, _group.Sink["abandoned!"]));
        });
    }

    [Fact]
    public async Task A_master_that_answers_is_left_alone_though_every_Sentinel_holds_it_for_down()
    {
        Start(isGone: false);
        await OnThreadAsync(() =>
        {
            Run(TimeSpan.FromMinutes(1));
            Assert.Equal("master-answers", _group.Sink["abandoned"]);
            Assert.Empty(_group.Changes);
        });
    }

    [Theory]
    [InlineData("10.0.0.1", "succession", 1)]
    [InlineData("10.0.0.9", null, 0)] // another node is where the record has the third
    public async Task Only_a_node_of_the_group_is_promoted(string third, string? done, int promotions)
    {
        var group = new RecordedGroup(
            [.. new[] { third, "10.0.0.2", "10.0.0.3" }.Select((host, i) => new NodeAnnouncement($"redis-{i}", new(host, 6379)))],
            1, null, "redis-1", new FencingToken(1, 4, 0));
        var reads = 0;
        var members = new GroupMembers(
            _ =>
            {
                reads++;
                return Task.FromResult(new RecordReading(group));
            },
            3, _group.Time);
        Start(members: members);
        await OnThreadAsync(() =>
        {
            Run(AbandonedPolicy.Patience + TimeSpan.FromSeconds(30));
            Assert.Equal(promotions, _group.Changes.Count(c => c == Promotion));
            Assert.Equal(done, _group.Sink["abandoned!"]);
            Assert.Equal(1, reads);
        });
    }

    [Fact]
    public async Task A_master_that_the_Sentinels_reach_again_is_left_alone()
    {
        Start();
        await OnThreadAsync(() =>
        {
            // Two looks before it is due: which of two loops wakes first in one moment is nobody's promise.
            Run(AbandonedPolicy.Patience - TimeSpan.FromSeconds(2));
            _group.Down = null;
            Run(TimeSpan.FromMinutes(1));
            Assert.Equal("not-down", _group.Sink["abandoned"]);
            Assert.Empty(_group.Changes);
        });
    }

    private void Start(bool isGone = true, GroupMembers? members = null)
    {
        _group.Down = MemoryGroup.Other;
        if (isGone) _group.Replica.Refuses = () => new RedisConnectionException(RedisFailure.Refused, "refused");
        _group.Start(
            ("server", _group.Server.RunAsync), ("sentinels", _group.Watch.RunAsync), ("abandoned", _group.Abandoned(members).RunAsync));
    }

    private void Run(TimeSpan span) => _group.Time.Run(span, () => _group.Time.Sleepers == Sleepers);
}
