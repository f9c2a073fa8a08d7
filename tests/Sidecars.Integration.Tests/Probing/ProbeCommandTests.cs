using System.Text.RegularExpressions;
using Sidecars.Core.Primitives;
using Sidecars.Integration.Tests.Redis;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Probing;

/// <summary>The executable itself: names, mistakes, help, TLS.</summary>
public sealed class ProbeCommandTests
{
    private static readonly Dictionary<string, string> Nothing = [];

    [Fact]
    public async Task The_seeds_script_names_are_links_to_it()
    {
        using var folder = new TempFolder("probe");
        var (live, sentinelCheck) = (folder.File("live_check.sh"), folder.File("sentinel_check.sh"));
        File.CreateSymbolicLink(live, Repository.NativeExecutable("redis-probe"));
        File.CreateSymbolicLink(sentinelCheck, Repository.NativeExecutable("redis-probe"));
        await using var redis = await RedisProcess.StartAsync();
        await using var sentinel = await SentinelProcess.StartAsync();
        var both = ProbeRun.At(redis.Endpoint);
        both["SENTINEL_PORT"] = ProbeRun.At(sentinel.Endpoint)["SENTINEL_PORT"];
        Assert.Equal(new ProbeRun(0, "alive: PONG", ""), await ProbeRun.RunAsync("", both, live));
        Assert.Equal(new ProbeRun(0, "alive: PONG", ""), await ProbeRun.RunAsync("", both, sentinelCheck));
        await sentinel.Process.KillAsync();
        Assert.Equal(0, (await ProbeRun.RunAsync("", both, live)).Code);
        Assert.Equal(1, (await ProbeRun.RunAsync("", both, sentinelCheck)).Code);
    }

    [Fact]
    public async Task Every_mistake_is_listed_with_code_2_and_no_password_is_shown()
    {
        var run = await ProbeRun.RunAsync("alive --role postgres", new Dictionary<string, string>
        {
            ["REDIS_PORT"] = "tcp://10.0.0.1",
            ["PROBE_TIMEOUT"] = "0",
            ["SENTINEL"] = "maybe",
            ["CLUSTER_ID"] = "a/b/c",
            ["REDIS_SENTINEL_SERVICE_HOST"] = "a:b:c:!",
            ["REDIS_PASSWORD"] = "hidden\nhidden",
            ["SIDECAR_PASSWORD_FILE"] = "/nonexistent",
            ["TLS_CA_FILE"] = "/ca.crt",
        });
        Assert.Equal(2, run.Code);
        Assert.Empty(run.Output);
        foreach (var name in new[]
        {
            "'alive'", "--role", "REDIS_PORT", "PROBE_TIMEOUT", "SENTINEL is 'maybe'", "CLUSTER_ID", "REDIS_SENTINEL_SERVICE_HOST",
            "REDIS_PASSWORD", "SIDECAR_PASSWORD_FILE", "redis-probe-tls"
        })
            Assert.Contains(name, run.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_link_to_a_Service_is_no_port()
    {
        await using var redis = await RedisProcess.StartAsync();
        var variables = ProbeRun.At(redis.Endpoint);
        variables["SENTINEL_PORT"] = "tcp://10.96.10.2:26379";
        Assert.Equal(0, (await ProbeRun.RunAsync("liveness", variables)).Code);
        variables["REDIS_PORT"] = "tcp://10.96.10.1:6379"; // the server is elsewhere, and the reason is said
        Assert.Contains("REDIS_PORT=tcp://10.96.10.1:6379 is the link", (await ProbeRun.RunAsync("readiness", variables)).Output,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Help_and_version_need_no_setting()
    {
        var help = await ProbeRun.RunAsync("--help", Nothing);
        Assert.Equal(0, help.Code);
        // The text is written by hand; the names in the sources that read them must all be there (SSL_… are set, for OpenSSL), but for the
        // former ones of durations.
        var sources = string.Concat(new[] { "Sidecars.Probe/ProbeOptions.cs", "Sidecars.Bootstrap/ProbeTls/TlsOfProbe.cs" }
            .Select(file => File.ReadAllText(Path.Combine(Repository.Root, "src", file))));
        var names = Regex.Matches(sources, "\"([A-Z][A-Z_]{4,})\"").Select(match => match.Groups[1].Value)
            .Where(name => !Regex.IsMatch(name, "^SSL_|_(MS|SECONDS)$")).ToHashSet();
        Assert.True(names.Count > 20);
        Assert.All(names, name => Assert.Contains(name, help.Output, StringComparison.Ordinal));
        Assert.StartsWith("redis-probe 0.", (await ProbeRun.RunAsync("--version", Nothing)).Output, StringComparison.Ordinal);
        Assert.Equal(2, (await ProbeRun.RunAsync("", Nothing)).Code);
    }

    [Fact]
    public async Task Tls_by_the_executable_that_has_it()
    {
        using var folder = new TempFolder("tls");
        using var authority = new TestAuthority(folder, "ca");
        using var stranger = new TestAuthority(folder, "stranger");
        var (certificate, key) = authority.Issue("server");
        var endpoint = new RedisEndpoint("127.0.0.1", FreePort.Next());
        await using var redis = await RedisProcess.StartAsync(
            FormattableString.Invariant($"tls-port {endpoint.Port}"), $"tls-cert-file {certificate}", $"tls-key-file {key}",
            $"tls-ca-cert-file {authority.CaFile}");
        var trusted = ProbeRun.At(
            endpoint, more: [("TLS_CA_FILE", authority.CaFile), ("TLS_CERT_FILE", certificate), ("TLS_KEY_FILE", key)]);
        var ready = await ProbeRun.RunAsync("readiness", trusted, "redis-probe-tls");
        Assert.True(ready.Code == 0 && ready.Output.StartsWith("ready: master", StringComparison.Ordinal), ready.Output + ready.Errors);

        // Sentinels too, one after the other there; this one listens for both.
        var port = FreePort.Next();
        await using var sentinel = await SentinelProcess.MonitorAsync("tenant.redis", endpoint, 1, 5000,
            FormattableString.Invariant($"tls-port {port}"), $"tls-cert-file {certificate}", $"tls-key-file {key}",
            $"tls-ca-cert-file {authority.CaFile}");
        trusted["REDIS_SENTINEL_SERVICE_HOST"] = FormattableString.Invariant($"127.0.0.1:{port}, 127.0.0.1:{FreePort.Next()}");
        var asking = await ProbeRun.RunAsync("readiness", trusted, "redis-probe-tls");
        Assert.True(asking.Code == 0 && asking.Output.EndsWith("1 of 3 Sentinels agree", StringComparison.Ordinal), asking.ToString());
        trusted["TLS_CA_FILE"] = stranger.CaFile;
        var foreign = await ProbeRun.RunAsync("liveness", trusted, "redis-probe-tls");
        Assert.True(foreign.Code == 1 && foreign.Output.Contains("no TLS with", StringComparison.Ordinal), foreign.Output + foreign.Errors);
        Assert.StartsWith("ready: master", (await ProbeRun.RunAsync("readiness", ProbeRun.At(redis.Endpoint), "redis-probe-tls")).Output,
            StringComparison.Ordinal);
    }
}
