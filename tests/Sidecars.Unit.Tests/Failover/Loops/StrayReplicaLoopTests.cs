using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using static Sidecars.Unit.Tests.Failover.Loops.QuietDayTests;

namespace Sidecars.Unit.Tests.Failover.Loops;

/// <summary>The own server follows a third one while the Sentinels name another, which was promoted at the offset that it is at.</summary>
public sealed class StrayReplicaLoopTests
{
    // The look at the server; the resolver, and look and subscription of each Sentinel; the loop.
    private const int Sleepers = 1 + 1 + (3 * 2) + 1;

    private static readonly RedisEndpoint Third = new("10.0.0.3", 6379);
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly string[] Attached = ["REPLICAOF 10.0.0.2 6379", "CONFIG REWRITE"];

    [Fact]
    public async Task A_replica_of_the_named_master_is_left_alone_and_the_master_never_asked()
    {
        await using var group = Start(follows: MemoryGroup.Other);
        await OnThreadAsync(() =>
        {
            Run(group, TimeSpan.FromHours(1));
            Assert.Equal("follows-named", group.Sink["stray-replica"]);
            Assert.Equal(0, group.Replica.Connects);
            Assert.Equal(1, group.Redis.OpenConnections);
            Assert.Empty(group.Changes);
            Assert.Empty(group.Failures);
        });
    }

    [Fact]
    public async Task A_stray_is_attached_once_when_Sentinel_has_had_its_time()
    {
        await using var group = Start(Third);
        await OnThreadAsync(() =>
        {
            Run(group, 14 * Second);
            Assert.Equal(("not-yet", 0), (group.Sink["stray-replica"], group.Replica.Connects));
            Run(group, 3 * Second);
            Assert.Equal(Attached, group.Changes);
            Assert.Equal("attach", group.Sink["stray-replica!"]);
            Run(group, TimeSpan.FromHours(1));
            Assert.Equal(Attached, group.Changes);
            Assert.Equal(("follows-named", 1), (group.Sink["stray-replica"], group.Replica.Connects));
            Assert.Empty(group.Failures);
        });
    }

    [Fact]
    public async Task While_the_master_is_silent_nothing_is_done_and_then_it_is_attached_at_the_next_look()
    {
        await using var group = Start(Third);
        group.Replica.Refuses = () => new RedisConnectionException(RedisFailure.Refused, "refused");
        await OnThreadAsync(() =>
        {
            Run(group, TimeSpan.FromMinutes(5));
            Assert.Equal("master-silent", group.Sink["stray-replica"]);
            Assert.Empty(group.Changes);
            group.Replica.Refuses = () => null;
            Run(group, 2 * Second);
            Assert.Equal(Attached, group.Changes);
        });
    }

    [Fact]
    public async Task What_does_not_stand_without_a_break_begins_anew()
    {
        await using var group = Start(Third);
        await OnThreadAsync(() =>
        {
            Run(group, 12 * Second);
            group.ListsMe = true;
            Run(group, 3 * Second);
            Assert.Equal("listed", group.Sink["stray-replica"]);
            group.ListsMe = false;
            Run(group, 12 * Second);
            group.Follows = new RedisEndpoint("10.0.0.4", 6379);
            Run(group, 12 * Second);
            group.Named = (MemoryGroup.Other, 5);
            Assert.Equal("not-yet", group.Sink["stray-replica"]);
            Assert.Empty(group.Changes);
            Run(group, 8 * Second); // a newer epoch for the same master is no break
            Assert.Equal(Attached, group.Changes);
        });
    }

    [Fact]
    public async Task A_dry_run_says_so_and_changes_nothing()
    {
        await using var group = Start(Third, dryRun: true);
        await OnThreadAsync(() =>
        {
            Run(group, TimeSpan.FromMinutes(1));
            Assert.Equal(("attach", null), (group.Sink["stray-replica"], group.Sink["stray-replica!"]));
            Assert.Empty(group.Changes);
        });
    }

    private static MemoryGroup Start(RedisEndpoint follows, bool dryRun = false)
    {
        var group = new MemoryGroup(sentinelPeriod: Second) { Named = (MemoryGroup.Other, 4), Follows = follows, ListsMe = false };
        var loop = group.StrayReplica(dryRun);
        group.Start(("server", group.Server.RunAsync), ("sentinels", group.Watch.RunAsync), ("stray-replica", loop.RunAsync));
        return group;
    }

    private static void Run(MemoryGroup group, TimeSpan span) => group.Time.Run(span, () => group.Time.Sleepers == Sleepers);
}
