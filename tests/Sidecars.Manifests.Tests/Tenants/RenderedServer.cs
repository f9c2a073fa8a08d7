using System.Diagnostics;
using Sidecars.Manifests.Tests.Policies;
using Sidecars.Manifests.Tests.Rendering;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Manifests.Tests.Tenants;

/// <summary>
/// The main container of a rendered pod without a kubelet: its environment, its ConfigMap and Secrets as files, the published
/// executables, a group of one on loopback. TLS is left out: its files are cert-manager's, and the executables' tests speak it.
/// </summary>
internal sealed class RenderedServer : IAsyncDisposable
{
    public const string AppPassword = "of-the-application";

    private readonly string _role;
    private readonly Dictionary<string, string> _environment;
    private readonly Process _process;
    private readonly Task<string> _log;

    private RenderedServer(string role, Dictionary<string, string> environment)
    {
        (_role, _environment) = (role, environment);
        var start = new ProcessStartInfo(Repository.NativeExecutable("redis-bootstrap"), [role]) { RedirectStandardOutput = true };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        _process = Process.Start(start)!;
        _log = _process.StandardOutput.ReadToEndAsync();
    }

    /// <summary>Starts it and waits for its readiness probe.</summary>
    /// <param name="rendered">The tenant.</param>
    /// <param name="role">redis or sentinel: workload, container and mode have one name.</param>
    /// <param name="tenant">Its namespace.</param>
    /// <param name="folder">Where its files go.</param>
    /// <param name="redisPort">Port of the one Redis.</param>
    /// <param name="sentinelPort">Port of the one Sentinel.</param>
    public static async Task<RenderedServer> StartAsync(
        Rendered rendered, string role, string tenant, TempFolder folder, int redisPort, int sentinelPort)
    {
        var environment = Environment(rendered, role, tenant, folder);
        Dictionary<string, string> loopback = new()
        {
            ["REDIS_SERVER_SERVICE_HOST"] = $"127.0.0.1:{redisPort}",
            ["REDIS_SENTINEL_SERVICE_HOST"] = $"127.0.0.1:{sentinelPort}",
            ["REDIS_PORT"] = $"{redisPort}",
            ["SENTINEL_PORT"] = $"{sentinelPort}",
            ["ANNOUNCE_HOST"] = "127.0.0.1",
            ["REDIS_COUNT"] = "1",
            ["SENTINEL_COUNT"] = "1",
            ["ELECTION"] = "file",
            ["ELECTION_DIR"] = folder.Folder("election"),
            ["DATA_DIR"] = folder.Folder("data"),
            ["CONFIG_DIR"] = folder.Folder($"run-{role}"),
        };
        foreach (var (name, value) in loopback) environment[name] = value;
        var server = new RenderedServer(role, environment);
        try
        {
            await Eventually.UntilAsync($"readiness of {role}", async () => server._process.HasExited || await server.IsReadyAsync());
            Assert.False(server._process.HasExited, server._process.HasExited ? await server._log : "");
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private async Task<bool> IsReadyAsync() =>
        (await Tool.RunAsync(Repository.NativeExecutable("redis-probe"), ["readiness", "--role", _role], _environment)).ExitCode == 0;

    private static Dictionary<string, string> Environment(Rendered rendered, string role, string tenant, TempFolder folder)
    {
        Dictionary<string, string> environment =
            new() { ["NODE_NAME"] = $"{role}-0", ["POD_NAMESPACE"] = tenant, ["POD_UID"] = "0f3c", ["POD_IP"] = "127.0.0.1" };
        foreach (var (name, value) in rendered.EnvironmentOf(rendered.Workload(role).Main))
            if (value is not null && !name.StartsWith("TLS_", StringComparison.Ordinal))
                environment[name] = value == "$(POD_NAME)" ? $"{role}-0" : Moved(value);
        foreach (var (name, text) in rendered.OfKind("ConfigMap")
            .Single(map => map.Name.StartsWith($"{role}-config", StringComparison.Ordinal)).Node.Map("data"))
            folder.Write($"{role}/etc/redis/{name}", Moved(text));
        foreach (var key in ReferenceTests.Inputs()["redis-auth"]) folder.Write($"{role}/etc/redis-auth/{key}", $"secret of {key}\n");
        folder.Write($"{role}/etc/redis-users/users.conf", $"user app on >{AppPassword} ~app:* +@read\n");
        return environment;

        string Moved(string text) => text.Replace("/etc/redis", folder.File(role, "etc", "redis"), StringComparison.Ordinal);
    }
}
