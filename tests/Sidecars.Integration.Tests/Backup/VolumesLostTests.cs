using System.Globalization;
using Sidecars.Backup.Archive;
using Sidecars.Backup.Store.Directories;
using Sidecars.Core.Primitives;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Backup;

/// <summary>
/// A whole group without its volumes: the election's winner restores the newest backup before it serves, and the others follow it.
/// </summary>
[Collection(GroupTests.Name)]
public sealed class VolumesLostTests : IDisposable
{
    private readonly TempFolder _store = new("volumes-lost");

    public void Dispose() => _store.Dispose();

    [Fact]
    public async Task A_group_whose_volumes_are_all_emptied_comes_back_from_the_store_each_time()
    {
        await using var group = new LocalGroup(Options());
        await group.StartHealthyAsync();
        await using var reports = GroupSidecars.Start(group);
        await Eventually.UntilAsync("the master to be on record", async () => (await reports.RecordAsync()).LastServing is not null);
        for (var round = 1; round <= 2; round++)
        {
            var master = (await group.ObserveAsync()).Master!.Node;
            var uploaders = await Task.WhenAll(group.Redis.Select(
                n => BackupRig.StartSidecarAsync(n.Endpoint, n.DataFolder, _store.Path, n.Name, ("CLUSTER_ID", group.Options.ClusterId))));
            await using (var client = await group.ConnectAsync(master, TimeSpan.FromSeconds(5)))
                for (var i = 0; i < 500; i++)
                    Assert.Equal("OK", (await client.CallAsync(
                        default, "SET", string.Create(CultureInfo.InvariantCulture, $"key:{round}:{i}"), $"{i}")).Text);
            await WaitUntilCoveredAsync(group);
            await Task.WhenAll(uploaders.Select(u => u.KillAsync()));
            await Task.WhenAll(group.All.Select(n => n.KillAsync()));
            foreach (var node in group.Redis) node.WipeData();

            await group.StartAsync(group.All);
            var state = await group.WaitAgreedAsync();
            await using (var client = await group.ConnectAsync(state.Master!.Node, TimeSpan.FromSeconds(5)))
            {
                Assert.Equal(500 * round, (await client.CallAsync(default, "DBSIZE")).Integer);
                Assert.Equal("499", (await client.CallAsync(default, "GET", $"key:{round}:499")).Text);
            }

            Assert.Contains("restoring", state.Master.Node.Process!.Codes());
            // replicas start empty
            Assert.DoesNotContain("restoring", group.Redis.Where(n => n != state.Master.Node).SelectMany(n => n.Process!.Codes()));
            foreach (var uploader in uploaders) await uploader.DisposeAsync();
            await Eventually.UntilAsync(
                "the new term on record", async () => (await reports.RecordAsync()).LastServing?.Node == state.Master.Node.Name);
        }
    }

    [Fact]
    public async Task Where_there_is_no_backup_nobody_starts_empty_until_a_person_says_so()
    {
        await using var group = new LocalGroup(Options());
        await group.StartHealthyAsync();
        await Task.WhenAll(group.All.Select(n => n.KillAsync()));
        foreach (var node in group.Redis) node.WipeData();
        await group.StartAsync(group.All);
        await Eventually.UntilAsync("the winner to say that it can't restore",
            () => Task.FromResult(group.Redis.Any(n => n.Process!.Codes() is [.., "restore-failed"])));
        var winner = group.Redis.First(n => n.Process!.Codes() is [.., "restore-failed"]);
        Assert.Contains("no backup of demo/redis is listed", winner.Process!.Decisions()[^1].Reason, StringComparison.Ordinal);
        await using var allow = await ServerProcess.StartAsync(
            new ServerStart(LooseNode.Executable, "allow-empty") { Environment = winner.Process!.Start.Environment });
        Assert.Equal(0, await allow.WaitForExitAsync());
        var state = await group.WaitAgreedAsync();
        Assert.Equal(winner, state.Master!.Node);
    }

    private LocalGroupOptions Options()
    {
        var environment = new Dictionary<string, string>
        { ["RESTORE_ON_EMPTY"] = "true", ["RESTORE_COMMAND"] = BackupRig.Executable, ["BACKUP_STORE"] = _store.Path };
        if (Environment.GetEnvironmentVariable("DOTNET_ROOT") is { } root) environment["DOTNET_ROOT"] = root;
        return new LocalGroupOptions { Name = "volumes-lost", Environment = environment };
    }

    private async Task WaitUntilCoveredAsync(LocalGroup group)
    {
        Assert.True(ClusterId.TryParse(group.Options.ClusterId, out var cluster));
        var store = new BackupStore(new DirectoryStore(_store.Path), new BackupLayout(cluster));
        var now = TimeProvider.System.GetUtcNow();
        await Eventually.UntilAsync("a backup, and all that was written", async () =>
            (await store.ReadCatalogueAsync(default)) is { Uploader: { } lease } catalogue && lease.CoveredUntil > now
            && catalogue.Backups.Any(b => b.Manifest.Generation == lease.Generation));
    }
}
