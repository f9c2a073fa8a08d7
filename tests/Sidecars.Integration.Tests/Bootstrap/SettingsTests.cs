using System.Text.RegularExpressions;
using Sidecars.Core.Hosting;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.Groups;

namespace Sidecars.Integration.Tests.Bootstrap;

/// <summary>The settings of redis-bootstrap: mistakes, help, the seed image's names, the user's redis.conf.</summary>
public sealed partial class SettingsTests
{
    private static readonly (string Name, string Value)[] Wrong =
    [
        ("SENTINEL", "perhaps"), ("CLUSTER_ID", "a/b/c"), ("MASTER_NAME", "with space"), ("NODE_NAME", "../up"),
        ("REDIS_PORT", "0"), ("SENTINEL_PORT", "65536"), ("REDIS_SENTINEL_SERVICE_PORT", "x"), ("REDIS_SERVER_SERVICE_PORT", "-1"),
        ("REDIS_SENTINEL_SERVICE_HOST", "bad host:1:2"), ("REDIS_SERVER_SERVICE_HOST", "1.2.3.4:99999"),
        ("ANNOUNCE_HOST", "host:1"), ("ANNOUNCE_PORT", "0"), ("REDIS_COUNT", "0"), ("SENTINEL_COUNT", "32"),
        ("DURABILITY", "maybe"), ("REDIS_BASE_CONFIG", "/no/such/file"), ("SENTINEL_BASE_CONFIG", "/no/such/file"), ("ELECTION", "coin"),
        ("ELECTOR_URL", "ftp://x/"), ("SENTINEL_DOWN_AFTER", "999"), ("SENTINEL_FAILOVER_TIMEOUT", "1e3"),
        ("SENTINEL_SLOT", "31"), ("CONNECT_TIMEOUT", "49"), ("COMMAND_TIMEOUT", "60001"), ("RETRY_MAX", "99"),
        ("WAIT_DEADLINE", "0"), ("LOG_LEVEL", "loud"), ("LOG_FORMAT", "xml"), ("TLS_CA_FILE", "/no/such/file"),
        ("TLS_CERT_FILE", "/no/such/file"),
        ("TLS_KEY_FILE", "/no/such/file"), ("REDIS_PASSWORD_FILE", "/no/such/file"), ("REPLICATION_PASSWORD_FILE", "/no/such/file"),
        ("SENTINEL_AUTH_PASSWORD_FILE", "/no/such/file"), ("SIDECAR_PASSWORD_FILE", "/no/such/file"),
        ("SENTINEL_PASSWORD_FILE", "/no/such/file"),
        ("SIDECAR_PASSWORD_PREVIOUS", "pa55w0rd"),
    ];

    [Fact]
    public async Task All_wrong_settings_are_listed_at_once_with_their_names()
    {
        await using var node = new LooseNode(Wrong);
        var process = await node.StartAsync();
        Assert.Equal(ExitCode.WrongConfiguration, await process.WaitForExitAsync());
        Assert.All(
            Wrong, setting => Assert.Contains(process.Output, line => line.StartsWith($"! {setting.Name}", StringComparison.Ordinal)));
        Assert.DoesNotContain(process.Output, line => line.Contains("pa55w0rd", StringComparison.Ordinal));
        Assert.False(Directory.Exists(node.ConfigFolder));
    }

