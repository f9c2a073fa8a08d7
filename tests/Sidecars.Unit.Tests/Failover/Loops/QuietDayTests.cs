using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Failover.Death;
using Sidecars.Failover.Decisions;
using Sidecars.Failover.Fence;
using Sidecars.Failover.HandOver;
using Sidecars.Failover.Publish;
using Sidecars.Failover.Strays;
using Sidecars.Failover.Watch;
using Sidecars.Telemetry;
using Sidecars.TestKit.Processes;
using Xunit.Abstractions;

namespace Sidecars.Unit.Tests.Failover.Loops;

/// <summary>A virtual day in which nothing happens, and then something does.</summary>
[Collection(QuietDays.Name)]
public sealed class QuietDayTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Day = QuietDay.Length;

    // The look at the server; the resolver, and look and subscription of each Sentinel; two loops of the fence; death; publish; address;
    // stray replica.
    private const int Sleepers = 1 + 1 + (3 * 2) + 2 + 1 + 1 + 1 + 1;

    // Of the server's signal: both loops of the fence, death, publish, address. Of the Sentinels': fence, death, publish.
    private const int ServerWaiters = 5;
    private const int SentinelWaiters = 3;

    // Beside a replica: the look at the server; the resolver, and look and subscription of each Sentinel; the four loops.
    private const int ReplicaSleepers = 1 + 1 + (3 * 2) + 4;

    [Fact]
    [QuietDayOf(
        typeof(OwnServerWatch), typeof(SentinelWatch), typeof(SentinelSubscription), typeof(FenceLoop), typeof(DeathLoop),
        typeof(PublishLoop), typeof(AnnouncedAddressLoop), typeof(StrayReplicaLoop), typeof(Supervisor), typeof(SideBySide))]
    public async Task Fence_publish_and_death_wait_for_a_day_leave_nothing_behind_and_see_the_next_event_in_the_same_moment()
    {
        await using var group = Start();
        await OnThreadAsync(() =>
        {
            QuietDay.Pass(group.Time, () => IsIdle(group), output);

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

    [Fact]
    [QuietDayOf(typeof(AbandonedLoop), typeof(SelfReplicaLoop), typeof(StrayReplicaLoop), typeof(HandOverRepairLoop))]
    public async Task Beside_a_replica_nobody_is_asked_for_a_day_and_a_master_of_which_nobody_takes_care_is_replaced_when_that_is_due()
    {
        using var data = new TempFolder("quiet-day");
        await using var group = new MemoryGroup(TimeSpan.FromSeconds(10), data.Path)
        { Named = (MemoryGroup.Other, 4), Follows = MemoryGroup.Other };
        var self = new SelfReplicaLoop(
            () => group.Server.Address, () => group.Server.Last, () => QuorumFacts.Of(group.Watch.Observe(), 3),
            (_, _, _) => throw new InvalidOperationException("it follows another"), TimeSpan.FromSeconds(1), dryRun: false, group.Sink,
            group.Time);
        var repair = new HandOverRepairLoop(
            new HandOverRepairSettings { DataDirectory = data.Path }, group.HandOver, (_, _, _) => { }, new MetricSet(), group.Time,
            () => group.Server.LookWithin(TimeSpan.FromSeconds(2.5)) is { } own ? group.HandOver.Glance(own, group.Watch.Observe()) : null);
        group.Start(
            ("server", group.Server.RunAsync), ("sentinels", group.Watch.RunAsync), ("abandoned", group.Abandoned().RunAsync),
            ("self-replica", self.RunAsync), ("stray-replica", group.StrayReplica(false).RunAsync), ("hand-over-repair", repair.RunAsync));
        await OnThreadAsync(() =>
        {
            bool IsIdle() => group.Time.Sleepers == ReplicaSleepers;
            // A repair whose first round comes before the watch's first look asks the group once.
            group.Time.Run(TimeSpan.FromSeconds(5), IsIdle);
            var (replica, own) = (group.Replica.Connects, group.Redis.Connects);
            QuietDay.Pass(group.Time, IsIdle, output);
            Assert.Equal(("not-down", "not-self", "follows-named"),
                (group.Sink["abandoned"], group.Sink["self-replica"], group.Sink["stray-replica"]));
            Assert.Equal((replica, 1), (group.Replica.Connects, group.Redis.OpenConnections));
            // A look at the own server a second, and nothing else.
            Assert.InRange(group.Redis.Connects - own, 1, 86_500);
            Assert.Empty(group.Changes);
            Assert.Empty(group.Failures);

            // Its master is gone, and down for all of them: Sentinel is left alone for 3 s from the next look on.
            group.Replica.Refuses = () => new RedisConnectionException(RedisFailure.Refused, "refused");
            group.Down = MemoryGroup.Other;
            group.Tell("+odown");
            group.Time.Settle(group.IsSeenDown);
            group.Time.Run(AbandonedPolicy.Patience, IsIdle);
            Assert.Empty(group.Changes);
            group.Time.Run(TimeSpan.FromSeconds(1), IsIdle);
            Assert.Equal("REPLICAOF NO ONE at 10.0.0.1", group.Changes.First());
            Assert.Equal((MemoryGroup.Me, 5L), group.Named);
        });
    }

    private static void Name(MemoryGroup group, RedisEndpoint master, long epoch)
    {
        group.Named = (master, epoch);
        group.Tell("+switch-master");
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
