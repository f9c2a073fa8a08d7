using System.Text;
using Sidecars.Bootstrap.Configuration;
using Sidecars.Core.Configuration;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Configuration;

/// <summary>A real server on a planned configuration, in a folder of its own.</summary>
internal sealed class PlannedServer : IAsyncDisposable
{
    private readonly TempFolder _folder;
    private readonly bool _sentinel;

    private PlannedServer(TempFolder folder, RedisEndpoint endpoint, bool sentinel) =>
        (_folder, Endpoint, _sentinel) = (folder, endpoint, sentinel);

    public RedisEndpoint Endpoint { get; }

    public ServerProcess Process { get; private set; } = null!;

    public string ConfigFile => _folder.File(_sentinel ? "sentinel.conf" : "redis.conf");

    public static Task<PlannedServer> RedisAsync(
        ClusterId cluster, GroupSecrets secrets, RedisEndpoint? follow = null, string baseFile = "", string? aclFile = null,
        Func<RedisServerSettings, RedisServerSettings>? change = null)
    {
        var folder = new TempFolder("redis");
        var endpoint = new RedisEndpoint("127.0.0.1", FreePort.Next());
        var settings = new RedisServerSettings
        {
            Cluster = cluster,
            Port = endpoint.Port,
            Announce = endpoint,
            Follow = follow,
            DataDirectory = folder.Path,
            RunDirectory = folder.Path,
            RedisCount = 2,
            Secrets = secrets,
        };
        var document = RedisConfigDocument.Parse(Encoding.UTF8.GetBytes(baseFile));
        var plan = RedisServerPlan.Calculate(
            document, aclFile is null ? null : Encoding.UTF8.GetBytes(aclFile), change?.Invoke(settings) ?? settings);
        return StartAsync(new PlannedServer(folder, endpoint, sentinel: false), plan);
    }

    public static Task<PlannedServer> SentinelAsync(
        ClusterId cluster, GroupSecrets secrets, RedisEndpoint master, int quorum,
        Func<SentinelServerSettings, SentinelServerSettings>? change = null)
    {
        var folder = new TempFolder("sentinel");
        var endpoint = new RedisEndpoint("127.0.0.1", FreePort.Next());
        var settings = new SentinelServerSettings
        {
            Cluster = cluster,
            Port = endpoint.Port,
            Announce = endpoint,
            Master = master,
            Quorum = quorum,
            RunDirectory = folder.Path,
            DownAfterMilliseconds = 3000, // 1 s is not long on a busy machine: a second failover would undo the first
            Secrets = secrets,
        };
        return StartAsync(new PlannedServer(folder, endpoint, sentinel: true),
            SentinelServerPlan.Calculate(RedisConfigDocument.Parse([]), change?.Invoke(settings) ?? settings));
    }

    /// <summary>Connects and logs in; null user: the default one; null password: no login.</summary>
    public Task<RedisClient> ConnectAsync(string? user, string? password) =>
        RedisClient.ConnectAsync(
            new TcpTransport(Endpoint),
            new RedisClientOptions
            {
                Credentials = password is null ? [] : [new RedisCredential(user, password)],
                ConnectTimeout = TimeSpan.FromSeconds(10),
                CommandTimeout = TimeSpan.FromSeconds(10),
            },
            CancellationToken.None);

    public Task<RedisClient> ConnectAsync(GroupLogin login) => ConnectAsync(login.User, login.Password);

    public async Task RestartAsync()
    {
        if (Process is not null) await Process.DisposeAsync();
        string[] arguments = _sentinel ? [ConfigFile, "--sentinel"] : [ConfigFile];
        Process = await ServerProcess.StartAsync(new ServerStart("redis-server", arguments) { WorkingDirectory = _folder.Path });
        var ready = _sentinel ? "+monitor" : "Ready to accept connections";
        await Process.WaitForLineAsync(line => line.Contains(ready, StringComparison.Ordinal), ready);
    }

    public async ValueTask DisposeAsync()
    {
        if (Process is not null) await Process.DisposeAsync();
        _folder.Dispose();
    }

    private static async Task<PlannedServer> StartAsync(PlannedServer server, ServerPlan plan)
    {
        try
        {
            Assert.Empty(plan.Problems);
            AtomicFile.Write(server.ConfigFile, plan.Document.ToBytes(), AtomicFile.OwnerOnly);
            if (plan.AclFile is { } users) AtomicFile.Write(server._folder.File("users.acl"), users, AtomicFile.OwnerOnly);
            await server.RestartAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }
}
