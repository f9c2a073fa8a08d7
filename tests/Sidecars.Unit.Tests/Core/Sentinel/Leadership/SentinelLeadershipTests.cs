using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Sentinel.Leadership;
using Sidecars.Unit.Tests.Core.Kubernetes;

namespace Sidecars.Unit.Tests.Core.Sentinel.Leadership;

public sealed class SentinelLeadershipTests
{
    private static readonly RedisEndpoint Sentinel = new("10.0.1.1", 26379);
    private static readonly LeadershipRequest Request = new(new("10.0.9.1", 6379), new("10.0.0.1", 6379), 3) { UnlistedBecause = "test", LearntEpoch = 7 };

    [Fact]
    public async Task An_attempt_ends_whoever_is_silent_and_keeps_what_was_learnt()
    {
        var time = new SteppedTime();
        var leadership = Of(time, async (_, cancellation) =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
            throw new InvalidOperationException("never");
        });
        var attempt = leadership.WinAsync(Request, [Sentinel], default);
        Assert.False(attempt.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(("timed-out", 7L), ((await attempt).Code, (await attempt).HighestEpoch));
    }

    [Fact]
    public async Task The_callers_cancellation_is_no_outcome()
    {
        using var stop = new CancellationTokenSource();
        var leadership = Of(new SteppedTime(), async (_, cancellation) =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
            throw new InvalidOperationException("never");
        });
        var attempt = leadership.WinAsync(Request, [Sentinel], stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => attempt);
    }

    [Fact]
    public async Task An_epoch_that_was_won_too_long_ago_is_announced_to_nobody()
    {
        var time = new SteppedTime();
        var asked = 0;
        var leadership = Of(time, (at, _) =>
        {
            asked++;
            return Task.FromResult<SentinelObservation>(new SentinelObservation.Unreachable(at, "test"));
        });
        var hello = new HelloMessage(new SentinelPeer { Address = Sentinel, MyId = new string('b', 40) }, 8, "m", Request.Target, 8);
        var won = new LeadershipOutcome.Won(8, [new Announcement(Sentinel, new string('a', 40), hello)], 2, "won") { At = time.GetTimestamp() };
        time.Advance(LeadershipPolicy.WonEpochIsGoodFor + TimeSpan.FromMilliseconds(1));
        Assert.Equal("epoch-too-old", (await leadership.AnnounceAsync(Request, won, [Sentinel], default)).Code);
        Assert.Equal(0, asked);
    }

    private static SentinelLeadership Of(TimeProvider time, Func<RedisEndpoint, CancellationToken, Task<SentinelObservation>> observe) =>
        new(observe, new LeadershipClient(_ => throw new InvalidOperationException("nobody is to be asked"), new RedisClientOptions(), "m"), time);
}
