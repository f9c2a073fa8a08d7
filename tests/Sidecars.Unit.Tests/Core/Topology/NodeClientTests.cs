using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Topology;
using Sidecars.TestKit.FakeRedis;
using Sidecars.TestKit.Processes;

namespace Sidecars.Unit.Tests.Core.Topology;

public sealed class NodeClientTests
{
    private static readonly RedisClientOptions Options =
        new() { ConnectTimeout = TimeSpan.FromSeconds(10), CommandTimeout = TimeSpan.FromSeconds(10) };
    private static readonly string RunId = new('a', 40);

    [Fact]
    public async Task A_master_is_known_by_its_announced_address()
    {
        var known = Assert.IsType<NodeObservation.Known>(
            await ObserveAsync(Master, FakeReply.Array("replica-announce-ip", "10.0.0.9", "replica-announce-port", "7000")));
        Assert.Equal(new RedisEndpoint("10.0.0.9", 7000), known.Address);
        Assert.Equal((NodeRole.Master, RunId, 3L), (known.View.Role, known.View.RunId, known.View.Keys));
    }

    [Theory]
    [InlineData("", "0")]
    [InlineData("10.0.0.9", "0")]
    [InlineData("not a host", "7000")]
    public async Task Without_a_whole_announced_address_it_is_the_one_asked(string ip, string port)
    {
        var known = Assert.IsType<NodeObservation.Known>(
            await ObserveAsync(Master, FakeReply.Array("replica-announce-ip", ip, "replica-announce-port", port)));
        Assert.Equal(known.Endpoint, known.Address);
    }

    [Fact]
    public async Task A_user_that_may_not_read_the_configuration_still_learns_the_role()
    {
        var view = Assert.IsType<NodeObservation.Known>(
            await ObserveAsync(Master, FakeReply.Error("NOPERM this user has no permissions to run the 'config|get' command"))).View;
        Assert.Equal((NodeRole.Master, null, null, null, null), (view.Role, view.Announced, view.Priority, view.MinReplicas, view.MaxLag));
    }

    [Fact]
    public async Task A_replica_says_whom_it_follows_and_whether_its_copy_is_whole()
    {
        const string info =
            "role:slave\r\nmaster_host:10.0.0.1\r\nmaster_port:6379\r\nmaster_link_status:down\r\nmaster_last_io_seconds_ago:-1\r\n"
                + "master_sync_in_progress:1\r\nslave_repl_offset:5\r\nmaster_repl_offset:9\r\naof_rewrite_in_progress:0\r\n"
                + "aof_rewrite_scheduled:1\r\nmaster_failover_state:no-failover\r\n";
        var view = Assert.IsType<NodeObservation.Known>(await ObserveAsync(info)).View;
        Assert.Equal((NodeRole.Replica, new RedisEndpoint("10.0.0.1", 6379), false, true, 5L),
            (view.Role, view.MasterAddress, view.MasterLinkUp, view.SyncInProgress, view.Offset));
        Assert.Equal((null, true, false), (view.Silence, view.Rewriting, view.FailingOver));
    }

    [Theory]
    [InlineData("3", 1)]
    [InlineData("0", 2)] // the check is off: every one counts that is online
    public async Task A_master_counts_the_replicas_that_its_own_limit_counts(string maxLag, int attached)
    {
        const string info = Master
            + "master_repl_offset:9\r\nmaster_failover_state:waiting-for-sync\r\nslave0:ip=10.0.0.2,port=6379,state=online,offset=9,"
            + "lag=1\r\n"
            + "slave1:ip=10.0.0.3,port=6379,state=online,offset=9,lag=4\r\nslave2:ip=10.0.0.4,port=6379,state=wait_bgsave,offset=0,"
            + "lag=0\r\n";
        var settings = FakeReply.Array("replica-priority", "100", "min-replicas-to-write", "1", "min-replicas-max-lag", maxLag);
        var view = Assert.IsType<NodeObservation.Known>(await ObserveAsync(info, settings)).View;
        Assert.Equal((9L, true, 100, 1L, attached), (view.Offset, view.FailingOver, view.Priority, view.MinReplicas, view.Attached));
    }

