using Sidecars.Core.Redis;
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
