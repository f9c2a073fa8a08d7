using Sidecars.Core.Primitives;
using Sidecars.Failover.Publish.Addresses;

namespace Sidecars.Unit.Tests.Failover.Publish.Addresses;

public sealed class PodAddressTests
{
    [Theory]
    [InlineData("10.244.0.1", "10.96.0.1", "10.244.0.1")] // kubelet's word, whatever is announced
    [InlineData(null, "10.96.0.1", null)] // a Service's, and no word of kubelet
    [InlineData(null, "10.244.0.7", "10.244.0.7")] // an interface of this host has it
    [InlineData(null, "127.0.0.1", "127.0.0.1")]
    [InlineData(null, "redis-0.demo.svc", null)]
    [InlineData("redis-0", "10.244.0.7", null)]
    public void Only_an_address_of_the_pod_itself_is_one(string? podIp, string announced, string? expected) =>
        Assert.Equal(expected is null ? null : new RedisEndpoint(expected, 7000),
            PodAddress.Of(podIp, new RedisEndpoint(announced, 6379), ["10.244.0.7"], 7000));
}
