using System.Net;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Probe.Reading;
using Sidecars.TestKit.FakeRedis;

namespace Sidecars.Unit.Tests.Probe;

public sealed class ProbeConnectorTests
{
    private static readonly TimeSpan Patient = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Each_address_of_a_name_is_tried_until_one_listens()
    {
        await using var server = FakeRedisServer.Answering(command => FakeReply.Bulk(command[^1]), IPAddress.Loopback);
        var name = new RedisEndpoint("localhost", server.Endpoint.Port);
        using var connection = ProbeConnector.ConnectToAny([IPAddress.IPv6Loopback, IPAddress.Parse("127.0.0.9"), IPAddress.Loopback], name,
            Patient, TimeProvider.System, RespLimits.Default, null);
        Assert.Equal("a", connection.Call("ECHO", "a").Text);
        var refused = Assert.Throws<RedisConnectionException>(() =>
            ProbeConnector.ConnectToAny(
                [IPAddress.IPv6Loopback, IPAddress.Parse("127.0.0.9")], name, Patient, TimeProvider.System, RespLimits.Default, null));
        Assert.Equal(RedisFailure.Refused, refused.Failure);
    }
}
