using System.Text;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;

namespace Sidecars.Unit.Tests.Core.Redis;

public sealed class InfoReplyTests
{
    private const string Master = """
        # Server
        redis_version:7.0.15
        redis_mode:standalone
        run_id:0123456789abcdef0123456789abcdef01234567
        executable:/usr/bin/redis-server

        # Persistence
        loading:0
        aof_enabled:1
        aof_rewrite_in_progress:1
        rdb_bgsave_in_progress:0

        # Replication
        role:master
        connected_slaves:2
        slave0:ip=10.0.0.2,port=6379,state=online,offset=100,lag=1
        slave1:ip=fd00::3,port=6380,state=wait_bgsave,offset=0,lag=0
        slave2:ip=,port=0,state=online,offset=7
        slave3:garbage
        master_replid:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
        master_replid2:0000000000000000000000000000000000000000
        master_repl_offset:120
        second_repl_offset:-1
        repl_backlog_active:0
        repl_backlog_size:1048576
        repl_backlog_first_byte_offset:0

        # Keyspace
        db0:keys=5,expires=1,avg_ttl=0
        db11:keys=70000000000,expires=0,avg_ttl=0,subexpiry=0
        db2:keys=x
        """;

    private const string Replica = """
        # Server
        redis_version:7.2.4
        valkey_version:8.1.0
        # Persistence
        loading:1
        loading_loaded_perc:42.50
        loading_eta_seconds:13
        # Replication
        role:slave
        master_host:redis-0.example
        master_port:6379
        master_link_status:down
        master_sync_in_progress:1
        slave_repl_offset:90
        slave_priority:100
        slave_read_only:1
        replica_announced:1
        master_replid:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
        master_replid2:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
        master_repl_offset:90
        second_repl_offset:51
        repl_backlog_active:1
        repl_backlog_first_byte_offset:21
        """;

    [Theory]
    [InlineData("\n")]
    [InlineData("\r\n")]
    public void Reads_a_master(string lineEnd)
    {
        var info = Parse(Master.ReplaceLineEndings(lineEnd));
        Assert.Equal("7.0.15", info.RedisVersion);
        Assert.Null(info.ValkeyVersion);
        Assert.Equal("standalone", info.Mode);
        Assert.Equal("0123456789abcdef0123456789abcdef01234567", info.RunId);
        Assert.True(info.IsMaster);
        Assert.Equal(new string('a', 40), info.ReplicationId);
        Assert.Null(info.ReplicationId2);
        Assert.Null(info.SecondReplicationOffset);
        Assert.Equal(120, info.MasterReplOffset);
        Assert.Null(info.SlaveReplOffset);
        Assert.Null(info.MasterLinkUp);
        Assert.Null(info.MasterEndpoint);
        Assert.Null(info.ReplicaPriority);
        Assert.False(info.LoadingInProgress);
        Assert.True(info.AofRewriteInProgress);
        Assert.False(info.RdbBgsaveInProgress);
        Assert.Equal(2, info.ConnectedReplicas);
        Assert.Equal(
            [
                new InfoReplica(new RedisEndpoint("10.0.0.2", 6379), "online", 100, 1),
                new InfoReplica(new RedisEndpoint("fd00::3", 6380), "wait_bgsave", 0, 0),
                new InfoReplica(null, "online", 7, null),
            ],
            info.Replicas);
        Assert.Equal([new InfoDatabase(0, 5, 1), new InfoDatabase(11, 70_000_000_000, 0)], info.Databases);
        Assert.Equal("/usr/bin/redis-server", info.Get("executable"));
    }

    [Fact]
    public void Reads_a_replica_that_loads()
    {
        var info = Parse(Replica);
        Assert.Equal("8.1.0", info.ValkeyVersion);
        Assert.False(info.IsMaster);
        Assert.Equal("redis-0.example", info.MasterHost);
        Assert.Equal(6379, info.MasterPort);
        Assert.Equal(new RedisEndpoint("redis-0.example", 6379), info.MasterEndpoint);
        Assert.False(info.MasterLinkUp);
        Assert.True(info.MasterSyncInProgress);
        Assert.Equal(90, info.SlaveReplOffset);
        Assert.Equal(100, info.ReplicaPriority);
        Assert.Equal(new string('a', 40), info.ReplicationId2);
        Assert.Equal(51, info.SecondReplicationOffset);
        Assert.True(info.LoadingInProgress);
        Assert.Empty(info.Databases);
    }

    [Fact]
    public void What_is_absent_or_malformed_is_unknown()
    {
        var info = Parse(
            "role:sentinel\nmaster_repl_offset:12x\nloading:yes\nmaster_port:70000\nmaster_host:h\nconnected_slaves:\n:novalue\n"
            + "nocolon\n#x:1\n");
        Assert.Null(info.IsMaster);
        Assert.Null(info.MasterReplOffset);
        Assert.Null(info.LoadingInProgress);
        Assert.Null(info.MasterEndpoint);
        Assert.Null(info.ConnectedReplicas);
        Assert.Null(info.RunId);
        Assert.DoesNotContain("#x", info.Fields.Keys);
    }

    [Fact]
    public void A_value_may_hold_colons_and_the_first_of_a_name_counts()
    {
        var info = Parse("a:b:c\na:second\n");
        Assert.Equal("b:c", info.Get("a"));
    }

    [Theory]
    [InlineData("$10\r\nrole:slave\r\n")]
    [InlineData("=14\r\ntxt:role:slave\r\n")]
    public void Reads_resp2_and_resp3_strings(string wire)
    {
        Assert.True(InfoReply.TryParse(Wire.Read(wire), out var info));
        Assert.False(info.IsMaster);
    }

    [Theory]
    [InlineData("-LOADING Redis is loading the dataset in memory\r\n")]
    [InlineData("$-1\r\n")]
    [InlineData("*1\r\n$10\r\nrole:slave\r\n")]
    [InlineData(":1\r\n")]
    public void Other_replies_are_no_info(string wire)
    {
        Assert.False(InfoReply.TryParse(Wire.Read(wire), out var info));
        Assert.Null(info);
    }

    [Fact]
    public void The_number_of_fields_is_bounded()
    {
        var text = new StringBuilder();
        for (var i = 0; i < 100_000; i++) text.Append(i).Append(":\n");
        Assert.Equal(8192, Parse(text.ToString()).Fields.Count);
    }

    private static InfoReply Parse(string text) => InfoReply.Parse(Encoding.UTF8.GetBytes(text));
}
