using Sidecars.Core.Configuration;
using Sidecars.Core.Group;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Failover.Passwords;
using Sidecars.Integration.Tests.Configuration;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Failover;

/// <summary>What a rotation rests on, held against real servers: one user, one server.</summary>
public sealed class PasswordClientTests
{
    private static readonly ClusterId Cluster = ClusterId.TryParse("shop/cart", out var id) ? id : throw new InvalidOperationException();
    private static readonly GroupSecret Old = new(Secret.Of("old \"one\""));
    private static readonly GroupSecret Both = new(Secret.Of("new \"one\""), Old.Current);
    private static readonly GroupSecret New = new(Both.Current);

    [Theory]
    [InlineData(null)]
    [InlineData("user app on >x ~* +@all\n")]
    public async Task Users_of_a_Redis_change_also_in_its_file_and_nobody_elses_password_goes(string? aclFile)
    {
        await using var redis = await PlannedServer.RedisAsync(Cluster, Secrets(Old),
            baseFile: aclFile is null ? "user default on >theirs ~* &* +@all\n" : "aclfile /etc/elsewhere.acl\n", aclFile: aclFile);
        var retired = new RetiredPasswords(null);
        await using var open = await redis.ConnectAsync(null, Old.Current.Value);
        var client = Client();

        Assert.Null(await client.AcceptAsync(redis.Endpoint, Wish(Both).OnRedis, isSentinel: false, default));
        var seen = Assert.IsType<ServerPasswords.Known>(await client.LookAtRedisAsync(redis.Endpoint, Wish(Both), retired, default));
        Assert.All(seen.Users, user => Assert.Equal((true, true, false), (user.Current, user.Previous, user.Retired)));
        Assert.Equal(PasswordAge.Previous, seen.Sends);
        Assert.Null(await client.ReplicateWithAsync(redis.Endpoint, New.Current, default));

        // Unknown to these files: left alone.
        Assert.Null(await client.DropAsync(redis.Endpoint, Wish(New).OnRedis, retired, isSentinel: false, default));
        await (await redis.ConnectAsync(null, Old.Current.Value)).DisposeAsync();

        retired.Add([Old]);
        Assert.Null(await client.DropAsync(redis.Endpoint, Wish(New).OnRedis, retired, isSentinel: false, default));
        seen = Assert.IsType<ServerPasswords.Known>(await client.LookAtRedisAsync(redis.Endpoint, Wish(New), retired, default));
        Assert.All(seen.Users, user => Assert.Equal((true, false, false), (user.Current, user.Previous, user.Retired)));
        Assert.Equal(PasswordAge.Current, seen.Sends);
        Assert.Equal("PONG", (await open.CallAsync(default, "PING")).Text); // a connection that is open stays

        // What Sentinel has it write is what it comes back with.
        await using (var sidecar = await redis.ConnectAsync(Cluster.SidecarUser, New.Current.Value))
            Assert.Equal("OK", (await sidecar.CallAsync(default, "CONFIG", "REWRITE")).Text);
        await redis.RestartAsync();
        await (await redis.ConnectAsync(null, New.Current.Value)).DisposeAsync();
        await (await (aclFile is null ? redis.ConnectAsync(null, "theirs") : redis.ConnectAsync("app", "x"))).DisposeAsync();
        await Assert.ThrowsAsync<RedisConnectionException>(() => redis.ConnectAsync(null, Old.Current.Value));
        await Assert.ThrowsAsync<RedisConnectionException>(() => redis.ConnectAsync(Cluster.ReplicationUser, Old.Current.Value));
    }

    [Fact]
    public async Task A_Sentinel_changes_its_users_and_its_logins_as_it_runs()
    {
        await using var redis = await PlannedServer.RedisAsync(Cluster, Secrets(Both));
        await using var sentinel = await PlannedServer.SentinelAsync(Cluster, Secrets(Old), redis.Endpoint, 1);
        var client = Client();
        Assert.Null(await client.AcceptAsync(sentinel.Endpoint, Wish(Both).OnSentinel, isSentinel: true, default));
        var retired = new RetiredPasswords(null);
        Assert.Equal(PasswordAge.Previous,
            Assert.IsType<ServerPasswords.Known>(await client.LookAtSentinelAsync(sentinel.Endpoint, Wish(Both), retired, default)).Sends);
        Assert.Null(await client.SentinelLoginAsync(sentinel.Endpoint, New.Current, default));
        retired.Add([Old]);
        Assert.Null(await client.DropAsync(sentinel.Endpoint, Wish(New).OnSentinel, retired, isSentinel: true, default));
        var seen = Assert.IsType<ServerPasswords.Known>(await client.LookAtSentinelAsync(sentinel.Endpoint, Wish(New), retired, default));
        Assert.Equal(PasswordAge.Current, seen.Sends);
        Assert.All(seen.Users, user => Assert.Equal((true, false, false), (user.Current, user.Previous, user.Retired)));

        // It logs in with the new one: the old one no longer works at its Redis, whose connections are cut.
        Assert.Null(await client.DropAsync(redis.Endpoint, Wish(New).OnRedis, retired, isSentinel: false, default));
        await using var sidecar = await redis.ConnectAsync(Cluster.SidecarUser, New.Current.Value);
        await sidecar.CallAsync(default, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
        await Eventually.UntilAsync("Sentinel's new connection", async () => (await sidecar.CallAsync(default, "CLIENT", "LIST")).Text
            .Contains("user=" + Cluster.SentinelUser, StringComparison.Ordinal),
            seen: () => sentinel.Process.Tail());
    }

    [Fact]
    public async Task A_user_line_wins_over_requirepass_at_a_start()
    {
        await using var redis = await RedisProcess.StartAsync(
            "requirepass old", $"user default on #{Secret.Of("new").Sha256Hex} ~* &* +@all");
        await using var client = await RedisClient.ConnectAsync(
            new TcpTransport(redis.Endpoint), new RedisClientOptions { Credentials = [new RedisCredential(null, "new")] }, default);
        Assert.StartsWith("WRONGPASS", (await client.CallAsync(default, "AUTH", "old")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_user_that_takes_any_password_is_reported_and_not_closed()
    {
        await using var redis = await PlannedServer.RedisAsync(Cluster, new GroupSecrets());
        var options = new RedisClientOptions { Credentials = [new RedisCredential(Cluster.SidecarUser, "any")] };
        var client = new PasswordClient(e => new TcpTransport(e), options, "m");
        Assert.Contains("takes any password", Assert.IsType<ServerPasswords.Unknown>(
            await client.LookAtRedisAsync(redis.Endpoint, Wish(New), new RetiredPasswords(null), default)).Why,
            StringComparison.Ordinal);
    }

    private static GroupSecrets Secrets(GroupSecret one) => new() { Default = one };

    private static PasswordWish Wish(GroupSecret one) => PasswordWish.Of(Cluster, new PasswordReading(Secrets(one), Secrets(one), []));

    private static PasswordClient Client() => new(
        endpoint => new TcpTransport(endpoint),
        new RedisClientOptions
        {
            Credentials =
                [new RedisCredential(Cluster.SidecarUser, New.Current.Value), new RedisCredential(Cluster.SidecarUser, Old.Current.Value)],
            ConnectTimeout = TimeSpan.FromSeconds(10),
            CommandTimeout = TimeSpan.FromSeconds(10),
        },
        Cluster.MasterName);
}
