using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Topology;
using Sidecars.TestKit.FakeRedis;
using Sidecars.TestKit.Processes;

namespace Sidecars.Unit.Tests.Core.Topology;

public sealed class NodeClientTests
{
    private static readonly RedisClientOptions Options = new() { ConnectTimeout = TimeSpan.FromSeconds(10), CommandTimeout = TimeSpan.FromSeconds(10) };
    private static readonly string RunId = new('a', 40);

    [Fact]
    public async Task A_master_is_known_by_its_announced_address()
    {
        var known = Assert.IsType<NodeObservation.Known>(await ObserveAsync(Master(), announce: FakeReply.Array("replica-announce-ip", "10.0.0.9", "replica-announce-port", "7000")));
        Assert.Equal(new RedisEndpoint("10.0.0.9", 7000), known.Address);
        Assert.Equal((NodeRole.Master, RunId, 3L), (known.View.Role, known.View.RunId, known.View.Keys));
    }

    [Theory]
    [InlineData("", "0")]
    [InlineData("10.0.0.9", "0")]
    [InlineData("not a host", "7000")]
    public async Task Without_a_whole_announced_address_it_is_the_one_asked(string ip, string port)
    {
        var known = Assert.IsType<NodeObservation.Known>(await ObserveAsync(Master(), announce: FakeReply.Array("replica-announce-ip", ip, "replica-announce-port", port)));
        Assert.Equal(known.Endpoint, known.Address);
    }

    [Fact]
    public async Task A_user_that_may_not_read_the_configuration_still_learns_the_role() =>
        Assert.IsType<NodeObservation.Known>(await ObserveAsync(Master(), announce: FakeReply.Error("NOPERM this user has no permissions to run the 'config|get' command")));

    [Fact]
    public async Task A_replica_says_whom_it_follows_and_whether_its_copy_is_whole()
    {
        var role = FakeReply.Array(FakeReply.Bulk("slave"), FakeReply.Bulk("10.0.0.1"), FakeReply.Integer(6379), FakeReply.Bulk("sync"), FakeReply.Integer(-1));
        var view = Assert.IsType<NodeObservation.Known>(await ObserveAsync(role, "master_link_status:down\r\nmaster_sync_in_progress:1\r\nslave_repl_offset:5\r\n")).View;
        Assert.Equal((NodeRole.Replica, new RedisEndpoint("10.0.0.1", 6379), false, true, 5L), (view.Role, view.MasterAddress, view.MasterLinkUp, view.SyncInProgress, view.Offset));
    }

    [Theory]
    [InlineData("NOAUTH Authentication required.", true)]
    [InlineData("WRONGPASS invalid username-password pair or user is disabled.", true)]
    [InlineData("NOPERM this user has no permissions to run the 'role' command", true)]
    [InlineData("LOADING Redis is loading the dataset in memory", false)]
    [InlineData("MASTERDOWN Link with MASTER is down", false)]
    [InlineData("BUSY Redis is busy running a script.", false)]
    public async Task An_error_is_unknown_and_only_a_login_error_is_a_refusal(string error, bool refused)
    {
        var unknown = Assert.IsType<NodeObservation.Unknown>(await ObserveAsync(FakeReply.Error(error)));
        Assert.Equal(refused, unknown.LoginRefused);
        Assert.Contains(error, unknown.Why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Too_many_clients_is_no_refusal_of_the_login()
    {
        await using var server = FakeRedisServer.GreetingThenClosing(FakeReply.Error("ERR max number of clients reached"));
        var unknown = Assert.IsType<NodeObservation.Unknown>(await ObserveAsync(server, Options with { Credentials = [new RedisCredential("sidecar-a/b", "x")] }));
        Assert.False(unknown.LoginRefused);
    }

    [Fact]
    public async Task A_Sentinel_at_a_Redis_address_is_unknown()
    {
        var unknown = Assert.IsType<NodeObservation.Unknown>(await ObserveAsync(FakeReply.Array(FakeReply.Bulk("sentinel"), FakeReply.Array("m"))));
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

    private static byte[] Master() => FakeReply.Array(FakeReply.Bulk("master"), FakeReply.Integer(9), FakeReply.Array(Array.Empty<byte[]>()));

    private static async Task<NodeObservation> ObserveAsync(byte[] role, string info = "", byte[]? announce = null)
    {
        await using var server = FakeRedisServer.Canned(new Dictionary<string, byte[]>
        {
            ["ROLE"] = role,
            ["INFO"] = FakeReply.Bulk($"# Server\r\nrun_id:{RunId}\r\n{info}db0:keys=1,expires=0,avg_ttl=0\r\ndb3:keys=2,expires=0,avg_ttl=0\r\n"),
            ["CONFIG"] = announce ?? FakeReply.Array(Array.Empty<byte[]>()),
        });
        return await ObserveAsync(server, Options);
    }

    private static Task<NodeObservation> ObserveAsync(FakeRedisServer server, RedisClientOptions options) =>
        new NodeClient(e => new TcpTransport(e), options).ObserveAsync(server.Endpoint, default);
}
