using System.Globalization;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel.Leadership;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.Integration.Tests.Redis;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Bootstrap;

/// <summary>Passwords and TLS end to end.</summary>
[Collection(GroupTests.Name)]
public sealed class ProtectedGroupTests
{
    [Fact]
    public async Task Five_awkward_passwords_link_everybody_and_a_failover_works()
    {
        await using var group = new LocalGroup(new LocalGroupOptions
        {
            Name = "passwords",
            DownAfter = TimeSpan.FromSeconds(4),
            Passwords = new GroupPasswords
            {
                Redis = "with spaces and \"quotes\" # no comment",
                Replication = "it's 'single' \\x41 \\\\ and a tab\there",
                SentinelAuth = "# starts like a comment \"",
                Sidecar = "pässwörd ☃ 密码 \U0001F511",
                Sentinel = " >leading <and> trailing ~* &* +@all ",
            },
        });
        var old = (await group.StartHealthyAsync()).Master!.Node;
        await group.WriteKeysAsync(old, replicas: 2);
        AssertNoSecretsInLogs(group);
        await AssertAnonymousIsRefusedAsync(group);

        await old.KillAsync();
        await group.WaitForAsync("a failover", s => s.Master is { } m && m.Node != old && s.LinkedReplicas == 1);
        await old.StartAsync();
        var state = await group.WaitAgreedAsync();
        Assert.NotEqual(old, state.Master!.Node);
        await group.AssertAllKeysEverywhereAsync();
        AssertNoSecretsInLogs(group);
    }

    [Fact]
    public async Task A_group_speaks_nothing_but_TLS()
    {
        using var folder = new TempFolder("tls-group");
        using var authority = new TestAuthority(folder, "ca");
        var (certificate, key) = authority.Issue("node");
        await using var group = new LocalGroup(new LocalGroupOptions
        {
            Name = "tls",
            RedisCount = 2,
            SentinelCount = 1,
            Environment = new Dictionary<string, string>
            { ["TLS_CA_FILE"] = authority.CaFile, ["TLS_CERT_FILE"] = certificate, ["TLS_KEY_FILE"] = key },
            Transport = endpoint => new TlsTransport(endpoint, new TlsSettings { CaFile = authority.CaFile }),
        });
        var master = (await group.StartHealthyAsync()).Master!.Node;
        await group.WriteKeysAsync(master, replicas: 1);
        await group.AssertAllKeysEverywhereAsync();
        foreach (var node in group.All)
        {
            await using var plain = await LooseNode.ConnectAsync(node.Endpoint);
            await Assert.ThrowsAsync<RedisConnectionException>(() => plain.CallAsync(default, "PING"));
        }
    }

    /// <summary>By a hello at a Sentinel's own port, whoever may publish there makes any address the master.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_hello_that_a_client_publishes_at_a_Sentinel_is_denied(bool passwords)
    {
        await using var group = new LocalGroup(new LocalGroupOptions
        {
            Name = "hello",
            RedisCount = 2,
            SentinelCount = 1,
            SentinelBaseConfig = "user app on >application resetkeys ~* &* +@all\n",
            Passwords = passwords
                ? new GroupPasswords { Redis = "of clients", Sentinel = "of clients there", Sidecar = "of sidecars" }
                : new GroupPasswords(),
        });
        var master = (await group.StartHealthyAsync()).Master!.Node;
        await using var foreign = await RedisProcess.StartAsync("requirepass foreign");
        var name = group.Options.EffectiveMasterName;
        string[] hello =
        [
            "PUBLISH", HelloMessage.Channel,
            $"127.0.0.1,{FreePort.Next()},{new string('d', 40)},90,{name},{foreign.Endpoint.Host},{foreign.Port},90",
        ];
        foreach (var client in (RedisCredential?[])[passwords ? new(null, "of clients there") : null, new("app", "application")])
        {
            Assert.Equal("NOPERM", (await CallSentinelAsync(group, client, hello)).ErrorCode);
            Assert.Equal(master.Endpoint, await NamedAsync(group, client));
        }

        // The same words of the sidecars' user, who may: what was denied is what leads a Sentinel away.
        Assert.True(ClusterId.TryParse(group.Options.ClusterId, out var cluster));
        var sidecar = new RedisCredential(cluster.SidecarUser, passwords ? "of sidecars" : cluster.SidecarUser);
        Assert.False((await CallSentinelAsync(group, sidecar, hello)).IsError);
        await Eventually.UntilAsync("the Sentinel to be led away", async () => await NamedAsync(group, sidecar) == foreign.Endpoint);
    }

    private static async Task<RedisEndpoint> NamedAsync(LocalGroup group, RedisCredential? credential)
    {
        var reply = await CallSentinelAsync(group, credential, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", group.Options.EffectiveMasterName);
        return new RedisEndpoint(reply.Items[0].Text, int.Parse(reply.Items[1].Text, CultureInfo.InvariantCulture));
    }

    private static async Task<RespValue> CallSentinelAsync(LocalGroup group, RedisCredential? credential, params string[] words)
    {
        await using var client = await RedisClient.ConnectAsync(
            new TcpTransport(group.Sentinels[0].Endpoint),
            new RedisClientOptions
            {
                Credentials = credential is null ? [] : [credential],
                ConnectTimeout = TimeSpan.FromSeconds(10),
                CommandTimeout = TimeSpan.FromSeconds(10),
            },
            default);
        return await client.CallAsync(default, words);
    }

    private static void AssertNoSecretsInLogs(LocalGroup group)
    {
        string[] secrets = ["with spaces", "it's 'single'", "starts like a comment", "pässwörd", ">leading"];
        foreach (var node in group.All)
            Assert.DoesNotContain(node.Process!.Output, line => secrets.Any(s => line.Contains(s, StringComparison.Ordinal)));
    }

    private static async Task AssertAnonymousIsRefusedAsync(LocalGroup group)
    {
        foreach (var node in group.All)
        {
            await using var client = await LooseNode.ConnectAsync(node.Endpoint);
            Assert.StartsWith("NOAUTH", (await client.CallAsync(default, "ROLE")).Text, StringComparison.Ordinal);
        }
    }
}
