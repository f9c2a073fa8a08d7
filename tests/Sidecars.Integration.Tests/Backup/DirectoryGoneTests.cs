using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Backup;

/// <summary>A directory as a store is a volume, which may not be mounted: no second store is begun in its place.</summary>
public sealed class DirectoryGoneTests
{
    [Theory]
    [InlineData(false, "is its volume mounted")]
    [InlineData(true, "another directory lies at")]
    public async Task A_store_that_is_gone_under_a_running_sidecar_is_missed_and_not_made_anew(bool hasMountPoint, string said)
    {
        await using var rig = await BackupRig.StartAsync();
        await using var sidecar = await rig.StartSidecarAsync();
        await rig.WaitForBackupsAsync(1);
        var (path, away) = (rig.Folder.File("store"), rig.Folder.File("away"));
        await using var client = await BackupRig.ConnectAsync(rig.Redis);

        Directory.Move(path, away);
        if (hasMountPoint) Directory.CreateDirectory(path);
        await BackupRig.CallAsync(client, "SET", "a", "1");
        // By its next segment, or by the look at what it has stored that follows a base.
        await sidecar.WaitForLineAsync(
            line => (line.Contains("\"store_failed\"", StringComparison.Ordinal) || line.Contains("\"failed\"", StringComparison.Ordinal))
                && line.Contains(said, StringComparison.Ordinal),
            "the store is missed");
        Assert.Equal(hasMountPoint, Directory.Exists(path));
        if (hasMountPoint) Assert.Empty(Directory.EnumerateFileSystemEntries(path));

        if (hasMountPoint) Directory.Delete(path);
        Directory.Move(away, path);
        await rig.WaitUntilCoveredAsync();
        Assert.Equal(await BackupRig.DigestAsync(rig.Redis), await rig.RestoredDigestAsync("latest"));
    }

    [Theory]
    [InlineData("list")]
    [InlineData("now")]
    [InlineData("prune")]
    [InlineData("restore")]
    public async Task Without_its_directory_a_command_fails_and_says_what_to_do(string command)
    {
        await using var rig = await BackupRig.StartAsync();
        using var empty = new TempFolder("empty");
        string[] arguments = command == "restore" ? [command, "--target", empty.Path] : [command];
        var result = await rig.RunAsync([("BACKUP_STORE", rig.Folder.File("missing"))], arguments);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains(
            "is its volume mounted? The directory of a new store has to be made once (mkdir).", result.Output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(rig.Folder.File("missing")));
    }

    [Fact]
    public async Task A_tenant_that_the_store_does_not_know_is_told_with_those_that_it_does()
    {
        await using var rig = await BackupRig.StartAsync();
        var empty = await rig.RunAsync("list");
        Assert.Equal(1, empty.ExitCode);
        Assert.Contains("holds nothing of tenant/redis (CLUSTER_ID): there is nothing at all", empty.Output, StringComparison.Ordinal);
        (await rig.RunAsync("now")).Succeeded();
        (await rig.RunAsync("list")).Succeeded();
        var other = await rig.RunAsync([("CLUSTER_ID", "tenent/redis")], "list");
        Assert.Equal(1, other.ExitCode);
        Assert.Contains("holds nothing of tenent/redis (CLUSTER_ID): there is only tenant.redis", other.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_dry_run_of_a_restore_makes_every_check_of_the_real_one_and_leaves_nothing()
    {
        await using var rig = await BackupRig.StartAsync();
        (await rig.RunAsync("now")).Succeeded();
        using var target = new TempFolder("target");
        (await rig.RunAsync("restore", "--dry-run", "--target", target.Path)).Succeeded();
        Assert.Empty(Directory.EnumerateFileSystemEntries(target.Path));
        foreach (var (name, said) in new[] { ("missing", "does not exist"), ("full", "is not empty") })
        {
            if (name == "full") File.WriteAllText(Path.Combine(target.Folder(name), "dump.rdb"), "x");
            foreach (var arguments in (string[][])[["restore", "--target", target.File(name)],
                ["restore", "--dry-run", "--target", target.File(name)]])
            {
                var result = await rig.RunAsync(arguments);
                Assert.Equal(1, result.ExitCode);
                Assert.Contains(said, result.Output, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task Now_beside_no_server_says_so_and_leaves_no_lease()
    {
        await using var rig = await BackupRig.StartAsync();
        using var nothing = new TempFolder("nothing");
        var result = await rig.RunAsync([("DATA_DIR", nothing.Path)], "now");
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("DATA_DIR", result.Output, StringComparison.Ordinal);
        Assert.Null(await rig.Store.ReadLeaseAsync(default));
    }

    [Theory]
    [InlineData("aof")]
    [InlineData("rdb")]
    public async Task Now_beside_a_port_that_refuses_names_it_in_one_line_and_leaves_nothing(string durability)
    {
        await using var rig = await BackupRig.StartAsync();
        var nobody = $"127.0.0.1:{FreePort.Next()}";
        var result = await rig.RunAsync([("REDIS_HOST", nobody), ("DURABILITY", durability)], "now", "--wait", "30s");
        Assert.Equal(1, result.ExitCode);
        Assert.Contains(nobody, Assert.Single(result.Output.Split('\n')), StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(rig.StorePath));
    }
}
