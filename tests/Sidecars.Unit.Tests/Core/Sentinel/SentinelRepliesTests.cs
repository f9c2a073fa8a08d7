using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.TestKit.FakeRedis;
using Sidecars.Unit.Tests.Core.Redis;

namespace Sidecars.Unit.Tests.Core.Sentinel;

public sealed class SentinelRepliesTests
{
    private static readonly RedisEndpoint Master = new("10.0.0.1", 6379);

    [Theory]
    [InlineData("$40\r\n0123456789abcdef0123456789abcdef01234567\r\n", true)]
    [InlineData("+0123456789ABCDEF0123456789abcdef01234567\r\n", true)]
    [InlineData("$39\r\n0123456789abcdef0123456789abcdef0123456\r\n", false)]
    [InlineData("$40\r\n0123456789abcdef0123456789abcdef0123456g\r\n", false)]
    [InlineData("$-1\r\n", false)]
    [InlineData("-ERR unknown command\r\n", false)]
    [InlineData(":0\r\n", false)]
    [InlineData("*1\r\n$2\r\naa\r\n", false)]
    public void MyId_is_40_hex_digits(string wire, bool expected)
    {
        Assert.Equal(expected, SentinelReplies.TryParseMyId(Reply(wire), out var id));
        Assert.Equal(expected, id is { Length: 40 });
    }

    [Theory]
    [InlineData("*2\r\n$8\r\n10.0.0.1\r\n$4\r\n6379\r\n", "10.0.0.1:6379")]
    [InlineData("*2\r\n$9\r\nfd00::1:2\r\n$4\r\n6379\r\n", "[fd00::1:2]:6379")]
    [InlineData("*2\r\n$5\r\nredis\r\n$5\r\n65535\r\n", "redis:65535")]
    public void An_address_is_host_and_port(string wire, string expected)
    {
        Assert.True(SentinelReplies.TryParseAddress(Reply(wire), out var address));
        Assert.Equal(expected, address?.ToString());
    }

    [Theory]
    [InlineData("*-1\r\n")]
    [InlineData("$-1\r\n")]
    [InlineData("_\r\n")]
    public void A_null_is_an_unknown_name_and_no_mistake(string wire)
    {
        Assert.True(SentinelReplies.TryParseAddress(Reply(wire), out var address));
        Assert.Null(address);
    }

    [Theory]
    [InlineData("*0\r\n")]
    [InlineData("*1\r\n$8\r\n10.0.0.1\r\n")]
    [InlineData("*3\r\n$8\r\n10.0.0.1\r\n$4\r\n6379\r\n$1\r\nx\r\n")]
    [InlineData("*2\r\n$8\r\n10.0.0.1\r\n$1\r\n0\r\n")] // not yet resolved
    [InlineData("*2\r\n$8\r\n10.0.0.1\r\n$5\r\n65536\r\n")]
    [InlineData("*2\r\n$8\r\n10.0.0.1\r\n$5\r\n+6379\r\n")]
    [InlineData("*2\r\n$0\r\n\r\n$4\r\n6379\r\n")]
    [InlineData("*2\r\n$3\r\na:b\r\n$4\r\n6379\r\n")] // a host that holds a port
    [InlineData("*2\r\n$3\r\na b\r\n$4\r\n6379\r\n")]
    [InlineData("*2\r\n*0\r\n*0\r\n")]
    [InlineData("+OK\r\n")]
    [InlineData("-IDONTKNOW\r\n")]
    public void Anything_else_is_no_address(string wire)
    {
        Assert.False(SentinelReplies.TryParseAddress(Reply(wire), out var address));
        Assert.Null(address);
    }

    [Fact]
    public void A_master_is_read_from_a_flat_array_and_from_a_map_alike()
    {
        string[] fields = ["name", "m", "flags", "master,o_down", "runid", "abc", "config-epoch", "12", "quorum", "2", "role-reported",
            "master", "new-field", "x"];
        var flat = FakeReply.Array(fields);
        byte[] map = [.. Encoding.ASCII.GetBytes($"%{fields.Length / 2}\r\n"), .. fields.SelectMany(FakeReply.Bulk)];
        foreach (var wire in (byte[][])[flat, map])
        {
            Assert.True(SentinelReplies.TryParseMaster(Reply(wire), Master, out var master));
            Assert.Equal(
                (Master, 12L, 2, "abc", "master"), (master.Address, master.ConfigEpoch, master.Quorum, master.RunId, master.RoleReported));
            Assert.True(master.ObjectivelyDown);
            Assert.False(master.SubjectivelyDown); // s_down is not a part of o_down
        }
    }

    [Theory]
    [InlineData("flags", "master")] // no epoch: it can't be compared
    [InlineData("config-epoch", "1")] // no flags: whether a failover runs is not known
    [InlineData("flags", "master", "config-epoch", "1e3")]
    [InlineData("flags", "master", "config-epoch", "9223372036854775808")]
    [InlineData("flags", "master", "config-epoch")]
    public void A_master_without_epoch_or_flags_is_none(params string[] fields) =>
        Assert.False(SentinelReplies.TryParseMaster(Reply(FakeReply.Array(fields)), Master, out _));

