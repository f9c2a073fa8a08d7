using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Failover.Watch;
using Sidecars.TestKit.FakeRedis;
using Xunit.Abstractions;

namespace Sidecars.Unit.Tests.Failover.Loops;

/// <summary>A virtual day in which nothing happens, and then something does.</summary>
public sealed class QuietDayTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Day = TimeSpan.FromHours(24);

    // The look at the server; the resolver, and look and subscription of each Sentinel; two loops of the fence; death; publish; address;
    // stray replica.
    private const int Sleepers = 1 + 1 + (3 * 2) + 2 + 1 + 1 + 1 + 1;

    // Of the server's signal: both loops of the fence, death, publish, address. Of the Sentinels': fence, death, publish.
    private const int ServerWaiters = 5;
    private const int SentinelWaiters = 3;

    [Fact]
    public async Task Fence_publish_and_death_wait_for_a_day_leave_nothing_behind_and_see_the_next_event_in_the_same_moment()
    {
        await using var group = Start();
        await OnThreadAsync(() =>
        {
            group.Time.Run(TimeSpan.FromHours(1), () => IsIdle(group));
            var (before, began) = (GC.GetTotalMemory(forceFullCollection: true), TimeProvider.System.GetTimestamp());
            group.Time.Run(Day - group.Time.Now, () => IsIdle(group));
            output.WriteLine($"23 h more: {(GC.GetTotalMemory(forceFullCollection: true) - before) / 1e6:F2} MB, "
                + $"{TimeProvider.System.GetElapsedTime(began).TotalSeconds:F1} s of this machine");

            Assert.Equal((ServerWaiters, SentinelWaiters, Sleepers),
                (group.Server.Changed.Waiters, group.Watch.Changed.Waiters, group.Time.Sleepers));
            Assert.Equal(("open", "own-master", "not-dead"), (group.Sink["fence"], group.Sink["publish"], group.Sink["death"]));
            Assert.Empty(group.Failures);
            Assert.Empty(group.Changes);
            Assert.Equal(1, group.Redis.OpenConnections);

            // A switch: fenced, and no longer published, before any time passes.
            Assert.NotNull(group.Publishing.Desired);
            Name(group, MemoryGroup.Other, 4);
            group.Time.Settle(
                () => group.Changes.Any(c => c.StartsWith("CONFIG SET min-replicas-to-write 1000000", StringComparison.Ordinal)));
            group.Time.Settle(() => group.Publishing.Desired is null);
            Assert.Equal(Day, group.Time.Now);

            // Back, and its death: the replica is promoted and all Sentinels are told after the millisecond or two after which the
            // connection is tried again.
            Name(group, MemoryGroup.Me, 5);
            group.Time.Settle(() => group.Changes.Count(c => c.StartsWith("CONFIG", StringComparison.Ordinal)) == 2);
            group.Time.Settle(() => IsIdle(group));
            group.Redis.Refuses = () => new RedisConnectionException(RedisFailure.Refused, "refused");
            group.Redis.EndAll();
            group.Time.Settle(() => group.Time.Sleepers == Sleepers + 1);
            group.Time.Run(TimeSpan.FromMilliseconds(2), () => true);
            group.Time.Settle(() => group.Changes.Count(c => c.StartsWith("told", StringComparison.Ordinal)) == 3);
            Assert.Equal((MemoryGroup.Other, 6L), group.Named);
            Assert.Equal(Day + TimeSpan.FromMilliseconds(2), group.Time.Now);
        });
    }

    private static void Name(MemoryGroup group, RedisEndpoint master, long epoch)
    {
        group.Named = (master, epoch);
        foreach (var sentinel in group.Sentinels) sentinel.Publish(FakeReply.Message("+switch-master", "tenant/shop"));
    }

    private static MemoryGroup Start()
    {
        var group = new MemoryGroup(sentinelPeriod: TimeSpan.FromSeconds(10));
        var address = new AnnouncedAddressLoop(
            group.Server, _ => throw new InvalidOperationException("it is announced"), _ => { }, group.Time, () => 0.5);
        group.Start(
            ("server", group.Server.RunAsync), ("sentinels", group.Watch.RunAsync), ("fence", group.Fence.RunAsync),
            ("death", group.Death.RunAsync),
            ("publish", group.Publishing.RunAsync), ("address", address.RunAsync), ("stray-replica", group.StrayReplica(false).RunAsync));
        return group;
    }

    // Everybody holds one timer, and everybody who waits for a signal is registered there.
    private static bool IsIdle(MemoryGroup group) =>
        group.Time.Sleepers == Sleepers && group.Server.Changed.Waiters == ServerWaiters && group.Watch.Changed.Waiters == SentinelWaiters;

    // A thread of its own: it waits in between for what others finish.
    internal static Task OnThreadAsync(Action test) =>
        Task.Factory.StartNew(test, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
