using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;

namespace Sidecars.Unit.Tests.Core.Redis;

public sealed class RoleReplyTests
{
    [Fact]
    public void Reads_a_master_with_replicas()
    {
        var role = Assert.IsType<RoleReply.Master>(Parse(
            "*3\r\n$6\r\nmaster\r\n:3129659\r\n*2\r\n*3\r\n$9\r\n127.0.0.1\r\n$4\r\n9001\r\n$7\r\n3129242\r\n*3\r\n$3\r\n::1\r\n$4\r\n"
            + "9002\r\n$7\r\n3129543\r\n"));
        Assert.Equal(3129659, role.Offset);
        Assert.Equal(
            [new RoleReplica(new RedisEndpoint("127.0.0.1", 9001), 3129242), new RoleReplica(new RedisEndpoint("::1", 9002), 3129543)],
            role.Replicas);
    }

    [Fact]
    public void A_replica_that_announces_no_port_does_not_hide_the_master()
    {
        var role =
            Assert.IsType<RoleReply.Master>(Parse("*3\r\n$6\r\nmaster\r\n:14\r\n*1\r\n*3\r\n$9\r\n127.0.0.1\r\n$1\r\n0\r\n$2\r\n14\r\n"));
        Assert.Equal([new RoleReplica(null, 14)], role.Replicas);
    }

    [Fact]
    public void Reads_a_replica() =>
        Assert.Equal(
            new RoleReply.Replica(new RedisEndpoint("127.0.0.1", 9000), ReplicaLink.Connected, 3167038),
            Parse("*5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:9000\r\n$9\r\nconnected\r\n:3167038\r\n"));

    [Theory]
    [InlineData("none", ReplicaLink.None)]
    [InlineData("connect", ReplicaLink.Connect)]
    [InlineData("connecting", ReplicaLink.Connecting)]
    [InlineData("handshake", ReplicaLink.Handshake)]
    [InlineData("sync", ReplicaLink.Sync)]
    [InlineData("connected", ReplicaLink.Connected)]
    [InlineData("CONNECTED", ReplicaLink.Unknown)]
    [InlineData("", ReplicaLink.Unknown)]
    public void Reads_every_state_of_a_link(string word, ReplicaLink link) =>
        Assert.Equal(
            new RoleReply.Replica(new RedisEndpoint("redis-0.redis", 6379), link, -1),
            Parse($"*5\r\n$5\r\nslave\r\n$13\r\nredis-0.redis\r\n:6379\r\n${word.Length}\r\n{word}\r\n:-1\r\n"));

    [Fact]
    public void Reads_a_sentinel() =>
        Assert.Equal(
            ["a", "b.c"], Assert.IsType<RoleReply.Sentinel>(Parse("*2\r\n$8\r\nsentinel\r\n*2\r\n$1\r\na\r\n$3\r\nb.c\r\n")).MasterNames);

    [Fact]
    public void Ignores_items_of_later_versions() =>
        Assert.IsType<RoleReply.Sentinel>(Parse("*3\r\n$8\r\nsentinel\r\n*0\r\n:1\r\n"));

    [Theory]
    [InlineData("-NOAUTH Authentication required.\r\n")]
    [InlineData("+OK\r\n")]
    [InlineData("$-1\r\n")]
    [InlineData("*-1\r\n")]
    [InlineData("*0\r\n")]
    [InlineData("*1\r\n$-1\r\n")]
    [InlineData("*1\r\n:1\r\n")]
    [InlineData("*1\r\n$6\r\nmaster\r\n")]
    [InlineData("*2\r\n$6\r\nmaster\r\n:1\r\n")]
    [InlineData("*3\r\n$6\r\nmaster\r\n$1\r\nx\r\n*0\r\n")]
    [InlineData("*3\r\n$6\r\nmaster\r\n:1\r\n*-1\r\n")]
    [InlineData("*3\r\n$6\r\nmaster\r\n:1\r\n:2\r\n")]
    [InlineData("*3\r\n$6\r\nmaster\r\n:1\r\n*1\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n")]
    [InlineData("*3\r\n$6\r\nmaster\r\n:1\r\n*1\r\n*3\r\n$1\r\na\r\n$1\r\nx\r\n$1\r\n1\r\n")]
    [InlineData("*3\r\n$6\r\nMASTER\r\n:1\r\n*0\r\n")]
    [InlineData("*4\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:9000\r\n$9\r\nconnected\r\n")]
    [InlineData("*5\r\n$5\r\nslave\r\n$-1\r\n:9000\r\n$9\r\nconnected\r\n:1\r\n")]
    [InlineData("*5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:0\r\n$9\r\nconnected\r\n:1\r\n")]
    [InlineData("*5\r\n$5\r\nslave\r\n$3\r\na:1\r\n:9000\r\n$9\r\nconnected\r\n:1\r\n")]
    [InlineData("*5\r\n$5\r\nslave\r\n$1\r\na\r\n:9000\r\n:1\r\n:1\r\n")]
    [InlineData("*5\r\n$5\r\nslave\r\n$1\r\na\r\n:9000\r\n$4\r\nsync\r\n*0\r\n")]
    [InlineData("*1\r\n$8\r\nsentinel\r\n")]
    [InlineData("*2\r\n$8\r\nsentinel\r\n$1\r\na\r\n")]
    [InlineData("*2\r\n$8\r\nsentinel\r\n*1\r\n:1\r\n")]
    [InlineData("*2\r\n$5\r\nother\r\n*0\r\n")]
    public void Other_replies_are_no_role(string wire)
    {
        Assert.False(RoleReply.TryParse(Wire.Read(wire), out var role));
        Assert.Null(role);
    }

    private static RoleReply Parse(string wire)
    {
        Assert.True(RoleReply.TryParse(Wire.Read(wire), out var role));
        return role;
    }
}
