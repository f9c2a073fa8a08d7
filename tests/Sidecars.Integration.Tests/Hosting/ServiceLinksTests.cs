using System.Globalization;
using System.Text.RegularExpressions;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Hosting;

/// <summary>
/// The variables that kubelet sets for Services whose names are the first half of a setting's (enableServiceLinks), as the seed's
/// YAML has them: the port of a Service that is asked is taken from its link; a link in the place of a port of the process itself is
/// reported once and ignored; and every executable starts.
/// </summary>
public sealed partial class ServiceLinksTests
{
    // The links that are reported, and what each prints once it runs; {0} is the server's port, which a Sentinel and status have from
    // REDIS_SERVER_SERVICE_PORT alone. Commands that print a result report nothing.
    [Theory]
    [InlineData("redis-bootstrap redis", "SENTINEL_PORT ANNOUNCE_PORT", "Ready to accept connections")]
    [InlineData("redis-bootstrap sentinel", "REDIS_PORT ANNOUNCE_PORT", "+monitor master test.loose 127.0.0.1 {0} ")]
    [InlineData("redis-failover run", "SENTINEL_PORT ANNOUNCE_PORT", "the sidecar of 127.0.0.1:{0} in test/loose")]
    [InlineData("redis-failover status", "", "127.0.0.1:{0}  master")]
    [InlineData("redis-backup run", "REDIS_PORT", "backups of test/loose go to ")]
    [InlineData("redis-backup now", "", "backup 2")]
    [InlineData("redis-probe liveness", "SENTINEL_PORT", "alive: PONG")]
    public async Task Every_executable_starts_and_takes_a_link_for_what_it_is(string command, string ignored, string runs)
    {
        string[] words = command.Split(' ');
        await using var node = new LooseNode();
        foreach (var (name, value) in Links(node.Endpoint.Port)) node.Environment[name] = value;
        node.Environment["REDIS_PORT"] = Text(node.Endpoint.Port);
        await node.StartAsync();
        await node.WaitServingAsync();

        var environment = new Dictionary<string, string>(node.Environment)
        {
            ["CONFIG_DIR"] = node.File("second"),
            ["BACKUP_STORE"] = Directory.CreateDirectory(node.File("store")).FullName,
            ["METRICS_PORT"] = "0",
        };
        if (command is not ("redis-bootstrap redis" or "redis-failover run" or "redis-probe liveness"))
            environment["REDIS_PORT"] = Links(0)["REDIS_PORT"];
        if (command == "redis-bootstrap sentinel") environment["SENTINEL_PORT"] = Text(FreePort.Next());
        if (words[0] == "redis-backup") environment["REDIS_HOST"] = node.Endpoint.ToString();
        await using var process = command == "redis-bootstrap redis"
            ? null
            : await ServerProcess.StartAsync(
                new ServerStart(Repository.NativeExecutable(words[0]), words[1..]) { Environment = environment });
        var read = process ?? node.Process;
        var sign = string.Format(CultureInfo.InvariantCulture, runs, node.Endpoint.Port);
        await read.WaitForLineAsync(line => line.Contains(sign, StringComparison.Ordinal), sign, TimeSpan.FromSeconds(30));
        Assert.Equal(
            ignored.Split(' ', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal),
            read.Output.SelectMany(line => Ignored().Matches(line)).Select(match => match.Groups[1].Value).Order(StringComparer.Ordinal));
    }

    // Of Services named redis, sentinel, announce, redis-server, redis-server-service, redis-sentinel and redis-sentinel-service.
    private static Dictionary<string, string> Links(int serverPort)
    {
        var variables = new Dictionary<string, string>();
        foreach (var (service, port) in new[] { ("REDIS", 6379), ("SENTINEL", 26379), ("ANNOUNCE", 6379), ("REDIS_SERVER", 6379),
            ("REDIS_SERVER_SERVICE", serverPort), ("REDIS_SENTINEL", 26379), ("REDIS_SENTINEL_SERVICE", FreePort.Next()) })
        {
            var link = $"{service}_PORT_{Text(port)}_TCP";
            variables[$"{service}_PORT"] = variables[link] = $"tcp://10.0.0.1:{Text(port)}";
            variables[$"{link}_PROTO"] = "tcp";
            variables[$"{link}_PORT"] = Text(port);
            variables[$"{link}_ADDR"] = "10.0.0.1";
        }

        // The pod's YAML says where these are.
        variables["REDIS_SERVER_SERVICE_HOST"] = variables["REDIS_SENTINEL_SERVICE_HOST"] = "127.0.0.1";
        return variables;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    [GeneratedRegex(@"\b([A-Z_]+)=tcp://[0-9.:]+ is the link to a Service of that name, not a setting: ")]
    private static partial Regex Ignored();
}
