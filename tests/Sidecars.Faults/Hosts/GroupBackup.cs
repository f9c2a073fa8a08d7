using Sidecars.Backup.Archive;
using Sidecars.Backup.Store.Directories;
using Sidecars.Core.Primitives;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Faults.Hosts;

/// <summary>Continuous backup of a group into a folder, by redis-backup in each Redis' pod, and what lets an election restore it.</summary>
internal sealed class GroupBackup : IAsyncDisposable
{
    private static readonly TimeSpan CoverPatience = TimeSpan.FromSeconds(60);
    private readonly TempFolder _store = new("faults-store");
    private readonly LocalGroup _group;
    private readonly System.Collections.Concurrent.ConcurrentDictionary<LocalNode, ServerProcess> _running = new();

    public GroupBackup(LocalGroup group)
    {
        _group = group;
        foreach (var node in group.Redis)
        {
            node.Environment["RESTORE_ON_EMPTY"] = "true";
            node.Environment["RESTORE_COMMAND"] = Tool;
            node.Environment["BACKUP_STORE"] = _store.Path;
        }
    }

    private static string Tool => Repository.NativeExecutable("redis-backup");

    /// <summary>The container of a Redis' pod.</summary>
    public Container ContainerOf(LocalNode node) =>
        new(node.Name + "-backup", () => StartAsync(node), () => _running.GetValueOrDefault(node));

    /// <summary>Waits until the store holds what was acknowledged before the call.</summary>
    public async Task WaitUntilCoveredAsync()
    {
        var called = TimeProvider.System.GetUtcNow();
        if (!ClusterId.TryParse(_group.Options.ClusterId, out var cluster)) throw new InvalidOperationException(_group.Options.ClusterId);
        var store = new BackupStore(new DirectoryStore(_store.Path), new BackupLayout(cluster));
        await Eventually.UntilAsync(
            "a backup of what was acknowledged",
            async () => await store.ReadCatalogueAsync(default) is { Uploader: { } lease, Backups.Length: > 0 }
                && lease.CoveredUntil > called,
            CoverPatience,
            () => string.Join('\n', _running.Values.Select(p => p.Tail(10))));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var one in _running.Values) await one.DisposeAsync();
        _store.Dispose();
    }

    private async Task StartAsync(LocalNode node)
    {
        var old = _running.GetValueOrDefault(node);
        var environment = new Dictionary<string, string>(_group.EnvironmentOf(node))
        {
            ["REDIS_HOST"] = "127.0.0.1",
            ["BACKUP_LEASE_RENEW"] = "1000",
            ["BACKUP_LEASE_LIFE"] = "3000",
            ["METRICS_PORT"] = "0",
        };
        var start =
            new ServerStart(Tool, "run") { Name = node.Name + "-backup", Environment = environment, WorkingDirectory = node.DataFolder };
        _running[node] = await ServerProcess.StartAsync(LocalGroup.At(node.Place, start));
        if (old is not null) await old.DisposeAsync();
    }
}
