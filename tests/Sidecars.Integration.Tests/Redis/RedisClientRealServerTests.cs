using System.Security.Cryptography;
using Sidecars.Backup.Verify;
using Sidecars.Core.Redis;
using Sidecars.Probe.Sockets;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Redis;

/// <summary>The client and the readers against a real redis-server.</summary>
public sealed class RedisClientRealServerTests
{
    private static readonly RedisClientOptions Options =
        new() { ConnectTimeout = TimeSpan.FromSeconds(10), CommandTimeout = TimeSpan.FromSeconds(10) };

    [Fact]
    public async Task An_acl_user_logs_in_with_the_second_password_and_may_do_what_it_may()
    {
        await using var redis = await RedisProcess.StartAsync("user default off", "user probe on >right +ping +role +info");
        var options = Options with
        { Credentials = [new RedisCredential("probe", "wrong"), new RedisCredential("probe", "right")], ClientName = "test" };
        await using var client = await RedisClient.ConnectAsync(new TcpTransport(redis.Endpoint), options, default);
        Assert.Equal("PONG", (await client.CallAsync(default, "PING")).Text);
        Assert.Equal("NOPERM", (await client.CallAsync(default, "GET", "k")).ErrorCode);

        using var blocking = BlockingRedisConnection.Connect(redis.Endpoint, TimeSpan.FromSeconds(10));
        Assert.Equal("NOAUTH", blocking.Call("PING").ErrorCode);
        blocking.LogIn(options.Credentials);
        Assert.Equal("PONG", blocking.Call("PING").Text);
    }