    // What a hello may carry: a Sentinel that holds it is led astray, not silent.
    [Theory]
    [InlineData("9223372036854775807")]
    [InlineData("-1")]
    [InlineData("-9223372036854775808")]
    public void An_epoch_beyond_what_a_long_holds_is_shown_with_a_sign_and_is_the_greatest(string epoch)
    {
        Assert.True(
            SentinelReplies.TryParseMaster(Reply(FakeReply.Array("flags", "master", "config-epoch", epoch)), Master, out var master));
        Assert.Equal(long.MaxValue, master.ConfigEpoch);
    }

    [Fact]
    public void Replicas_without_a_usable_address_are_left_out_and_the_others_stay()
    {
        var wire = FakeReply.Array(
            FakeReply.Array("ip", "10.0.0.2", "port", "6379", "runid", "abc", "flags", "slave", "slave-priority", "100",
                "slave-repl-offset", "77", "info-refresh", "1234", "master-link-status", "ok"),
            FakeReply.Array("ip", "", "port", "0", "flags", "slave"),
            FakeReply.Array("ip", "10.0.0.3", "port", "6379", "flags", "slave,s_down", "slave-priority", "100"),
            FakeReply.Array("ip", "10.0.0.4", "port", "6379", "flags", "slave", "slave-priority", "0"),
            FakeReply.Array("ip", "10.0.0.5", "port", "6379", "flags", "slave", "slave-priority", "99999999999"));
        Assert.True(SentinelReplies.TryParseReplicas(Reply(wire), out var replicas));
        Assert.Equal(["10.0.0.2:6379 True", "10.0.0.3:6379 False", "10.0.0.4:6379 False", "10.0.0.5:6379 True"],
            replicas.Select(r => $"{r.Address} {r.Promotable}"));
        Assert.Equal((77L, "ok"), (replicas[0].Offset, replicas[0].MasterLinkStatus));
        Assert.Equal(("abc", ""), (replicas[0].RunId, replicas[1].RunId));
    }

    [Fact]
    public void Other_Sentinels_need_an_id_and_an_address()
    {
        var id = new string('a', 40);
        var wire = FakeReply.Array(
            FakeReply.Array("ip", "10.0.1.1", "port", "26379", "runid", id, "flags", "sentinel"),
            FakeReply.Array("ip", "10.0.1.2", "port", "26379", "runid", "", "flags", "sentinel"),
            FakeReply.Array("ip", "?", "port", "26379", "runid", id));
        Assert.True(SentinelReplies.TryParseOthers(Reply(wire), out var others));
        Assert.Equal(
            (new RedisEndpoint("10.0.1.1", 26379), id, "sentinel"), (Assert.Single(others).Address, others[0].MyId, others[0].Flags));
    }

    [Theory]
    [InlineData("*1\r\n$1\r\nx\r\n")]
    [InlineData("*1\r\n*1\r\n$2\r\nip\r\n")]
    [InlineData("-ERR No such master with that name\r\n")]
    [InlineData("+OK\r\n")]
    [InlineData("*-1\r\n")]
    public void Lists_of_another_shape_are_refused_whole(string wire)
    {
        Assert.False(SentinelReplies.TryParseReplicas(Reply(wire), out var replicas));
        Assert.False(SentinelReplies.TryParseOthers(Reply(wire), out var others));
        Assert.True(replicas.IsEmpty && others.IsEmpty);
    }

    [Fact]
    public void An_empty_list_is_a_list()
    {
        Assert.True(SentinelReplies.TryParseReplicas(Reply("*0\r\n"), out var replicas));
        Assert.Empty(replicas);
    }

    [Fact]
    public void Nothing_throws_whatever_the_fields_are()
    {
        var text = Gen.Elements("ip", "port", "flags", "runid", "config-epoch", "quorum", "", "-1", "6379", "10.0.0.1", ":::", "a:1",
            "99999999999999999999", "\r\n", "\u00ff");
        Prop.ForAll(text.ArrayOf().ToArbitrary(), fields =>
        {
            var item = Reply(FakeReply.Array(fields));
            var list = Reply(FakeReply.Array(FakeReply.Array(fields), FakeReply.Array("ip", "10.0.0.2", "port", "1")));
            _ = SentinelReplies.TryParseMyId(item, out _);
            _ = SentinelReplies.TryParseAddress(item, out _);
            _ = SentinelReplies.TryParseMaster(item, Master, out _);
            var isList = SentinelReplies.TryParseReplicas(list, out var replicas);
            _ = SentinelReplies.TryParseOthers(list, out _);
            // A list is refused only for the shape of an item, never for its content.
            return isList == (fields.Length % 2 == 0) && (!isList || replicas.Any(r => r.Address == new RedisEndpoint("10.0.0.2", 1)));
        }).QuickCheckThrowOnFailure();
    }

    private static RespValue Reply(string wire) => Reply(FakeReply.Raw(wire));

    private static RespValue Reply(byte[] wire) => Wire.ReadAll(wire).Single();
}
