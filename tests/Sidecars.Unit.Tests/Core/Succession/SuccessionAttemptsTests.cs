using Sidecars.Core.Sentinel;
using Sidecars.Core.Succession;
using Sidecars.TestKit.FakeRedis;
using Sidecars.Unit.Tests.Failover.Loops;

namespace Sidecars.Unit.Tests.Core.Succession;

/// <summary>What one attempt leaves for the next: a dead master, one replica, three Sentinels that name it in epoch 3.</summary>
public sealed class SuccessionAttemptsTests : IAsyncDisposable
{
    private static readonly SuccessionNode Target = new(MemoryGroup.Other, MemoryGroup.Other, MemoryGroup.ReplicaRunId);
    private static readonly SuccessionPlan Plan = new(MemoryGroup.Me, Target, []);
    private static readonly byte[] Denied = FakeReply.Error("NOPERM this user has no permissions to run the 'publish' command");

    private readonly MemoryGroup _group = new(TimeSpan.FromSeconds(1));
    private readonly SuccessionAttempts _attempts;

    public SuccessionAttemptsTests() => _attempts = new SuccessionAttempts(_group.Succession, sentinelCount: 3);

    public ValueTask DisposeAsync() => _group.DisposeAsync();

    [Fact]
    public async Task Five_attempts_that_do_not_begin_give_up_telling_until_it_starts_over()
    {
        _group.PromotionReply = FakeReply.Error("ERR REPLICAOF not allowed while failing over.");
        for (var i = 1; i <= SuccessionAttempts.Most; i++)
        {
            Assert.Null(_attempts.GivenUp);
            Assert.IsType<SuccessionOutcome.NotBegun>(await RunAsync());
            Assert.Equal(3 + i, _attempts.LearntEpoch); // each has spent its vote
        }

        Assert.Equal("10.0.0.2:6379: ERR REPLICAOF not allowed while failing over.", _attempts.GivenUp);
        Assert.Null(_attempts.Promoted);
        _attempts.StartOver();
        Assert.Null(_attempts.GivenUp);
        await RunAsync();
        Assert.Null(_attempts.GivenUp);
        Assert.Equal(9, _attempts.LearntEpoch);
    }

    [Fact]
    public async Task A_refusal_that_lasts_gives_up_at_once()
    {
        _group.HelloReply = Denied;
        await RunAsync();
        Assert.Contains("NOPERM", _attempts.GivenUp, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_attempt_that_is_not_confirmed_leaves_whom_it_promoted_and_its_epoch_to_the_next()
    {
        _group.PromotionAnswerIsLost = true;
        Assert.IsType<SuccessionOutcome.Unconfirmed>(await RunAsync());
        Assert.Equal((MemoryGroup.ReplicaRunId, 4L, null), (_attempts.Promoted, _attempts.LearntEpoch, _attempts.GivenUp));
        _group.PromotionAnswerIsLost = false;
        Assert.Equal(5, Assert.IsType<SuccessionOutcome.Succeeded>(await RunAsync()).HighestEpoch);
        Assert.Equal(MemoryGroup.ReplicaRunId, _attempts.Promoted);
        _attempts.StartOver();
        Assert.Equal((null, 5L), (_attempts.Promoted, _attempts.LearntEpoch));
    }

    [Fact]
    public async Task It_starts_above_an_epoch_that_was_met_elsewhere_and_never_goes_back()
    {
        _attempts.Learn(7);
        _attempts.Learn(5);
        Assert.Equal(7, _attempts.LearntEpoch);
        Assert.Equal(8, Assert.IsType<SuccessionOutcome.Succeeded>(await RunAsync()).HighestEpoch);
    }

    [Fact]
    public async Task A_Sentinel_that_was_silent_when_last_looked_at_is_not_asked()
    {
        var seen = await SeenAsync();
        seen[2] = new SentinelObservation.Unreachable(seen[2].Endpoint, "no route");
        var connects = _group.Sentinels[2].Connects;
        Assert.IsType<SuccessionOutcome.Succeeded>(await _attempts.RunAsync(Plan, seen, default));
        Assert.Equal(connects, _group.Sentinels[2].Connects);
    }

    private async Task<SuccessionOutcome> RunAsync() => await _attempts.RunAsync(Plan, await SeenAsync(), default);

    private Task<SentinelObservation[]> SeenAsync() =>
        Task.WhenAll(_group.Sentinels.Select(s => _group.HandOver.Sentinels.ObserveAsync(s.Endpoint, default)));
}
