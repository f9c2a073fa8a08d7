using System.Diagnostics;
using System.Globalization;
using Sidecars.Manifests.Tests.Rendering;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Manifests.Tests.Tenants;

/// <summary>The rendered pod without a kubelet: its environment, its ConfigMap and Secrets as files, the published executables.</summary>
public sealed class RealServerTests
{
    private const string AppPassword = "of-the-application";

    [ToolTheory("kubectl", "redis-server", "redis-cli")]
    [InlineData("demo-a", "noeviction", false)]
    [InlineData("demo-b", "allkeys-lru", true)]
    public async Task A_rendered_Redis_starts_with_what_its_manifest_says(string tenant, string policy, bool hasUsers)
    {
        var rendered = await Renders.GetAsync($"tenants/{tenant}");
        using var folder = new TempFolder(tenant);
        var (port, nobody) = (FreePort.Next(), FreePort.Next());
        var environment = Environment(rendered, tenant, folder);
        foreach (var (name, value) in new Dictionary<string, string>
        {
            ["REDIS_SERVER_SERVICE_HOST"] = $"127.0.0.1:{port}", ["REDIS_SENTINEL_SERVICE_HOST"] = $"127.0.0.1:{nobody}", ["REDIS_PORT"] = $"{port}",
            ["ANNOUNCE_HOST"] = "127.0.0.1", ["REDIS_COUNT"] = "1", ["SENTINEL_COUNT"] = "1", ["ELECTION"] = "file", ["ELECTION_DIR"] = folder.Folder("election"),
            ["DATA_DIR"] = folder.Folder("data"), ["CONFIG_DIR"] = folder.Folder("run"),
        }) environment[name] = value;

        var start = new ProcessStartInfo(Repository.NativeExecutable("redis-bootstrap"), ["redis"]) { RedirectStandardOutput = true };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        using var redis = Process.Start(start)!;
        var log = redis.StandardOutput.ReadToEndAsync();
        try
        {
            await Eventually.UntilAsync(
                "readiness", async () => redis.HasExited || (await Tool.RunAsync(Repository.NativeExecutable("redis-probe"), ["readiness", "--role", "redis"], environment)).ExitCode == 0);
            Assert.False(redis.HasExited, redis.HasExited ? await log : "");

            var maxmemory = rendered.OfKind("ConfigMap").Single(map => map.Name.StartsWith("redis-config", StringComparison.Ordinal)).Node.Map("data")["10-memory.conf"]
                .Split('\n').Single(line => line.StartsWith("maxmemory ", StringComparison.Ordinal)).Split(' ')[1];
            var bytes = long.Parse(maxmemory[..^2], CultureInfo.InvariantCulture) * (1 << 20);
            Assert.Equal($"maxmemory\n{bytes}\n", await AskAsync(port, $"sidecar-{tenant}/redis", "secret of sidecar-password", "config", "get", "maxmemory"));
            Assert.Equal($"maxmemory-policy\n{policy}\n", await AskAsync(port, $"sidecar-{tenant}/redis", "secret of sidecar-password", "config", "get", "maxmemory-policy"));
            Assert.Equal("OK\n", await AskAsync(port, "default", "secret of redis-password", "set", "app:key", "1"));
            // The exporter's user reads no data; an application's reads its own.
            Assert.StartsWith("NOPERM", await AskAsync(port, $"sidecar-{tenant}/redis", "secret of sidecar-password", "get", "app:key"), StringComparison.Ordinal);
            if (hasUsers) Assert.Equal("1\n", await AskAsync(port, "app", AppPassword, "get", "app:key"));
        }
        finally
        {
            redis.Kill();
            await redis.WaitForExitAsync();
        }
    }

    // TLS is left out: its files are cert-manager's, and the executables' own tests speak it.
    private static Dictionary<string, string> Environment(Rendered rendered, string tenant, TempFolder folder)
    {
        var redis = rendered.Workload("redis");
        Dictionary<string, string> environment = new() { ["POD_NAME"] = "redis-0", ["POD_NAMESPACE"] = tenant, ["POD_UID"] = "0f3c" };
        foreach (var variable in redis.Main.Items("env").Where(variable => !variable.Text("name")!.StartsWith("TLS_", StringComparison.Ordinal)))
            if (variable.Text("value") is { } value) environment[variable.Text("name")!] = value == "$(POD_NAME)" ? "redis-0" : Moved(value);
        var data = rendered.OfKind("ConfigMap").Single(map => map.Name.StartsWith("redis-config", StringComparison.Ordinal)).Node.Map("data");
        foreach (var (name, text) in data) folder.Write($"etc/redis/{name}", Moved(text));
        foreach (var key in Policies.ReferenceTests.Inputs()["redis-auth"]) folder.Write($"etc/redis-auth/{key}", $"secret of {key}\n");
        folder.Write("etc/redis-users/users.conf", $"user app on >{AppPassword} ~app:* +@read\n");
        return environment;

        string Moved(string text) => text.Replace("/etc/redis", folder.File("etc", "redis"), StringComparison.Ordinal);
    }

    private static async Task<string> AskAsync(int port, string user, string password, params string[] command)
    {
        var variables = new Dictionary<string, string> { ["REDISCLI_AUTH"] = password };
        var answer = await Tool.RunAsync("redis-cli", ["-p", $"{port}", "--user", user, "--no-auth-warning", .. command], variables);
        return answer.Output;
    }
}