    [Fact]
    public async Task Wrong_and_superfluous_passwords_fail_the_login_with_what_the_server_says()
    {
        await using var locked = await RedisProcess.StartAsync("requirepass right");
        var wrong = await LoginFailureAsync(locked, new RedisCredential(null, "wrong"), new RedisCredential("nobody", "right"));
        Assert.StartsWith("WRONGPASS", wrong.ServerError, StringComparison.Ordinal);
        await using var open = await RedisProcess.StartAsync();
        var superfluous = await LoginFailureAsync(open, new RedisCredential(null, "any"));
        Assert.Contains("without any password configured", superfluous.ServerError, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_full_server_says_is_a_value_or_kept_by_the_login()
    {
        await using var redis = await RedisProcess.StartAsync("maxclients 1");
        await using var only = await ConnectAsync(redis);
        await Eventually.UntilAsync(
            "the one place is ours", async () => (await only.CallAsync(default, "CLIENT", "LIST")).Text.Split('\n').Length == 2);
        await using var refused = await ConnectAsync(redis);
        Assert.Equal("ERR max number of clients reached", (await refused.CallAsync(default, "PING")).Text);
        Assert.Equal("ERR max number of clients reached", (await LoginFailureAsync(redis, new RedisCredential("u", "p"))).ServerError);
    }

    [Fact]
    public async Task A_server_that_loads_answers_loading_as_a_value_and_still_tells_its_role_and_info()
    {
        // 1 ms a key: two seconds of loading, in which the event loop turns once a KiB.
        await using var redis = await RedisProcess.StartAsync(
            "enable-debug-command yes", "key-load-delay 1000", "loading-process-events-interval-bytes 1024");
        await using var reloading = await ConnectAsync(redis);
        await using var client = await ConnectAsync(redis);
        Assert.Equal("OK", (await reloading.CallAsync(default, "DEBUG", "POPULATE", "2000")).Text);
        var reload = reloading.CallAsync(default, "DEBUG", "RELOAD");
        IReadOnlyList<RespValue> replies = [];
        await Eventually.UntilAsync("the server loads", async () =>
        {
            replies = await client.PipelineAsync([RespCommand.Of("GET", "k"), RespCommand.Of("ROLE"), RespCommand.Of("INFO")], default);
            return replies[0].IsError;
        });
        Assert.Equal("LOADING", replies[0].ErrorCode);
        Assert.True(RoleReply.TryParse(replies[1], out var role));
        Assert.IsType<RoleReply.Master>(role);
        Assert.True(InfoReply.TryParse(replies[2], out var info));
        Assert.True(info.LoadingInProgress);
        Assert.Equal("OK", (await reload).Text);
    }

    [Fact]
    public async Task Reads_role_and_info_of_a_master_and_its_replica()
    {
        await using var master = await RedisProcess.StartAsync();
        await using var replica = await RedisProcess.StartAsync($"replicaof {master.Endpoint.Host} {master.Port}", "replica-priority 7");
        await using var toMaster = await ConnectAsync(master);
        await using var toReplica = await ConnectAsync(replica);
        _ = await toMaster.CallAsync(default, "SET", "k", "v");
        await Eventually.UntilAsync(
            "the replica is connected",
            async () => RoleReply.TryParse(await toReplica.CallAsync(default, "ROLE"), out var role)
                && role is RoleReply.Replica { Link: ReplicaLink.Connected } of && of.Of == master.Endpoint);
        await Eventually.UntilAsync(
            "the master lists it",
            async () => RoleReply.TryParse(await toMaster.CallAsync(default, "ROLE"), out var role)
                && role is RoleReply.Master { Replicas: [var one] } && one.Endpoint == replica.Endpoint);

        Assert.True(InfoReply.TryParse(await toMaster.CallAsync(default, "INFO"), out var m));
        Assert.True(InfoReply.TryParse(await toReplica.CallAsync(default, "INFO"), out var r));
        Assert.True(m.IsMaster);
        Assert.False(r.IsMaster);
        Assert.Equal(40, m.RunId!.Length);
        Assert.Equal(m.ReplicationId, r.ReplicationId);
        Assert.Null(m.ReplicationId2);
        Assert.Equal("7.0", m.RedisVersion![..3]);
        Assert.Equal(1, m.ConnectedReplicas);
        Assert.Equal(replica.Endpoint, Assert.Single(m.Replicas).Endpoint);
        Assert.Equal([new InfoDatabase(0, 1, 0)], m.Databases);
        Assert.True(r.MasterLinkUp);
        Assert.Equal(master.Endpoint, r.MasterEndpoint);
        Assert.Equal(7, r.ReplicaPriority);
        Assert.False(r.MasterSyncInProgress);
        Assert.NotNull(r.SlaveReplOffset);
        Assert.False(m.LoadingInProgress);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Messages_arrive_in_either_protocol(int protocol)
    {
        await using var redis = await RedisProcess.StartAsync();
        await using var subscriber = await ConnectAsync(redis);
        await using var publisher = await ConnectAsync(redis);
        Assert.False((await subscriber.CallAsync(default, "HELLO", $"{protocol}")).IsError);
        Assert.Equal(2, (await subscriber.CallAsync(default, "SUBSCRIBE", "a", "b")).Items[2].Integer);
        Assert.Equal("psubscribe", (await subscriber.CallAsync(default, "PSUBSCRIBE", "c*")).Items[0].Text);
        _ = await publisher.PipelineAsync([RespCommand.Of("PUBLISH", "a", "1"), RespCommand.Of("PUBLISH", "cc", "2")], default);
        _ = await subscriber.CallAsync(default, "PING");
        Assert.Equal("1", (await subscriber.ReadMessageAsync(default)).Items[2].Text);
        Assert.Equal("2", (await subscriber.ReadMessageAsync(default)).Items[3].Text);
        Assert.Equal("unsubscribe", (await subscriber.CallAsync(default, "UNSUBSCRIBE", "a")).Items[0].Text);
    }

    [Fact]
    public async Task Values_of_resp3_are_read()
    {
        await using var redis = await RedisProcess.StartAsync("enable-debug-command yes");
        await using var client = await ConnectAsync(redis);
        Assert.Equal(RespKind.Map, (await client.CallAsync(default, "HELLO", "3")).Kind);
        foreach (var (name, kind) in ((string, RespKind)[])[
            ("string", RespKind.BulkString), ("integer", RespKind.Integer), ("double", RespKind.Double),
            ("null", RespKind.Null), ("array", RespKind.Array), ("set", RespKind.Set), ("map", RespKind.Map),
            ("bignum", RespKind.BigNumber),
            ("true", RespKind.Boolean), ("verbatim", RespKind.VerbatimString), ("attrib", RespKind.BulkString)])
            Assert.Equal((name, kind), (name, (await client.CallAsync(default, "DEBUG", "PROTOCOL", name)).Kind));
        Assert.True(InfoReply.TryParse(await client.CallAsync(default, "INFO"), out var info));
        Assert.True(info.IsMaster);
    }

    [Fact]
    public async Task Big_binary_values_and_the_unix_socket_work_both_ways()
    {
        using var folder = new TempFolder("unix");
        await using var redis = await RedisProcess.StartAsync($"unixsocket {folder.File("r.sock")}");
        var value = RandomNumberGenerator.GetBytes(7 << 20);
        await using var client = await RedisClient.ConnectAsync(new UnixTransport(folder.File("r.sock")), Options, default);
        Assert.Equal("OK", (await client.CallAsync(RespCommand.Of("SET"u8.ToArray(), "k"u8.ToArray(), value), default)).Text);
        Assert.True((await client.CallAsync(default, "GET", "k")).Bytes.Span.SequenceEqual(value));
        using var blocking = BlockingRedisConnection.ConnectUnix(folder.File("r.sock"), TimeSpan.FromSeconds(10));
        Assert.True(blocking.Call("GET", "k").Bytes.Span.SequenceEqual(value));
    }

    [Fact]
    public async Task A_stopped_server_times_out_and_a_killed_one_closes()
    {
        await using var redis = await RedisProcess.StartAsync();
        await using var waiting = await RedisClient.ConnectAsync(
            new TcpTransport(redis.Endpoint), Options with { CommandTimeout = TimeSpan.FromMilliseconds(200) }, default);
        await using var open = await ConnectAsync(redis);
        redis.Process.Pause();
        Assert.Equal(RedisFailure.TimedOut, await FailureOf(waiting.CallAsync(default, "PING")));
        redis.Process.Kill();
        Assert.Equal(RedisFailure.Closed, await FailureOf(open.CallAsync(default, "PING")));
        await Eventually.UntilAsync("the process has ended", () => !redis.Process.Running); // its listener may close after its connections
        Assert.Equal(RedisFailure.Refused, await FailureOf(ConnectAsync(redis)));
    }

    private static Task<RedisClient> ConnectAsync(RedisProcess redis) =>
        RedisClient.ConnectAsync(new TcpTransport(redis.Endpoint), Options, default);

    private static async Task<RedisFailure> FailureOf(Task call) =>
        (await Assert.ThrowsAsync<RedisConnectionException>(() => call)).Failure;

    private static async Task<RedisConnectionException> LoginFailureAsync(RedisProcess redis, params RedisCredential[] credentials)
    {
        var connect = RedisClient.ConnectAsync(new TcpTransport(redis.Endpoint), Options with { Credentials = credentials }, default);
        var failure = await Assert.ThrowsAsync<RedisConnectionException>(() => connect);
        Assert.Equal(RedisFailure.Auth, failure.Failure);
        return failure;
    }
}
