using System.Collections.Concurrent;
using System.Globalization;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Sentinel.Leadership;
using Sidecars.TestKit.FakeRedis;
using Sidecars.Unit.Tests.Core.Kubernetes;
using Sidecars.Unit.Tests.Failover.Loops;

namespace Sidecars.Unit.Tests.Core.Sentinel.Leadership;

public sealed class SentinelLeadershipTests
{
    private static readonly RedisEndpoint Sentinel = new("10.0.1.1", 26379);
    private static readonly LeadershipRequest Request =
        new(new("10.0.9.1", 6379), new("10.0.0.1", 6379), 3) { UnlistedBecause = "test", LearntEpoch = 7 };

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
        var won =
            new LeadershipOutcome.Won(8, [new Announcement(Sentinel, new string('a', 40), hello)], 2, "won") { At = time.GetTimestamp() };
        time.Advance(LeadershipPolicy.WonEpochIsGoodFor + TimeSpan.FromMilliseconds(1));
        Assert.Equal("epoch-too-old", (await leadership.AnnounceAsync(Request, won, default)).Code);
        Assert.Equal(0, asked);
    }

    [Fact]
    public async Task A_Sentinel_that_hangs_is_told_and_not_waited_for()
    {
        var told = new ConcurrentQueue<int>();
        var third = new TaskCompletionSource();
        var outcome = await Announced(
            n => Answers(n, told, Request.Target, 8), n => Answers(n, told, Request.Target, 8),
            n => new MemoryServer(At(n), words => Noted(n, words, told, third)) { IsMute = true });
        Assert.Equal(8, Assert.IsType<LeadershipOutcome.Confirmed>(outcome).Epoch);
        await third.Task;
        Assert.Equal([1, 2, 3], told.Order());
    }

    [Fact]
    public async Task One_that_names_another_in_that_epoch_leaves_it_unconfirmed_if_it_answers_before_the_majority()
    {
        var told = new ConcurrentQueue<int>();
        var outcome = await Announced(
            n => Answers(n, told, Request.Replaces, 9), n => Answers(n, told, Request.Target, 8), n => Answers(n, told, Request.Target, 8));
        Assert.Equal(9, Assert.IsType<LeadershipOutcome.Unconfirmed>(outcome).HighestEpoch);
        Assert.Equal([1, 2, 3], told.Order());
    }

    [Fact]
    public async Task Where_all_are_silent_nothing_is_confirmed_and_all_were_asked()
    {
        var servers = new List<MemoryServer>();
        var outcome = await Announced(Refuses, Refuses, Refuses);
        Assert.Equal(8, Assert.IsType<LeadershipOutcome.Unconfirmed>(outcome).HighestEpoch);
        Assert.All(servers, s => Assert.Equal(1, s.Connects));

        MemoryServer Refuses(int n)
        {
            servers.Add(new MemoryServer(At(n), _ => []) { Refuses = () => new RedisConnectionException(RedisFailure.Refused, "refused") });
            return servers[^1];
        }
    }

    private static RedisEndpoint At(int n) => new($"10.0.1.{n}", 26379);

    private static MemoryServer Answers(int n, ConcurrentQueue<int> told, RedisEndpoint master, long epoch) => new(At(n), words =>
    {
        if (words[0] == "PUBLISH") told.Enqueue(n);
        return words switch
        {
            ["PUBLISH", ..] => FakeReply.Integer(1),
            ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", ..] => FakeReply.Array(master.Host, "6379"),
            ["SENTINEL", "MASTER", ..] => FakeReply.Array("flags", "master", "config-epoch", epoch.ToString(CultureInfo.InvariantCulture)),
            _ => FakeReply.Ok,
        };
    });

    private static byte[] Noted(int n, IReadOnlyList<string> words, ConcurrentQueue<int> told, TaskCompletionSource heard)
    {
        if (words[0] == "PUBLISH")
        {
            told.Enqueue(n);
            heard.TrySetResult();
        }

        return [];
    }

    // By a clock that stands still: no deadline ends it.
    private static Task<LeadershipOutcome> Announced(params Func<int, MemoryServer>[] sentinels)
    {
        var servers = sentinels.Select((make, i) => make(i + 1)).ToDictionary(s => s.Endpoint);
        var time = new SteppedTime();
        var client = new LeadershipClient(e => servers[e], new RedisClientOptions { Time = time }, "m");
        var leadership = new SentinelLeadership(
            (at, _) => Task.FromResult<SentinelObservation>(new SentinelObservation.Unreachable(at, "test")), client, time);
        var announcements = servers.Keys.Select((e, i) => new Announcement(
            e, new string((char)('a' + i), 40),
            new HelloMessage(new SentinelPeer { Address = At(9), MyId = new string('9', 40) }, 8, "m", Request.Target, 8)));
        return leadership.AnnounceAsync(
            Request, new LeadershipOutcome.Won(8, [.. announcements], 2, "won") { At = time.GetTimestamp() }, default);
    }

    private static SentinelLeadership Of(TimeProvider time, Func<RedisEndpoint, CancellationToken, Task<SentinelObservation>> observe) =>
        new(observe,
            new LeadershipClient(_ => throw new InvalidOperationException("nobody is to be asked"), new RedisClientOptions(), "m"), time);
}