    [Fact]
    public async Task Relations_between_settings_are_checked()
    {
        await using var node = new LooseNode(
            ("SENTINEL_DOWN_AFTER", "5000"), ("SENTINEL_FAILOVER_TIMEOUT", "5000"),
            ("REDIS_PASSWORD", "one"), ("REDIS_PASSWORD_FILE", "/two"), ("REDIS_SERVER_SERVICE_HOST", ""));
        node.Environment["TLS_CA_FILE"] = node.Write("ca", "");
        var process = await node.StartAsync("redis", "extra");
        Assert.Equal(ExitCode.WrongConfiguration, await process.WaitForExitAsync());
        foreach (var expected in (string[])
            [
                "SENTINEL_FAILOVER_TIMEOUT must be longer than SENTINEL_DOWN_AFTER",
                "REDIS_PASSWORD and REDIS_PASSWORD_FILE are both set",
                "REDIS_SERVER_SERVICE_HOST is not set", "TLS_CA_FILE, TLS_CERT_FILE and TLS_KEY_FILE must all be set",
                "'extra' is not redis",
            ])
            Assert.Contains(process.Output, line => line.Contains(expected, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Help_lists_every_variable_that_is_read_and_no_other()
    {
        var source = string.Concat(
            await File.ReadAllTextAsync(Path.Combine(Repository.Root, "src", "Sidecars.Bootstrap", "Options", "BootstrapOptions.cs")),
            await File.ReadAllTextAsync(Path.Combine(Repository.Root, "src", "Sidecars.Core", "Group", "GroupSettings.cs")),
            await File.ReadAllTextAsync(Path.Combine(Repository.Root, "src", "Sidecars.Core", "Group", "KubernetesSettings.cs")),
            await File.ReadAllTextAsync(Path.Combine(Repository.Root, "src", "Sidecars.Core", "Hosting", "LogSettings.cs")));
        var read = VariableLiteral().Matches(source).Select(match => match.Groups[1].Value).ToHashSet();
        read.UnionWith(read.Where(name => name.EndsWith("PASSWORD", StringComparison.Ordinal)).ToArray()
            .SelectMany(name => (string[])[name + "_FILE", name + "_PREVIOUS", name + "_PREVIOUS_FILE"]));
        read.RemoveWhere(name => name.EndsWith("_MS", StringComparison.Ordinal)); // former names are read, and not listed
        Assert.Contains("REDIS_SENTINEL_SERVICE_HOST", read); // the pattern finds something

        await using var node = new LooseNode();
        var process = await node.StartAsync("--help");
        Assert.Equal(ExitCode.Ok, await process.WaitForExitAsync());
        var listed = process.Output.Select(line => HelpLine().Match(line)).Where(match => match.Success)
            .Select(match => match.Groups[1].Value);
        Assert.Equal(read.Order(StringComparer.Ordinal), listed.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Version_says_what_it_is()
    {
        await using var node = new LooseNode();
        var process = await node.StartAsync("--version");
        Assert.Equal(ExitCode.Ok, await process.WaitForExitAsync());
        Assert.Matches(@"^redis-bootstrap \d+\.\d+\.\d+", Assert.Single(process.Output));
    }

    [Fact]
    public async Task SENTINEL_true_starts_a_Sentinel()
    {
        await using var node = new LooseNode(("SENTINEL", "true"));
        var process = await node.StartAsync("start");
        Assert.Equal("Wait", (await process.WaitForDecisionAsync("no-redis")).Kind);
    }

    [Fact]
    public async Task The_seed_images_names_with_plain_hosts_and_ports_are_understood()
    {
        await using var sentinel = new FakeSentinel('a', new FakeSentinelView());
        await using var node = new LooseNode();
        node.Environment["REDIS_SENTINEL_SERVICE_HOST"] = "localhost 127.0.0.1";
        node.Environment["REDIS_SENTINEL_SERVICE_PORT"] =
            sentinel.Endpoint.Port.ToString(System.Globalization.CultureInfo.InvariantCulture);
        node.Environment["REDIS_SERVER_SERVICE_HOST"] = "127.0.0.1";
        node.Environment.Remove("ELECTION"); // all on one machine: a file lock
        var process = await node.StartAsync();
        Assert.Contains("1 of 1 Sentinels answer and none knows the master name", (await process.WaitForDecisionAsync("elected")).Reason,
            StringComparison.Ordinal);
        await node.WaitServingAsync();
    }

    [Fact]
    public async Task Settings_of_the_users_redis_conf_and_its_include_are_in_the_running_server()
    {
        await using var node = new LooseNode();
        var include = node.Write("more.conf", "hz 23\nslowlog-max-len 77\n");
        node.Environment["REDIS_BASE_CONFIG"] = node.Write("base.conf", $"""
            # ours
            port 1
            maxmemory 64mb
            maxmemory-policy allkeys-lru
            include {include}
            rename-command DEBUG ""
            save 3600 1
            client-output-buffer-limit pubsub 8mb 2mb 60
            """);
        var process = await node.StartAsync();
        await node.WaitServingAsync();
        Assert.Equal("67108864", await node.ConfigAsync("maxmemory"));
        Assert.Equal("allkeys-lru", await node.ConfigAsync("maxmemory-policy"));
        Assert.Equal("23", await node.ConfigAsync("hz"));
        Assert.Equal("77", await node.ConfigAsync("slowlog-max-len"));
        Assert.Equal("3600 1", await node.ConfigAsync("save"));
        Assert.Contains("pubsub 8388608 2097152 60", await node.ConfigAsync("client-output-buffer-limit"), StringComparison.Ordinal);
        await using var client = await node.ConnectAsync();
        Assert.True((await client.CallAsync(default, "DEBUG", "JMAP")).IsError);
        Assert.Contains(
            "port", Assert.Single(process.Events("settings-overruled")).GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_mistake_in_the_users_redis_conf_ends_the_start_before_the_wait()
    {
        await using var node = new LooseNode(("REDIS_COUNT", "3"));
        node.Environment["REDIS_BASE_CONFIG"] = node.Write("base.conf", "rename-command ROLE \"\"\ncluster-enabled yes\n");
        var process = await node.StartAsync();
        Assert.Equal(ExitCode.WrongConfiguration, await process.WaitForExitAsync());
        var problems = process.Events("wrong-configuration").Select(e => e.GetProperty("message").GetString()!).ToArray();
        Assert.Contains(problems, text => text.StartsWith("rename-command ROLE", StringComparison.Ordinal));
        Assert.Contains(problems, text => text.StartsWith("cluster-enabled", StringComparison.Ordinal));
    }

    [GeneratedRegex("\"([A-Z]{2,}[A-Z0-9]*(?:_[A-Z0-9]+)*)\"")]
    private static partial Regex VariableLiteral();

    [GeneratedRegex(@"^  ([A-Z][A-Z0-9_]+) \(")]
    private static partial Regex HelpLine();
}
