using System.Collections.Concurrent;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Sentinel.Leadership;
using Sidecars.Core.Topology;
using Sidecars.Failover.HandOver;
using Sidecars.Failover.Watch;
using static Sidecars.Unit.Tests.Failover.Loops.QuietDayTests;

namespace Sidecars.Unit.Tests.Failover.Loops;

/// <summary>
/// A pod that does not reach itself by the address that its server announces (no hairpin), and whose server all Sentinels name: what it
/// learns of that server comes by loopback.
/// </summary>
public sealed class OwnAddressTests
{
    private static readonly RedisEndpoint Loopback = new("127.0.0.1", 6379);

    private readonly MemoryServer _announced = new(MemoryGroup.Me, _ => throw new InvalidOperationException("nothing connects"))
    { Refuses = () => new RedisConnectionException(RedisFailure.ConnectTimedOut, "no hairpin") };

    [Fact]
    public async Task It_is_published_and_its_death_handed_over_and_nobody_dials_its_announced_address()
    {
        await using var group = Group();
        group.Start(("server", group.Server.RunAsync), ("sentinels", group.Watch.RunAsync), ("death", group.Death.RunAsync),
            ("publish", group.Publishing.RunAsync));
        await OnThreadAsync(() =>
        {
            // The look at the server; the resolver, and look and subscription of each Sentinel; death; publish.
            group.Time.Run(TimeSpan.FromMinutes(1), () => group.Time.Sleepers == 1 + 1 + (3 * 2) + 1 + 1);
            Assert.Equal(("own-master", "not-dead"), (group.Sink["publish"], group.Sink["death"]));
            Assert.IsType<OwnServer.Answers>(group.Server.Last);
            group.Redis.Refuses = () => new RedisConnectionException(RedisFailure.Refused, "refused");
            group.Redis.EndAll();
            group.Time.Settle(() => group.Time.Sleepers == 1 + 1 + (3 * 2) + 1 + 1 + 1);
            group.Time.Run(TimeSpan.FromMilliseconds(2), () => true);
            group.Time.Settle(() => group.Changes.Count(c => c.StartsWith("told", StringComparison.Ordinal)) == 3);
        });
        Assert.Equal(MemoryGroup.Other, group.Named.Master);
        Assert.Equal(0, _announced.Connects);
    }

    /// <summary>The fence asks there who else answers, and nobody is nobody else.</summary>
    [Fact]
    public async Task The_fence_stays_open_though_its_question_who_else_is_there_is_never_answered()
    {
        await using var group = Group();
        group.Start(("server", group.Server.RunAsync), ("sentinels", group.Watch.RunAsync), ("fence", group.Fence.RunAsync));
        await OnThreadAsync(() => group.Time.Run(TimeSpan.FromMinutes(1), () => group.Time.Sleepers == 1 + 1 + (3 * 2) + 2));
        Assert.Equal("open", group.Sink["fence"]);
        Assert.False(group.Server.HasImpostor);
        Assert.Empty(group.Changes);
        Assert.InRange(_announced.Connects, 1, 20);
    }

    [Fact]
    public async Task A_hand_over_knows_the_own_server_by_loopback_alone()
    {
        await using var group = Group();
        var dialled = new ConcurrentQueue<RedisEndpoint>();
        IRespTransport To(RedisEndpoint at)
        {
            dialled.Enqueue(at);
            return at == Loopback ? group.Redis : group.To(at);
        }

        const string MasterName = "tenant/shop";
        var options = new RedisClientOptions { Time = group.Time };
        var sentinels = new SentinelClient(To, options, MasterName);
        var view = new HandOverGroup(
            new GroupAddresses(
                [.. group.Sentinels.Select(s => s.Endpoint)], [MemoryGroup.Other, MemoryGroup.Third], TimeSpan.FromSeconds(1)),
            Loopback,
            new HandOverSettings { SentinelCount = 3, RedisCount = 3, DownAfter = TimeSpan.FromSeconds(5), MinReplicas = 1 },
            sentinels, new HandOverClient(To, options),
            new SentinelLeadership(sentinels.ObserveAsync, new LeadershipClient(To, options, MasterName), group.Time), "/nowhere",
            group.Time);

        var seen = await view.ObserveAsync(null, default);

        Assert.Equal(MemoryGroup.Me, Assert.IsType<NodeObservation.Known>(seen.Own).Address);
        Assert.All(seen.Sentinels, s => Assert.Equal(MemoryGroup.Me, Assert.IsType<SentinelObservation.Known>(s).View.Master!.Address));
        Assert.Equal([MemoryGroup.Other, MemoryGroup.Third], seen.Others.Select(o => o.Endpoint));
        Assert.Contains(Loopback, dialled);
        Assert.DoesNotContain(MemoryGroup.Me, dialled);
    }

    private MemoryGroup Group() => new(TimeSpan.FromSeconds(1)) { AtAnnounced = _announced };
}
