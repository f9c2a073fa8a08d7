using Sidecars.Core.Kubernetes;
using Sidecars.Core.Primitives;
using Sidecars.Failover.Publish;
using Sidecars.Failover.Publish.Targets.Slice;

namespace Sidecars.Unit.Tests.Failover.Publish.Targets;

public sealed class MasterSlicePlanTests
{
    private static readonly RedisEndpoint One = new("10.0.0.1", 6379);
    private static readonly RedisEndpoint Two = new("10.0.0.2", 6379);

    [Fact]
    public void The_first_write_creates_a_slice_of_the_service()
    {
        var document = Write(Decide(Wish(1, One), null));
        Assert.Null(document.Metadata!.ResourceVersion);
        Assert.Equal("IPv4", document.AddressType);
        Assert.Equal("redis-master", document.Metadata.Labels!["kubernetes.io/service-name"]);
        Assert.Equal("1.1.0", document.Metadata.Annotations![MasterSlicePlan.Token]);
        Assert.Equal(["10.0.0.1"], Assert.Single(document.Endpoints!).Addresses);
        Assert.Equal(("redis", 6379), (document.Ports![0].Name, document.Ports[0].Port));
        Assert.Equal("IPv6", Write(Decide(Wish(1, new RedisEndpoint("fd00::1", 6379)), null)).AddressType);
    }

    [Fact]
    public void A_token_decides()
    {
        var there = Write(Decide(Wish(2, One), null));
        Assert.Equal("newer-token", WriteCode(Wish(3, Two), there));
        Assert.Equal("10.0.0.1", Assert.IsType<PublishOutcome.Superseded>(Outcome(Wish(1, Two), there)).There!.Address);
        Assert.Equal("10.0.0.1", Assert.IsType<PublishOutcome.Contested>(Outcome(Wish(2, Two), there)).There!.Address);
        Assert.IsType<PublishOutcome.UpToDate>(Outcome(Wish(2, One), there));
    }

    [Fact]
    public void What_another_hand_changed_is_repaired()
    {
        var there = Write(Decide(Wish(2, One), null));
        Assert.Equal("repair", WriteCode(Wish(2, One), there with { Endpoints = [] }));
        Assert.Equal("repair", WriteCode(Wish(2, One), there with { Ports = [] }));
    }

    [Fact]
    public void What_is_not_ours_is_left_alone()
    {
        var there = Write(Decide(Wish(2, One), null));
        Assert.Equal("slice-not-ours", Outcome(Wish(9, One), EndpointSliceDocument.New("demo", "redis-master")).Code);
        var foreign = there with
        {
            Metadata = there.Metadata! with
            { Annotations = new Dictionary<string, string?>(there.Metadata.Annotations!) { [SidecarAnnotations.Cluster] = "other/redis" } }
        };
        Assert.Equal("foreign-owner", Outcome(Wish(9, One), foreign).Code);
        Assert.Equal("address-family", Outcome(Wish(9, new RedisEndpoint("fd00::1", 6379)), there).Code);
        Assert.Equal("no-address", Outcome(Wish(9, new RedisEndpoint("redis.example.org", 6379)), there).Code);
    }

    private static TargetPlan<EndpointSliceDocument> Decide(MasterPublication wish, EndpointSliceDocument? current) =>
        MasterSlicePlan.Decide(wish, current, "demo", "redis-master", "redis");

    private static EndpointSliceDocument Write(TargetPlan<EndpointSliceDocument> plan) =>
        Assert.IsType<TargetPlan<EndpointSliceDocument>.Write>(plan).Change;

    private static string WriteCode(MasterPublication wish, EndpointSliceDocument? current) =>
        Assert.IsType<TargetPlan<EndpointSliceDocument>.Write>(Decide(wish, current)).Code;

    private static PublishOutcome Outcome(MasterPublication wish, EndpointSliceDocument? current) =>
        Assert.IsType<TargetPlan<EndpointSliceDocument>.Settled>(Decide(wish, current)).Outcome;

    private static MasterPublication Wish(long epoch, RedisEndpoint address) =>
        new(ClusterId.TryParse("demo/redis", out var cluster) ? cluster : throw new InvalidOperationException(),
            new FencingToken(1, epoch, 0), new MasterAddresses(null, address));
}
