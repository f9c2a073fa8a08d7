using System.Globalization;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Demo.Tenant;

/// <summary>Both sidecars of one Redis; each is at most one process at a time.</summary>
internal sealed class LocalSidecars(LocalGroup group, LocalNode node, int failoverPort, int backupPort) : IAsyncDisposable
{
    private ServerProcess? _failover;
    private ServerProcess? _backup;

    /// <summary>The executable of backups.</summary>
    public static string Backup => Repository.NativeExecutable("redis-backup");

    /// <summary>Where <c>redis-failover run</c> serves its metrics.</summary>
    public Uri FailoverMetrics { get; } = Metrics(failoverPort);

    /// <summary>Where <c>redis-backup run</c> serves its metrics.</summary>
    public Uri BackupMetrics { get; } = Metrics(backupPort);

    /// <summary>True while both run.</summary>
    public bool Running => _failover is { Running: true } && _backup is { Running: true };

    /// <summary>Those that run, with their names.</summary>
    public IEnumerable<(string Name, ServerProcess Process)> Processes =>
        ((ServerProcess?[])[_failover, _backup]).OfType<ServerProcess>().Where(one => one.Running).Select(one => (one.Start.Name, one));

    /// <summary>What a command of <c>redis-backup</c> beside this Redis is configured with.</summary>
    public IReadOnlyDictionary<string, string> BackupEnvironment => new Dictionary<string, string>(group.EnvironmentOf(node))
    {
        ["REDIS_HOST"] = node.Endpoint.ToString(),
        ["METRICS_PORT"] = Text(backupPort),
        // Defaults are 30 s and 90 s: here the uploader of a pod that was killed is replaced in seconds, as one that ends by SIGTERM is.
        ["BACKUP_LEASE_RENEW"] = "1000",
        ["BACKUP_LEASE_LIFE"] = "3000",
    };

    /// <summary>Returns once both have a pid.</summary>
    public async Task StartAsync()
    {
        if (Processes.Any()) throw new InvalidOperationException($"the sidecars of {node} run already");
        ServerProcess?[] old = [_failover, _backup]; // disposed last: a display may ask meanwhile whether they run
        Dictionary<string, string> metrics = new() { ["METRICS_PORT"] = Text(failoverPort) };
        _failover = await group.StartSidecarAsync(node, metrics, start => Logged(start));
        var backup = new ServerStart(Backup, "run") { Name = node.Name + "-backup", Environment = BackupEnvironment };
        _backup = await ServerProcess.StartAsync(Logged(backup));
        await DisposeAsync(old);
    }

    /// <summary>SIGKILL to both.</summary>
    public Task KillAsync() => Task.WhenAll(Processes.Select(one => one.Process.KillAsync()));

    public async ValueTask DisposeAsync() => await DisposeAsync([_failover, _backup]);

    private static async Task DisposeAsync(ServerProcess?[] processes)
    {
        foreach (var process in processes)
            if (process is not null) await process.DisposeAsync();
    }

    // A sidecar that outlives this program logs to a file, as the nodes of such a group do.
    private ServerStart Logged(ServerStart start) =>
        group.Options.Detached ? start with { DetachedLog = Path.Combine(group.Folder, start.Name + ".log") } : start;

    private static Uri Metrics(int port) => new($"http://127.0.0.1:{Text(port)}/metrics");

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
