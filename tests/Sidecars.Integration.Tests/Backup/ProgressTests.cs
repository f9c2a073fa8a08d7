using Sidecars.Backup.Archive;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Backup;

/// <summary>
/// A command that takes long says every 5 s on stderr what it is at. What it works with is held up: a named pipe stands in the place of a
/// file, and nobody writes to it.
/// </summary>
public sealed class ProgressTests
{
    [Fact]
    public async Task Now_says_for_whom_it_waits()
    {
        await using var rig = await BackupRig.StartAsync();
        await using (await rig.StartSidecarAsync()) await rig.WaitForBackupsAsync(1);
        var (lease, etag) = (await rig.Store.ReadLeaseAsync(default))!.Value;
        Assert.NotNull(await rig.Store.WriteLeaseAsync(lease with { Holder = "redis-9" }, etag, default)); // and never beats again

        await using (var process = await rig.StartAsync([("BACKUP_LEASE_RENEW", "30s"), ("BACKUP_LEASE_LIFE", "90s")], "now"))
        {
            await AssertSaysAsync(process, "waiting for the backup of redis-9, which uploads, ");
            Assert.Equal(143, await process.TerminateAsync(TimeSpan.FromSeconds(30)));
        }

        // With the short lease of these tests it is soon certain that nobody takes its place.
        (await rig.RunAsync("now")).Succeeded();
        Assert.Equal(2, (await rig.Store.ReadCatalogueAsync(default)).Backups.Length);
    }

    [Fact]
    public async Task Restore_says_what_it_restores()
    {
        await using var rig = await BackupRig.StartAsync();
        var backup = await BackUpAsync(rig);
        HoldUp(rig, backup, backup.Manifest.Base!.Name);

        await using var process = await rig.StartAsync([], "restore", "--target", rig.Folder.Folder("target"));
        await AssertSaysAsync(process, $"restoring {backup.Id}");
    }

    [Fact]
    public async Task Verify_says_that_a_server_loads()
    {
        await using var rig = await BackupRig.StartAsync();
        await BackUpAsync(rig);
        var server = rig.Folder.Write("server", "#!/bin/sh\nexec sleep 60\n"); // it never answers
        Assert.Null(Command.Run("chmod", "+x", server));

        await using var process = await rig.StartAsync([("REDIS_SERVER_BIN", server)], "verify");
        await AssertSaysAsync(process, "a server loads the restored data, ");
        Assert.Equal(143, await process.TerminateAsync(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public async Task Prune_says_what_it_looks_for()
    {
        await using var rig = await BackupRig.StartAsync();
        HoldUp(rig, await BackUpAsync(rig), BackupLayout.ManifestName);

        await using var process = await rig.StartAsync([], "prune");
        await AssertSaysAsync(process, "looking for what the retention does not keep, ");
    }

    private static async Task<BackupEntry> BackUpAsync(BackupRig rig)
    {
        (await rig.RunAsync("now")).Succeeded();
        return Assert.Single((await rig.Store.ReadCatalogueAsync(default)).Backups);
    }

    private static void HoldUp(BackupRig rig, BackupEntry backup, string name)
    {
        var file = Path.Combine(rig.StorePath, BackupRig.Layout.Base(backup.Manifest.Generation, backup.Id) + name);
        File.Delete(file);
        Assert.Null(Command.Run("mkfifo", file));
    }

    // Twice: it goes on saying so.
    private static async Task AssertSaysAsync(ServerProcess process, string line)
    {
        int Said() => process.Output.Count(said => said.StartsWith("! " + line, StringComparison.Ordinal));
        await process.WaitUntilAsync(line, () => Task.FromResult(Said() >= 2), TimeSpan.FromSeconds(60));
        Assert.True(process.Running);
    }
}