    [Theory]
    [InlineData("NOAUTH Authentication required.", true)]
    [InlineData("WRONGPASS invalid username-password pair or user is disabled.", true)]
    [InlineData("NOPERM this user has no permissions to run the 'info' command", true)]
    [InlineData("LOADING Redis is loading the dataset in memory", false)]
    [InlineData("MASTERDOWN Link with MASTER is down", false)]
    [InlineData("BUSY Redis is busy running a script.", false)]
    public async Task An_error_is_unknown_and_only_a_login_error_is_a_refusal(string error, bool refused)
    {
        var unknown = Assert.IsType<NodeObservation.Unknown>(await ObserveInfoAsync(FakeReply.Error(error)));
        Assert.Equal(refused, unknown.LoginRefused);
        Assert.Contains(error, unknown.Why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Too_many_clients_is_no_refusal_of_the_login()
    {
        await using var server = FakeRedisServer.GreetingThenClosing(FakeReply.Error("ERR max number of clients reached"));
        var unknown = Assert.IsType<NodeObservation.Unknown>(
            await ObserveAsync(server, Options with { Credentials = [new RedisCredential("sidecar-a/b", "x")] }));
        Assert.False(unknown.LoginRefused);
    }

    [Fact]
    public async Task A_Sentinel_at_a_Redis_address_is_unknown()
    {
        var unknown = Assert.IsType<NodeObservation.Unknown>(await ObserveAsync("redis_mode:sentinel\r\n"));
        Assert.Contains("Sentinel", unknown.Why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Silence_and_garbage_are_unknown_and_nobody_is_unreachable()
    {
        var hasty = Options with { CommandTimeout = TimeSpan.FromMilliseconds(200) };
        await using var silent = FakeRedisServer.Silent();
        Assert.False(Assert.IsType<NodeObservation.Unknown>(await ObserveAsync(silent, hasty)).LoginRefused);
        await using var garbage = FakeRedisServer.SendingThenClosing(FakeReply.Raw("HTTP/1.1 400\r\n\r\n"));
        Assert.IsType<NodeObservation.Unknown>(await ObserveAsync(garbage, Options));
        var nobody = new RedisEndpoint("127.0.0.1", FreePort.Next());
        Assert.IsType<NodeObservation.Unreachable>(await new NodeClient(e => new TcpTransport(e), Options).ObserveAsync(nobody, default));
    }

    [Theory]
    [InlineData("run_id:abc\r\nrole:master\r\n")]
    [InlineData("role:master\r\n")]
    [InlineData("run_id:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n")]
    public async Task An_answer_without_a_process_or_a_role_is_unknown(string info) =>
        Assert.IsType<NodeObservation.Unknown>(await ObserveInfoAsync(FakeReply.Bulk(info)));

    [Fact]
    public async Task A_replica_of_nobody_that_can_be_connected_to_is_unknown() =>
        Assert.IsType<NodeObservation.Unknown>(await ObserveAsync("role:slave\r\nmaster_host:?\r\nmaster_port:0\r\n"));

    [Fact]
    public async Task A_look_costs_two_commands_and_one_without_settings()
    {
        await using var server =
            FakeRedisServer.Canned(new Dictionary<string, byte[]> { ["INFO"] = FakeReply.Bulk($"run_id:{RunId}\r\n{Master}") });
        Assert.IsType<NodeObservation.Known>(await ObserveAsync(server, Options));
        Assert.Equal(
            ["INFO", "CONFIG GET replica-priority min-replicas-to-write min-replicas-max-lag replica-announce-ip replica-announce-port"],
            server.CommandLines);
        Assert.NotNull((await NodeClient.LookAsync(new TcpTransport(server.Endpoint), Options, withSettings: false, default)).Look);
        Assert.Equal("INFO", Assert.Single(server.CommandLines.Skip(2)));
    }

    private const string Master = "role:master\r\n";

    private static Task<NodeObservation> ObserveAsync(string info, byte[]? settings = null) =>
        ObserveInfoAsync(
            FakeReply.Bulk($"# Server\r\nrun_id:{RunId}\r\n{info}db0:keys=1,expires=0,avg_ttl=0\r\ndb3:keys=2,expires=0,avg_ttl=0\r\n"),
            settings);

    private static async Task<NodeObservation> ObserveInfoAsync(byte[] info, byte[]? settings = null)
    {
        await using var server = FakeRedisServer.Canned(
            new Dictionary<string, byte[]> { ["INFO"] = info, ["CONFIG"] = settings ?? FakeReply.Array(Array.Empty<byte[]>()) });
        return await ObserveAsync(server, Options);
    }

    private static Task<NodeObservation> ObserveAsync(FakeRedisServer server, RedisClientOptions options) =>
        new NodeClient(e => new TcpTransport(e), options).ObserveAsync(server.Endpoint, default);
}
