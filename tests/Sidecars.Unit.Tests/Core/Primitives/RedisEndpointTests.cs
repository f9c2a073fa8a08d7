using Sidecars.Core.Primitives;

namespace Sidecars.Unit.Tests.Core.Primitives;

public sealed class RedisEndpointTests
{
    [Theory]
    [InlineData("10.0.0.1", "10.0.0.1:6379")]
    [InlineData(" redis-0:7000 ", "redis-0:7000")]
    [InlineData("Redis-0.NS.svc:7000", "redis-0.ns.svc:7000")]
    [InlineData("[::1]:7000", "[::1]:7000")]
    [InlineData("::1", "[::1]:6379")]
    [InlineData("0:0:0:0:0:0:0:1", "[::1]:6379")]
    public void A_host_with_or_without_port_is_read(string text, string expected)
    {
        Assert.True(RedisEndpoint.TryParse(text, 6379, out var endpoint));
        Assert.Equal(expected, endpoint.ToString());
        Assert.True(RedisEndpoint.TryParse(endpoint.ToString(), 1, out var again));
        Assert.Equal(endpoint, again);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(":6379")]
    [InlineData("host:")]
    [InlineData("host:0")]
    [InlineData("host:65536")]
    [InlineData("host:+1")]
    [InlineData("host:6379\0")]
    [InlineData("host:6379\n1")]
    [InlineData("ho st:6379")]
    [InlineData("host\0:6379")]
    [InlineData("[::1")]
    [InlineData("[::1]7000")]
    public void Anything_else_is_no_endpoint(string? text) => Assert.False(RedisEndpoint.TryParse(text, 6379, out _));
}
