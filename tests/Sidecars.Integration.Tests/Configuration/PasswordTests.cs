using System.Globalization;
using System.Text;
using Sidecars.Core.Configuration;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Configuration;

/// <summary>Whatever the password: real servers accept exactly it, replicate with it, and start again from what they rewrote.</summary>
public sealed class PasswordTests
{
    private static readonly ClusterId Cluster = Id("shop/cart");

    public static TheoryData<string> Passwords =>
    [
        "plain", " two  spaces ", "it's \"quoted\"", "#hash # tag", "back\\slash\\", "%s%n%d", "\\n\\x41\\", "äöü 日本 🚀", "\t\u0001\u007f",
        "\"", "'", "nopass", ">x", Random512,
    ];

    // Fixed seed: a failure must come back.
    private static string Random512
    {
        get
        {
            var random = new Random(20261121);
            return new string([.. Enumerable.Range(0, 512).Select(_ => (char)random.Next(' ', '~' + 1))]);
        }
    }

    [Theory]
    [MemberData(nameof(Passwords))]
    public async Task A_password_opens_the_server_and_replicates_also_after_a_rewrite(string password)
    {
        var secrets = new GroupSecrets { Default = new GroupSecret(Secret.Of(password)) };
        var access = new GroupAccess(Cluster, secrets);
        await using var master = await PlannedServer.RedisAsync(Cluster, secrets);
        await using var replica = await PlannedServer.RedisAsync(Cluster, secrets, master.Endpoint);
        await using var client = await master.ConnectAsync(null, password);
        Assert.Equal("OK", (await client.CallAsync(default, "SET", "k", "v")).Text);
        await AssertReplicatedAsync(replica, password);
        await AssertWrongPassAsync(master, null, password + "x");

        // Sentinel and we have it rewritten: Redis must be able to read what it wrote.
        await using (var sidecar = await replica.ConnectAsync(access.Sidecar))
            Assert.Equal("OK", (await sidecar.CallAsync(default, "CONFIG", "REWRITE")).Text);
        await replica.RestartAsync();
        await AssertReplicatedAsync(replica, password);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("the same")]
    public async Task A_node_of_another_group_gets_WRONGPASS_and_keeps_its_data(string? password)
    {
        var secrets = new GroupSecrets { Default = password is null ? null : new GroupSecret(Secret.Of(password)) };
        await using var master = await PlannedServer.RedisAsync(Cluster, secrets);
        await using var foreign = await PlannedServer.RedisAsync(Id("other/cart"), secrets);
        await using var data = await foreign.ConnectAsync(null, password);
        Assert.Equal("OK", (await data.CallAsync(default, "SET", "mine", "1")).Text);
        await using var sidecar = await foreign.ConnectAsync(new GroupAccess(Id("other/cart"), secrets).Sidecar);
        Assert.Equal("OK", (await sidecar.CallAsync(
            default, "REPLICAOF", master.Endpoint.Host, master.Endpoint.Port.ToString(CultureInfo.InvariantCulture))).Text);
        await foreign.Process.WaitForLineAsync(line => line.Contains("WRONGPASS", StringComparison.Ordinal), "the refusal");
        Assert.Equal(1, (await sidecar.CallAsync(default, "DBSIZE")).Integer);
    }

    [Fact]
    public async Task In_a_rotation_both_passwords_are_accepted()
    {
        var secrets = new GroupSecrets { Default = new GroupSecret(Secret.Of("new one"), Secret.Of("old one")) };
        await using var server = await PlannedServer.RedisAsync(Cluster, secrets);
        await using var current = await server.ConnectAsync(null, "new one");
        await using var previous = await server.ConnectAsync(null, "old one");
        await using var service = await server.ConnectAsync(Cluster.SidecarUser, "old one");
        Assert.Equal(Cluster.SidecarUser, (await service.CallAsync(default, "ACL", "WHOAMI")).Text);
    }

    [Fact]
    public async Task Users_of_an_acl_file_work_beside_ours_and_requirepass_keeps_protecting()
    {
        var secret = new GroupSecret(Secret.Of("own"));
        var secrets = new GroupSecrets { Replication = secret, Sentinel = secret, Sidecar = secret };
        await using var server = await PlannedServer.RedisAsync(
            Cluster, secrets, baseFile: "requirepass \"a b\"\naclfile /etc/elsewhere.acl\n", aclFile: "user ops on >x ~* +@all\n");
        await using var operations = await server.ConnectAsync("ops", "x");
        await using var clients = await server.ConnectAsync(null, "a b");
        await using var sidecar = await server.ConnectAsync(Cluster.SidecarUser, "own");
        await AssertWrongPassAsync(server, null, "");
        Assert.Equal("OK", (await sidecar.CallAsync(default, "ACL", "SAVE")).Text);
    }

    [Fact]
    public async Task Redis_would_open_to_all_where_an_acl_file_names_no_default_user()
    {
        // Why the merged file always has one.
        using var folder = new TempFolder();
        var users = folder.Write("users.acl", "user ops on >x ~* +@all\n");
        await using var redis = await RedisProcess.StartAsync("requirepass secret", $"aclfile {users}");
        await using var client = await RedisClient.ConnectAsync(new TcpTransport(redis.Endpoint), new RedisClientOptions(), default);
        Assert.Equal("PONG", (await client.CallAsync(default, "PING")).Text);
    }

    [Fact]
    public async Task A_line_break_in_a_password_works_in_Redis_but_becomes_a_directive_of_Sentinel()
    {
        // Why Secret refuses them. Redis alone would take one:
        await using var redis = await RedisProcess.StartAsync(Line("requirepass", "a\nb"));
        await using var client = await RedisClient.ConnectAsync(
            new TcpTransport(redis.Endpoint), new RedisClientOptions { Credentials = [new RedisCredential(null, "a\nb")] }, default);
        Assert.Equal("PONG", (await client.CallAsync(default, "PING")).Text);

        await using var sentinel = await SentinelProcess.StartAsync(
            $"sentinel monitor m 127.0.0.1 {redis.Port} 1", Line("sentinel", "auth-pass", "m", "a\nsentinel monitor evil 127.0.0.1 1 1"));
        await Eventually.UntilAsync(
            "the rewritten file", () => File.ReadAllLines(sentinel.ConfigFile).Contains("sentinel monitor evil 127.0.0.1 1 1"));
    }

    private static string Line(string name, params string[] arguments) => Encoding.ASCII.GetString(ConfigLine.Of(name, arguments).Raw.Span);

    private static ClusterId Id(string text) => ClusterId.TryParse(text, out var id) ? id : throw new ArgumentException(text);

    private static async Task AssertReplicatedAsync(PlannedServer replica, string password)
    {
        await using var client = await replica.ConnectAsync(null, password);
        await Eventually.UntilAsync("the key at the replica", async () => (await client.CallAsync(default, "GET", "k")).Text == "v",
            seen: () => replica.Process.Tail());
        await Eventually.UntilAsync("the link", async () => (await client.CallAsync(default, "INFO", "replication")).Text
            .Contains("master_link_status:up", StringComparison.Ordinal),
            seen: () => replica.Process.Tail());
    }

    private static async Task AssertWrongPassAsync(PlannedServer server, string? user, string password)
    {
        var failure = await Assert.ThrowsAsync<RedisConnectionException>(() => server.ConnectAsync(user, password));
        Assert.Equal(RedisFailure.Auth, failure.Failure);
    }
}
