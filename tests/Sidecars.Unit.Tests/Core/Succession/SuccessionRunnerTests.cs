using Sidecars.Core.Succession;
using Sidecars.TestKit.FakeRedis;
using Sidecars.Unit.Tests.Failover.Loops;

namespace Sidecars.Unit.Tests.Core.Succession;

/// <summary>
/// A master that is dead, two replicas of it, three Sentinels that name it in epoch 3: all in memory, by a clock that stands still.
/// </summary>
public sealed class SuccessionRunnerTests : IAsyncDisposable
{
    private const string Promotion = "REPLICAOF NO ONE at 10.0.0.2";
    private static readonly string[] ToldIn4 = [.. Enumerable.Range(1, 3).Select(n => $"told at {n}: 10.0.0.2 in 4")];

    private static readonly SuccessionNode Target = new(MemoryGroup.Other, MemoryGroup.Other, MemoryGroup.ReplicaRunId);
    private static readonly SuccessionPlan Alone = new(MemoryGroup.Me, Target, []);
    private static readonly SuccessionPlan WithThird =
        Alone with { Others = [new SuccessionNode(MemoryGroup.Third, MemoryGroup.Third, MemoryGroup.ThirdRunId)] };

    private readonly MemoryGroup _group = new(TimeSpan.FromSeconds(1));

    public ValueTask DisposeAsync() => _group.DisposeAsync();

    [Fact]
    public async Task It_is_promoted_all_Sentinels_are_told_and_the_other_follows_it()
    {
        var outcome = await RunAsync(WithThird);
        Assert.Equal(4, Assert.IsType<SuccessionOutcome.Succeeded>(outcome).HighestEpoch);
        Assert.Equal(Promotion, _group.Changes.First());
        Assert.Equal([.. ToldIn4, "REPLICAOF 10.0.0.2 6379 at 10.0.0.3", Promotion],
            _group.Changes.OrderBy(c => c == Promotion).ThenBy(c => c.StartsWith('R')));
        Assert.Empty(_group.Strangers);
    }

    [Fact]
    public async Task Another_process_at_its_address_is_not_promoted_and_no_vote_is_spent()
    {
        var outcome = await RunAsync(Alone with { Target = Target with { RunId = new string('9', 40) } }, learntEpoch: 7);
        Assert.Equal(("target-gone", 7L), (Assert.IsType<SuccessionOutcome.NotBegun>(outcome).Code, outcome.HighestEpoch));
        Assert.Empty(_group.Changes);
        Assert.Equal(0, _group.Sentinels.Sum(s => s.Connects));
    }

    [Fact]
    public async Task Where_no_epoch_is_won_nothing_is_changed_and_it_is_said_whether_that_lasts()
    {
        _group.HelloReply = FakeReply.Error("NOPERM this user has no permissions to run the 'publish' command");
        var denied = Assert.IsType<SuccessionOutcome.NotBegun>(await RunAsync(WithThird));
        Assert.Equal(("publish-denied", true), (denied.Code, denied.IsLasting));
        _group.HelloReply = null;
        _group.Named = (MemoryGroup.Third, 4);
        var named = Assert.IsType<SuccessionOutcome.NotBegun>(await RunAsync(WithThird));
        Assert.Equal(("sentinels-name-another", false), (named.Code, named.IsLasting));
        Assert.Empty(_group.Changes);
    }

    [Fact]
    public async Task A_promotion_that_is_refused_is_told_to_nobody()
    {
        _group.PromotionReply = FakeReply.Error("ERR REPLICAOF not allowed while failing over.");
        var refused = Assert.IsType<SuccessionOutcome.NotBegun>(await RunAsync(WithThird));
        Assert.Equal(("promotion-refused", false, 4L), (refused.Code, refused.IsLasting, refused.HighestEpoch));
        Assert.Equal([Promotion], _group.Changes);
    }

    [Fact]
    public async Task A_promotion_whose_answer_is_lost_may_have_happened_and_the_next_attempt_goes_on_with_it()
    {
        _group.PromotionAnswerIsLost = true;
        var lost = Assert.IsType<SuccessionOutcome.Unconfirmed>(await RunAsync(Alone));
        Assert.Equal(4, lost.HighestEpoch);
        Assert.Equal([Promotion], _group.Changes);
        _group.PromotionAnswerIsLost = false;
        Assert.Equal(5, Assert.IsType<SuccessionOutcome.Succeeded>(await RunAsync(Alone, lost.HighestEpoch)).HighestEpoch);
    }

    [Fact]
    public async Task A_majority_that_does_not_confirm_leaves_it_unconfirmed()
    {
        // They take the announcement, and their answers are lost.
        _group.AnnouncementsAreMute = true;
        var running = RunAsync(Alone);
        _group.Time.Settle(() => _group.Changes.Count == 4);
        _group.Time.Run(TimeSpan.FromSeconds(10), () => true);
        Assert.IsType<SuccessionOutcome.Unconfirmed>(await running);
        Assert.Equal([Promotion, .. ToldIn4], _group.Changes);
    }

    [Fact]
    public async Task Another_replica_that_hangs_holds_no_announcement_up()
    {
        _group.ThirdNode.Hangs = true;
        var running = RunAsync(WithThird);
        _group.Time.Settle(() => _group.Changes.Count == 4 && _group.ThirdNode.Hanging == 1);
        Assert.Equal([Promotion, .. ToldIn4], _group.Changes);
        _group.Time.Run(TimeSpan.FromSeconds(10), () => true);
        Assert.IsType<SuccessionOutcome.Succeeded>(await running);
    }

    private Task<SuccessionOutcome> RunAsync(SuccessionPlan plan, long learntEpoch = 0) =>
        _group.Succession.RunAsync(plan, [.. _group.Sentinels.Select(s => s.Endpoint)], 3, learntEpoch, default);
}
