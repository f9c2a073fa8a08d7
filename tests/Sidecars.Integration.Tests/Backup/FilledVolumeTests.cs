using Sidecars.Bootstrap.Disk;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Backup;

/// <summary>
/// A volume that <c>redis-backup restore</c> has filled bears its mark, and by it is the only possible winner: it starts alone, and
/// beside empty ones, whatever the group remembers of the time before.
/// </summary>
[Collection(GroupTests.Name)]
public sealed class FilledVolumeTests
{
    [Theory]
    [InlineData(false)] // a tenant that has lost its volumes, and has a record
    [InlineData(true)] // a new tenant
    public async Task What_a_restore_has_filled_wins_alone_and_the_empty_ones_follow_it(bool isClone)
    {
        await using var rig = await BackupRig.StartAsync();
        await using (var client = await BackupRig.ConnectAsync(rig.Redis))
            await BackupRig.CallAsync(client, "SET", "restored", "1");
        (await rig.RunAsync("now")).Succeeded();
        var cluster = isClone ? "team-b/redis" : BackupRig.Cluster;
        await using var group = new LocalGroup(new LocalGroupOptions { Name = "filled", ClusterId = cluster });
        if (!isClone) await group.LiveAndLoseAsync();

        var filled = group.Redis[1];
        string[] named = isClone ? ["--new-cluster-id", cluster] : [];
        (await rig.RunAsync(["restore", .. named, "--target", filled.DataFolder])).Succeeded();
        Assert.Equal(FilledBy.Restore, DiskEvidenceReader.Read(filled.DataFolder, Durability.Aof).Filled);

        await filled.StartAsync();
        await group.WaitForAsync("the filled one to be master, alone", s => s.Master?.Node == filled);
        await group.StartAsync(group.Redis.Where(n => n != filled));
        await group.WaitForAsync("the filled one and its replicas", s => s.Master?.Node == filled && s.LinkedReplicas == 2);
        foreach (var node in group.Redis)
        {
            await using var client = await group.ConnectAsync(node, TimeSpan.FromSeconds(10));
            Assert.Equal("1", (await client.CallAsync(default, "GET", "restored")).Text);
        }
    }

    [Fact]
    public async Task A_restored_snapshot_bears_the_mark_too()
    {
        await using var rig = await BackupRig.StartAsync("appendonly no");
        await using (var client = await BackupRig.ConnectAsync(rig.Redis))
            await BackupRig.CallAsync(client, "SET", "restored", "1");
        (string, string)[] snapshots = [("DURABILITY", "rdb")];
        (await rig.RunAsync(snapshots, "now")).Succeeded();
        using var target = new TempFolder("filled");
        (await rig.RunAsync(snapshots, "restore", "--target", target.Path)).Succeeded();
        Assert.Equal(FilledBy.Restore, DiskEvidenceReader.Read(target.Path, Durability.Rdb).Filled);
    }
}
