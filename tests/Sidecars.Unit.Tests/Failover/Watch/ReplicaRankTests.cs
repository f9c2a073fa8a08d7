using Sidecars.Core.Primitives;
using Sidecars.Failover.Watch;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;

namespace Sidecars.Unit.Tests.Failover.Watch;

public sealed class ReplicaRankTests
{
    [Fact]
    public void Each_of_them_has_its_own_place_whatever_the_order_and_however_often_it_is_listed()
    {
        RedisEndpoint[] listed = [C, A, B, A, C];
        Assert.Equal([0, 1, 2], [ReplicaRank.Of(listed, A), ReplicaRank.Of(listed, B), ReplicaRank.Of(listed, C)]);
    }

    [Fact]
    public void One_that_is_not_listed_or_not_known_comes_last()
    {
        Assert.Equal(2, ReplicaRank.Of([A, B, A], C));
        Assert.Equal(2, ReplicaRank.Of([A, B], null));
    }
}
