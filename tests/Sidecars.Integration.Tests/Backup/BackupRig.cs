using System.Globalization;
using Sidecars.Backup.Archive;
using Sidecars.Backup.Store.Directories;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Backup;

/// <summary>What a run of redis-backup ended with.</summary>
internal sealed record CliResult(int ExitCode, string Output)
{
    public CliResult Succeeded()
    {
        Assert.True(ExitCode == 0, $"exit code {ExitCode}\n{Output}");
        return this;
    }
}

/// <summary>A Redis with AOF, a store in a directory, and redis-backup as a process.</summary>
internal sealed class BackupRig : IAsyncDisposable
{
    public const string Cluster = "tenant/redis";

    private BackupRig(TempFolder folder, RedisProcess redis) => (Folder, Redis) = (folder, redis);

    public TempFolder Folder { get; }

    public RedisProcess Redis { get; }

    public string StorePath => Folder.File("store");

    public BackupStore Store => new(new DirectoryStore(StorePath), Layout);

    public static BackupLayout Layout =>
        ClusterId.TryParse(Cluster, out var id) ? new BackupLayout(id) : throw new InvalidOperationException();

    /// <summary>Settings of the group's shipped configuration that matter here; DEBUG for the digest.</summary>
    public static string[] Aof => ["appendonly yes", "aof-timestamp-enabled yes", "appendfsync everysec", "enable-debug-command yes",
        "auto-aof-rewrite-percentage 0"];

    public static async Task<BackupRig> StartAsync(params string[] more)
    {
        var rig = new BackupRig(new TempFolder("backup"), await RedisProcess.StartAsync([.. Aof, .. more]));
        Directory.CreateDirectory(rig.StorePath); // which redis-backup never does
        return rig;
    }

    public static async Task<RedisClient> ConnectAsync(RedisProcess redis) =>
        await RedisClient.ConnectAsync(
            new TcpTransport(redis.Endpoint), new RedisClientOptions { CommandTimeout = TimeSpan.FromSeconds(20) }, default);

    public static async Task<string> DigestAsync(RedisProcess redis)
    {
        await using var client = await ConnectAsync(redis);
        return (await client.CallAsync(default, "DEBUG", "DIGEST")).Text;
    }

    public static Task<ServerProcess> StartSidecarAsync(
        RedisProcess redis, string store, string node = "redis-0", params (string, string)[] more) =>
        StartSidecarAsync(redis.Endpoint, redis.Folder, store, node, more);

    public static Task<ServerProcess> StartSidecarAsync(
        RedisEndpoint redis, string data, string store, string node, params (string, string)[] more) =>
        ServerProcess.StartAsync(
            new ServerStart(Executable, "run") { Name = node, Environment = EnvironmentOf(redis, data, store, node, more) });

    public Task<ServerProcess> StartSidecarAsync(params (string, string)[] more) => StartSidecarAsync(Redis, StorePath, "redis-0", more);

    public Task<CliResult> RunAsync(params string[] arguments) => RunAsync([], arguments);

    public async Task<CliResult> RunAsync((string, string)[] more, params string[] arguments)
    {
        await using var process = await StartAsync(more, arguments);
        var code = await process.WaitForExitAsync(TimeSpan.FromSeconds(60));
        return new CliResult(code, process.Tail(200));
    }

    /// <summary>Starts a command, which may not end.</summary>
    public Task<ServerProcess> StartAsync((string, string)[] more, params string[] arguments) =>
        ServerProcess.StartAsync(new ServerStart(Executable, arguments)
        { Environment = EnvironmentOf(Redis.Endpoint, Redis.Folder, StorePath, "redis-0", more) });

    /// <summary>Waits until a sidecar says that everything written before this call is in the store.</summary>
    public Task WaitUntilCoveredAsync() => WaitUntilCoveredAsync(Store);

    /// <inheritdoc cref="WaitUntilCoveredAsync()"/>
    public static async Task WaitUntilCoveredAsync(BackupStore store)
    {
        var now = TimeProvider.System.GetUtcNow();
        await Eventually.UntilAsync(
            "the tail to be shipped", async () => (await store.ReadLeaseAsync(default)) is { } lease && lease.Lease.CoveredUntil > now);
    }

    public Task WaitForBackupsAsync(int count) =>
        Eventually.UntilAsync($"{count} backups", async () => (await Store.ReadCatalogueAsync(default)).Backups.Length >= count);

    /// <summary>Waits for the next second of the server, so that no command of this one comes later; returns the second before.</summary>
    public static async Task<DateTimeOffset> EndOfSecondAsync(RedisClient client)
    {
        var second = await SecondAsync(client);
        await Eventually.UntilAsync("the next second", async () => await SecondAsync(client) > second);
        return DateTimeOffset.FromUnixTimeSeconds(second);
    }

    /// <summary>The server's clock.</summary>
    public static async Task<long> SecondAsync(RedisClient client) =>
        long.Parse((await client.CallAsync(default, "TIME")).Items[0].Text, CultureInfo.InvariantCulture);

    /// <summary>BGREWRITEAOF, to its end.</summary>
    public static async Task RewriteAsync(RedisClient client)
    {
        Assert.False((await client.CallAsync(default, "BGREWRITEAOF")).IsError);
        await Eventually.UntilAsync("the rewrite", async () =>
            InfoReply.TryParse(await client.CallAsync(default, "INFO", "persistence"), out var info) && info.AofRewriteInProgress == false
            && info.Get("aof_rewrite_scheduled") == "0");
    }

    /// <summary>A command that must succeed.</summary>
    public static async Task CallAsync(RedisClient client, params string[] words)
    {
        var reply = await client.CallAsync(default, words);
        Assert.False(reply.IsError, reply.ToString());
    }

    /// <summary>Restores, starts an untouched server on it, and gives its digest.</summary>
    public async Task<string> RestoredDigestAsync(string to, params (string, string)[] more)
    {
        using var target = new TempFolder("restored");
        (await RunAsync(more, "restore", "--to", to, "--target", target.Path)).Succeeded();
        await using var server = await RedisProcess.StartAsync(
            target, FreePort.Next(), "appendonly yes", "enable-debug-command yes", "aof-load-truncated no");
        return await DigestAsync(server);
    }

    public async ValueTask DisposeAsync()
    {
        await Redis.DisposeAsync();
        Folder.Dispose();
    }

    public static string Executable => Path.Combine(AppContext.BaseDirectory, "redis-backup");

    private static Dictionary<string, string> EnvironmentOf(
        RedisEndpoint redis, string data, string store, string node, (string, string)[] more)
    {
        var environment = new Dictionary<string, string>
        {
            ["BACKUP_STORE"] = store,
            ["CLUSTER_ID"] = Cluster,
            ["NODE_NAME"] = node,
            ["DATA_DIR"] = data,
            ["REDIS_HOST"] = redis.ToString(),
            ["METRICS_PORT"] = "0",
            ["BACKUP_FLUSH"] = "100",
            ["BACKUP_LEASE_RENEW"] = "300",
            ["BACKUP_LEASE_LIFE"] = "1000",
        };
        if (Environment.GetEnvironmentVariable("DOTNET_ROOT") is { } root) environment["DOTNET_ROOT"] = root;
        foreach (var (name, value) in more) environment[name] = value;
        return environment;
    }
}
