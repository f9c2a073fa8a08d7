using System.Globalization;
using Sidecars.Manifests.Tests.Rendering;
using Sidecars.TestKit.Processes;

namespace Sidecars.Manifests.Tests.Tenants;

public sealed class RealServerTests
{
    [ToolTheory("kubectl", "redis-server", "redis-sentinel", "redis-cli")]
    [InlineData("demo-a", "noeviction", false)]
    [InlineData("demo-b", "allkeys-lru", true)]
    public async Task Rendered_servers_start_with_what_their_manifests_say(string tenant, string policy, bool hasUsers)
    {
        var rendered = await Renders.GetAsync($"tenants/{tenant}");
        using var folder = new TempFolder(tenant);
        var (port, sentinelPort) = (FreePort.Next(), FreePort.Next());
        await using var redis = await RenderedServer.StartAsync(rendered, "redis", tenant, folder, port, sentinelPort);
        await using var sentinel = await RenderedServer.StartAsync(rendered, "sentinel", tenant, folder, port, sentinelPort);
        var (sidecar, sidecarPassword) = ($"sidecar-{tenant}/redis", "secret of sidecar-password");

        var configured = rendered.OfKind("ConfigMap").Single(map => map.Name.StartsWith("redis-config", StringComparison.Ordinal)).Node
            .Map("data")["10-memory.conf"]
            .Split('\n').Single(line => line.StartsWith("maxmemory ", StringComparison.Ordinal)).Split(' ')[1];
        var bytes = long.Parse(configured[..^2], CultureInfo.InvariantCulture) * (1 << 20);
        Assert.Equal($"maxmemory\n{bytes}\n", await AskAsync(port, sidecar, sidecarPassword, "config", "get", "maxmemory"));
        Assert.Equal($"maxmemory-policy\n{policy}\n", await AskAsync(port, sidecar, sidecarPassword, "config", "get", "maxmemory-policy"));
        Assert.Equal("OK\n", await AskAsync(port, "default", "secret of redis-password", "set", "app:key", "1"));
        // The exporter's user reads no data; an application's reads its own.
        Assert.StartsWith("NOPERM", await AskAsync(port, sidecar, sidecarPassword, "get", "app:key"), StringComparison.Ordinal);
        if (hasUsers) Assert.Equal("1\n", await AskAsync(port, "app", RenderedServer.AppPassword, "get", "app:key"));
        // What a client that speaks Sentinel asks, and what the exporter of the Sentinel does.
        Assert.Equal($"127.0.0.1\n{port}\n", await AskAsync(
            sentinelPort, "default", "secret of sentinel-password", "sentinel", "get-master-addr-by-name", $"{tenant}.redis"));
        Assert.Contains($"name={tenant}.redis,status=ok", await AskAsync(sentinelPort, sidecar, sidecarPassword, "info", "sentinel"),
            StringComparison.Ordinal);
    }

    private static async Task<string> AskAsync(int port, string user, string password, params string[] command)
    {
        var variables = new Dictionary<string, string> { ["REDISCLI_AUTH"] = password };
        var answer = await Tool.RunAsync("redis-cli", ["-p", $"{port}", "--user", user, "--no-auth-warning", .. command], variables);
        return answer.Output;
    }
}
