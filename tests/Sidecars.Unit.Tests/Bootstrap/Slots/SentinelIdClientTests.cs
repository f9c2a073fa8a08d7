using Sidecars.Bootstrap.Slots;
using Sidecars.Core.Configuration;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.TestKit.Processes;

namespace Sidecars.Unit.Tests.Bootstrap.Slots;

/// <summary>Real Sentinels with the users of a group, asked by ours and by another tenant's.</summary>
public sealed class SentinelIdClientTests
{
    private static readonly string MyId = new('a', 40);

    [Theory]
    [InlineData("tenant-a/redis", "side", "sent", "id")]
    [InlineData("tenant-b/redis", "side", "sent", "foreign")] // the same passwords, another tenant
    [InlineData("tenant-a/redis", "other", "other", "foreign")] // it can't vote with us
    [InlineData("tenant-a/redis", "other", "sent", "unclear")] // it can
    public async Task Who_refuses_the_Sentinels_login_too_is_foreign_and_nobody_else(
        string cluster, string sidecar, string sentinel, string expected)
    {
        await using var server = await StartAsync("tenant-a/redis", "side", "sent");
        var answer = await Client(cluster, sidecar, sentinel).AskAsync(server.Endpoint, default);
        Assert.Equal(expected, answer switch
        {
            SentinelIdAnswer.Id { MyId: var id } when id == MyId => "id",
            SentinelIdAnswer.Foreign => "foreign",
            SentinelIdAnswer.Unclear => "unclear",
            _ => answer.ToString()
        });
    }

    [Fact]
    public async Task Without_passwords_another_tenant_is_told_by_its_user_names()
    {
        await using var server = await StartAsync("tenant-a/redis", null, null);
        Assert.IsType<SentinelIdAnswer.Id>(await Client("tenant-a/redis", null, null).AskAsync(server.Endpoint, default));
        Assert.IsType<SentinelIdAnswer.Foreign>(await Client("tenant-b/redis", null, null).AskAsync(server.Endpoint, default));
    }

    [Fact]
    public async Task A_Sentinel_that_is_stopped_is_there_and_one_that_has_ended_is_silent()
    {
        await using var server = await StartAsync("tenant-a/redis", null, null);
        server.Process.Pause();
        Assert.IsType<SentinelIdAnswer.Unclear>(await Client("tenant-a/redis", null, null).AskAsync(server.Endpoint, default));
        await server.Process.KillAsync();
        Assert.IsType<SentinelIdAnswer.Silent>(await Client("tenant-a/redis", null, null).AskAsync(server.Endpoint, default));
    }

    private static Task<SentinelProcess> StartAsync(string cluster, string? sidecar, string? sentinel) =>
        SentinelProcess.StartAsync([$"sentinel myid {MyId}",
            .. Access(cluster, sidecar, sentinel).SentinelUsers.Select(words => "user " + string.Join(' ', words))]);

    private static SentinelIdClient Client(string cluster, string? sidecar, string? sentinel)
    {
        var access = Access(cluster, sidecar, sentinel);
        return new SentinelIdClient(e => new TcpTransport(e), As(access.Sidecar), As(access.Sentinel));

        static RedisClientOptions As(GroupLogin login) =>
            new()
            {
                Credentials = [new RedisCredential(login.User, login.Password)],
                ConnectTimeout = TimeSpan.FromSeconds(5),
                CommandTimeout = TimeSpan.FromSeconds(1)
            };
    }

    private static GroupAccess Access(string cluster, string? sidecar, string? sentinel)
    {
        Assert.True(ClusterId.TryParse(cluster, out var id));
        return new GroupAccess(id, new GroupSecrets { Sidecar = Of(sidecar), Sentinel = Of(sentinel) });

        static GroupSecret? Of(string? password) => password is null ? null : new GroupSecret(Secret.Of(password));
    }
}
