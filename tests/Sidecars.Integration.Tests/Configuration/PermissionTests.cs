using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Sidecars.Backup.Verify;
using Sidecars.Bootstrap.Configuration;
using Sidecars.Core.Configuration;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Configuration;

/// <summary>Real Sentinels and our own commands get along with exactly the rights that the plans give them.</summary>
public sealed class PermissionTests
{
    private static readonly ClusterId Cluster = ClusterId.TryParse("shop/cart", out var id) ? id : throw new InvalidOperationException();

    private static readonly GroupSecrets Separate = new()
    {
        Default = new GroupSecret(Secret.Of("for clients")),
        Replication = new GroupSecret(Secret.Of("for \"replicas\"")),
        Sentinel = new GroupSecret(Secret.Of("it's for sentinels #1")),
        Sidecar = new GroupSecret(Secret.Of("for sidecars")),
    };

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Sentinels_find_each_other_and_fail_over_with_their_own_users_alone(bool passwords)
    {
        var secrets = passwords ? Separate : new GroupSecrets();
        var access = new GroupAccess(Cluster, secrets);
        await using var master = await PlannedServer.RedisAsync(Cluster, secrets);
        await using var replica = await PlannedServer.RedisAsync(Cluster, secrets, master.Endpoint);
        await using var first = await PlannedServer.SentinelAsync(Cluster, secrets, master.Endpoint, 2, settings => Seeded(settings, 'a'));
        await using var second = await PlannedServer.SentinelAsync(Cluster, secrets, master.Endpoint, 2, settings => Seeded(settings, 'b'));
        await using var client = await first.ConnectAsync(access.Sidecar);
        await using var other = await second.ConnectAsync(access.Sidecar);
        foreach (var sentinel in (RedisClient[])[client, other])
            await Eventually.UntilAsync(
                "each Sentinel knows the other and the replica",
                async () => (await sentinel.CallAsync(default, "SENTINEL", "CKQUORUM", Cluster.MasterName)).Text
                    .StartsWith("OK 2", StringComparison.Ordinal)
                    && (await sentinel.CallAsync(default, "INFO", "sentinel")).Text.Contains("status=ok", StringComparison.Ordinal)
                    && (await sentinel.CallAsync(default, "SENTINEL", "REPLICAS", Cluster.MasterName)).Items is [var known]
                    && Field(known, "master-link-status") == "ok",
                seen: () => first.Process.Tail());

        await master.Process.KillAsync();

        string[] expected = [replica.Endpoint.Host, replica.Endpoint.Port.ToString(CultureInfo.InvariantCulture)];
        await Eventually.UntilAsync(
            "the failover",
            async () => (await client.CallAsync(default, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", Cluster.MasterName)).Items
                .Select(item => item.Text).SequenceEqual(expected),
            TimeSpan.FromSeconds(40), () => first.Process.Tail() + replica.Process.Tail());
        await using var promoted = await replica.ConnectAsync(access.Sidecar);
        Assert.Equal("master", (await promoted.CallAsync(default, "ROLE")).Items[0].Text);
        Assert.True(int.Parse(
            Field(await client.CallAsync(default, "SENTINEL", "MASTER", Cluster.MasterName), "config-epoch")!, CultureInfo.InvariantCulture)
            > 40);

        // The old master comes back and is made a replica, by the same rights (slaveof, config rewrite, client kill).
        await master.RestartAsync();
        await Eventually.UntilAsync(
            "the old master follows",
            async () =>
            {
                try
                {
                    await using var returned = await master.ConnectAsync(access.Sidecar);
                    return (await returned.CallAsync(default, "ROLE")).Items[0].Text == "slave";
                }
                catch (RedisConnectionException)
                {
                    return false; // the demotion cuts the connections there are
                }
            },
            TimeSpan.FromSeconds(40), () => first.Process.Tail());
        // Redis counts errors by their first word, those of every client.
        foreach (var server in (PlannedServer[])[master, replica])
        {
            await using var asked = await server.ConnectAsync(access.Sidecar);
            Assert.DoesNotContain("NOPERM", (await asked.CallAsync(default, "INFO", "errorstats")).Text, StringComparison.Ordinal);
            Assert.True((await asked.CallAsync(default, "GET", "k")).IsError);
            Assert.Contains(
                "errorstat_NOPERM:count=1", (await asked.CallAsync(default, "INFO", "errorstats")).Text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Every_command_that_the_sidecars_use_is_allowed_and_none_that_reads_data()
    {
        var access = new GroupAccess(Cluster, Separate);
        await using var server = await PlannedServer.RedisAsync(Cluster, Separate);
        await using var client = await server.ConnectAsync(access.Sidecar);
        foreach (var allowed in new[]
        {
            "PING", "ROLE", "INFO", "CONFIG GET min-replicas-to-write", "CONFIG SET min-replicas-to-write 99", "CONFIG REWRITE",
            "CLIENT PAUSE 1 WRITE", "CLIENT UNPAUSE", "CLIENT KILL TYPE normal SKIPME yes", "CLIENT LIST", "CLIENT SETNAME x", "WAIT 0 1",
            "BGREWRITEAOF", "LASTSAVE", "DBSIZE", "ACL WHOAMI", "ACL GETUSER default",
            "MULTI", "REPLICAOF NO ONE", "CONFIG SET min-replicas-to-write 0", "EXEC", "FAILOVER ABORT",
        })
        {
            var reply = await client.CallAsync(default, allowed.Split(' '));
            Assert.False(reply.ErrorCode == "NOPERM", $"{allowed}: {reply}");
        }

        foreach (var refused in new[] { "GET k", "SET k v", "KEYS *", "FLUSHALL", "MONITOR", "SUBSCRIBE x", "SYNC" })
            Assert.Equal("NOPERM", (await client.CallAsync(default, refused.Split(' '))).ErrorCode);

        await using var replication = await server.ConnectAsync(access.Replication);
        Assert.Equal("NOPERM", (await replication.CallAsync(default, "CONFIG", "GET", "*")).ErrorCode);
        await using var sentinel = await server.ConnectAsync(access.Sentinel);
        Assert.Equal("NOPERM", (await sentinel.CallAsync(default, "CONFIG", "SET", "maxmemory", "1")).ErrorCode);
        Assert.Equal("NOPERM", (await sentinel.CallAsync(default, "SUBSCRIBE", "of-a-tenant")).ErrorCode);
    }

    [Fact]
    public async Task At_a_Sentinel_nobody_may_remove_or_monitor_a_master()
    {
        await using var sentinel = await PlannedServer.SentinelAsync(Cluster, Separate, new RedisEndpoint("127.0.0.1", FreePort.Next()), 1);
        await using var client = await sentinel.ConnectAsync(new GroupAccess(Cluster, Separate).Sidecar);
        foreach (var allowed in new[]
        {
            "SENTINEL MASTERS", "SENTINEL MYID", "SENTINEL SENTINELS shop.cart", "SENTINEL RESET shop.cart", "SENTINEL FLUSHCONFIG",
            "SENTINEL SET shop.cart quorum 2", "INFO", "ACL WHOAMI"
        })
        {
            var reply = await client.CallAsync(default, allowed.Split(' '));
            Assert.False(reply.IsError, $"{allowed}: {reply}");
        }

        Assert.Equal("NOPERM", (await client.CallAsync(default, "SENTINEL", "REMOVE", "shop.cart")).ErrorCode);
        Assert.Equal("NOPERM", (await client.CallAsync(default, "SENTINEL", "MONITOR", "x", "127.0.0.1", "1", "1")).ErrorCode);
        Assert.False((await client.CallAsync(default, "SUBSCRIBE", "+switch-master")).IsError);
    }

    [Fact]
    public async Task The_plan_of_a_restart_reads_what_Sentinel_rewrote_around_an_unquoted_password()
    {
        await using var sentinel = await PlannedServer.SentinelAsync(
            Cluster, Separate, new RedisEndpoint("127.0.0.1", FreePort.Next()), 1, settings => Seeded(settings, 'c'));
        await using var client = await sentinel.ConnectAsync(new GroupAccess(Cluster, Separate).Sidecar);
        Assert.Equal("OK", (await client.CallAsync(default, "SENTINEL", "FLUSHCONFIG")).Text);
        var written = ConfigLoader.Load(sentinel.ConfigFile);
        Assert.NotEmpty(written.MalformedLines); // Sentinel itself could not start from it
        var plan = SentinelServerPlan.Calculate(written, new SentinelServerSettings
        {
            Cluster = Cluster,
            Port = sentinel.Endpoint.Port,
            Announce = sentinel.Endpoint,
            Master = new RedisEndpoint("127.0.0.1", 1),
            Quorum = 1,
            RunDirectory = Path.GetDirectoryName(sentinel.ConfigFile)!,
            Secrets = Separate,
        });
        Assert.Empty(plan.Problems);
        AtomicFile.Write(sentinel.ConfigFile, plan.Document.ToBytes(), AtomicFile.OwnerOnly);
        await sentinel.RestartAsync();
        await using var again = await sentinel.ConnectAsync(new GroupAccess(Cluster, Separate).Sidecar);
        Assert.Equal(new string('c', 40), (await again.CallAsync(default, "SENTINEL", "MYID")).Text);
        Assert.Equal("40", Field(await again.CallAsync(default, "SENTINEL", "MASTER", Cluster.MasterName), "config-epoch"));
    }

    [Fact]
    public async Task With_TLS_replication_runs_and_no_plain_port_answers()
    {
        using var folder = new TempFolder("tls");
        var tls = Certificates(folder);
        await using var master = await PlannedServer.RedisAsync(Cluster, Separate, change: settings => settings with { Tls = tls });
        await using var replica = await PlannedServer.RedisAsync(
            Cluster, Separate, master.Endpoint, change: settings => settings with { Tls = tls, UnixSocket = folder.File("redis.sock") });
        await using var client = await RedisClient.ConnectAsync(
            new UnixTransport(folder.File("redis.sock")),
            new RedisClientOptions { Credentials = [new RedisCredential(Cluster.SidecarUser, "for sidecars")] }, default);
        await Eventually.UntilAsync("the link", async () => (await client.CallAsync(default, "INFO", "replication")).Text
            .Contains("master_link_status:up", StringComparison.Ordinal),
            seen: () => replica.Process.Tail());
        await Assert.ThrowsAsync<RedisConnectionException>(() => master.ConnectAsync(null, "for clients"));
    }

    [Fact]
    public async Task SIGTERM_right_after_a_full_resync_is_obeyed()
    {
        // Without "force" Redis 7.0 says "Writing initial AOF, can't exit" here, and SIGKILL is next.
        await using var master = await PlannedServer.RedisAsync(Cluster, Separate);
        await using var writer = await master.ConnectAsync(null, "for clients");
        Assert.False((await writer.CallAsync(default, "EVAL", "for i=1,2000 do redis.call('set','k'..i,'x') end", "0")).IsError);
        // 1 ms a key: the first AOF of the replica takes two seconds, however fast the machine.
        await using var replica = await PlannedServer.RedisAsync(Cluster, Separate, master.Endpoint, "rdb-key-save-delay 1000\n");
        await replica.Process.WaitForLineAsync(
            line => line.Contains("Finished with success", StringComparison.Ordinal), "the end of the resync");
        Assert.Equal(0, await replica.Process.TerminateAsync(TimeSpan.FromSeconds(30)));
        Assert.Contains(replica.Process.Output, line => line.Contains("Writing initial AOF. Exit anyway", StringComparison.Ordinal));
    }

    private static SentinelServerSettings Seeded(SentinelServerSettings settings, char id) =>
        settings with { MyId = new string(id, 40), CurrentEpoch = 40, ConfigEpoch = 40 };

    private static TlsFiles Certificates(TempFolder folder)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        var pem = folder.Write("tls.crt", certificate.ExportCertificatePem());
        return new TlsFiles(pem, pem, folder.Write("tls.key", key.ExportPkcs8PrivateKeyPem()));
    }

    private static string? Field(RespValue map, string name)
    {
        for (var i = 0; i + 1 < map.Items.Count; i += 2)
            if (map.Items[i].Text == name) return map.Items[i + 1].Text;
        return null;
    }
}
