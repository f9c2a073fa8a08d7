using Sidecars.Backup.Archive;
using Sidecars.Backup.Retention;
using Sidecars.Backup.Store;
using Sidecars.Backup.Store.Directories;
using Sidecars.TestKit.Processes;

namespace Sidecars.Unit.Tests.Backup;

public sealed class PruneRunnerTests : IDisposable
{
    private static readonly RetentionRules Rules = new(TimeSpan.FromDays(7), 0, 0, 0);
    private readonly TempFolder _folder = new("prune");
    private readonly BackupStore _store;

    public PruneRunnerTests() => _store = new BackupStore(new DirectoryStore(_folder.Path), new BackupLayout(Samples.Cluster));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task What_interrupted_uploads_left_goes_once_nobody_can_be_at_it_any_more()
    {
        var now = Samples.Time(10 * 86_400);
        var whole = Samples.Backup(1, 9 * 86_400, (1, 0), (1, 0));
        await Samples.PutAsync(_store, whole, []);
        var old = _store.Layout.Base(1, BackupLayout.BaseId(Samples.Time(86_400), 1)) + "appendonly.aof.1.base.rdb";
        var recent = _store.Layout.Base(2, BackupLayout.BaseId(now - TimeSpan.FromHours(47), 2)) + "appendonly.aof.1.base.rdb";
        await PutAsync(old);
        await PutAsync(recent);
        Partial("old", now - TimeSpan.FromHours(49));
        Partial("recent", now - TimeSpan.FromHours(47));

        var dry = await new PruneRunner(_store).RunAsync(Rules, now, dryRun: true, default);
        Assert.Equal([old], dry.Leftovers);
        Assert.Equal((1, 3L), (dry.Unfinished, dry.Bytes));
        Assert.Contains(old, await KeysAsync());
        var report = await new PruneRunner(_store).RunAsync(Rules, now, dryRun: false, default);
        Assert.Equal([old], report.Leftovers);
        Assert.Equal(1, report.Unfinished);
        var left = await KeysAsync();
        Assert.DoesNotContain(old, left);
        Assert.Contains(recent, left);
        Assert.Contains(_store.Layout.Base(1, whole.Id) + whole.Manifest.Base!.Name, left);
        Assert.Equal(["recent"], Directory.GetFiles(_folder.File(".partial")).Select(Path.GetFileName));
        Assert.Empty((await new PruneRunner(_store).RunAsync(Rules, now, dryRun: false, default)).Leftovers);
    }

    private async Task PutAsync(string key) =>
        Assert.NotNull(await _store.Objects.PutAsync(key, ObjectContent.Of("rdb"u8.ToArray()), PutCondition.None, default));

    private void Partial(string name, DateTimeOffset changed) =>
        File.SetLastWriteTimeUtc(_folder.Write(".partial/" + name, "x"), changed.UtcDateTime);

    private async Task<List<string>> KeysAsync()
    {
        var keys = new List<string>();
        await foreach (var entry in _store.Objects.ListAsync(_store.Layout.Root, null, default)) keys.Add(entry.Key);
        return keys;
    }
}
