using Sidecars.Core.Redis;
using Sidecars.Probe.Sockets;
using Sidecars.TestKit.FakeRedis;

namespace Sidecars.Unit.Tests.Core.Redis;

/// <summary>AUTH, over the async client and the blocking connection alike.</summary>
public sealed class LoginTests
{
    private const string NoPassword =
        "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?";
    private static readonly RedisCredential Old = new("u", "old-secret");
    private static readonly RedisCredential New = new("u", "new-secret");

    public static TheoryData<bool> Kinds => [true, false];

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Credentials_are_tried_in_order_until_one_is_accepted(bool blocking)
    {
        await using var server = FakeRedisServer.Answering(command =>
            command[0] != "AUTH" ? FakeReply.Pong
                : command[^1] == "new-secret" ? FakeReply.Ok
                : FakeReply.Error("WRONGPASS invalid username-password pair or user is disabled."));
        await LogInAsync(blocking, server, new RedisCredential(null, "first"), Old, New, new RedisCredential("u", "never-sent"));
        Assert.Equal(["AUTH first", "AUTH u old-secret", "AUTH u new-secret", "PING"], server.CommandLines);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Without_credentials_no_auth_is_sent(bool blocking)
    {
        await using var server = FakeRedisServer.Answering(_ => FakeReply.Error("NOAUTH Authentication required."));
        Assert.Equal("NOAUTH", (await LogInAsync(blocking, server)).ErrorCode);
        Assert.Equal(["PING"], server.CommandLines);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task All_refused_is_a_failure_that_names_users_and_no_password(bool blocking)
    {
        await using var server =
            FakeRedisServer.Answering(_ => FakeReply.Error("WRONGPASS invalid username-password pair or user is disabled."));
        var failure = await FailureAsync(blocking, server, Old, New);
        Assert.Equal("WRONGPASS invalid username-password pair or user is disabled.", failure.ServerError);
        Assert.Contains("u, u", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", failure.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_server_without_a_password_is_reported_as_such(bool blocking)
    {
        await using var server = FakeRedisServer.Answering(_ => FakeReply.Error(NoPassword));
        var failure = await FailureAsync(blocking, server, new RedisCredential(null, "old-secret"));
        Assert.Contains("called without any password configured", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_server_that_repeats_the_password_does_not_leak_it(bool blocking)
    {
        await using var server = FakeRedisServer.Answering(command =>
            FakeReply.Error($"ERR unknown command `{command[0]}`, with args beginning with: `{command[1]}`, `{command[^1]}`, "));
        var failure = await FailureAsync(blocking, server, Old);
        Assert.Equal("ERR unknown command `AUTH`", failure.ServerError);
        Assert.DoesNotContain("secret", failure.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task What_a_full_server_says_before_closing_is_kept(bool blocking)
    {
        await using var server = FakeRedisServer.GreetingThenClosing(FakeReply.Error("ERR max number of clients reached"));
        var failure = await FailureAsync(blocking, server, Old);
        Assert.Equal("ERR max number of clients reached", failure.ServerError);
    }

    [Fact]
    public async Task The_client_name_is_set_after_the_login_and_may_be_refused()
    {
        await using var server = FakeRedisServer.Answering(command => command[0] == "CLIENT" ? FakeReply.Error("NOPERM no") : FakeReply.Ok);
        await using var client = await RedisClient.ConnectAsync(
            new TcpTransport(server.Endpoint), new RedisClientOptions { Credentials = [Old], ClientName = "probe" }, default);
        Assert.Equal(["AUTH u old-secret", "CLIENT SETNAME probe"], server.CommandLines);
        Assert.True(client.IsUsable);
    }

    private static async Task<RedisConnectionException> FailureAsync(
        bool blocking, FakeRedisServer server, params RedisCredential[] credentials)
    {
        var failure = await Assert.ThrowsAsync<RedisConnectionException>(() => LogInAsync(blocking, server, credentials));
        Assert.Equal(RedisFailure.Auth, failure.Failure);
        return failure;
    }

    private static async Task<RespValue> LogInAsync(bool blocking, FakeRedisServer server, params RedisCredential[] credentials)
    {
        var timeout = TimeSpan.FromSeconds(20);
        if (blocking)
        {
            using var connection = BlockingRedisConnection.Connect(server.Endpoint, timeout);
            connection.LogIn(credentials);
            return connection.Call("PING");
        }

        var options = new RedisClientOptions { Credentials = credentials, CommandTimeout = timeout };
        await using var client = await RedisClient.ConnectAsync(new TcpTransport(server.Endpoint), options, default);
        return await client.CallAsync(default, "PING");
    }
}
