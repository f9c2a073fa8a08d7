using System.Security.Cryptography;
using Sidecars.Backup.Archive;
using Sidecars.Core.Primitives;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Backup;

/// <summary>A copy of a tenant from its backups: the source is only read, and what is there already is never mixed with it.</summary>
public class CopyTests
{
    private const string Copy = "team-b/redis";

    [Fact]
    public async Task A_copy_is_another_tenant_and_the_source_is_untouched()
    {
        await using var rig = await BackupRig.StartAsync();
        await using var client = await BackupRig.ConnectAsync(rig.Redis);
        await BackupRig.CallAsync(client, "SET", "a", "1");
        (await rig.RunAsync("now")).Succeeded();
        var (digest, before) = (await BackupRig.DigestAsync(rig.Redis), Contents(rig.StorePath));

        using var target = new TempFolder("copy");
        var result = (await rig.RunAsync("restore", "--new-cluster-id", Copy, "--target", target.Path)).Succeeded();
        Assert.Contains($"CLUSTER_ID={Copy}", result.Output, StringComparison.Ordinal);
        Assert.Contains("team-b.redis/", result.Output, StringComparison.Ordinal);
        Assert.Equal(before, Contents(rig.StorePath));

        await using var server = await RedisProcess.StartAsync(target, FreePort.Next(), BackupRig.Aof);
        Assert.Equal(digest, await BackupRig.DigestAsync(server));
        await using (var sidecar = await BackupRig.StartSidecarAsync(server, rig.StorePath, "copy-0", ("CLUSTER_ID", Copy)))
        {
            await Eventually.UntilAsync(
                "a backup of the copy", async () => (await StoreOfCopy(rig).ReadCatalogueAsync(default)).Backups.Length == 1);
            Assert.Equal(0, await sidecar.TerminateAsync());
        }

        Assert.Equal(before, Contents(Path.Combine(rig.StorePath, "tenant.redis"), rig.StorePath));

        // By now it is no new tenant.
        using var again = new TempFolder("again");
        var refused = await rig.RunAsync("restore", "--new-cluster-id", Copy, "--target", again.Path);
        Assert.Equal((1, true), (refused.ExitCode,
            refused.Output.Contains("team-b/redis is not a new tenant: the store holds team-b.redis/", StringComparison.Ordinal)));
        Assert.Empty(Directory.EnumerateFileSystemEntries(again.Path));
    }

    [Theory]
    [InlineData("tenant/redis")] // the source itself
    [InlineData("a b")]
    [InlineData("../redis")]
    public async Task What_can_be_no_new_tenant_is_a_wrong_argument(string name)
    {
        await using var rig = await BackupRig.StartAsync();
        using var target = new TempFolder("copy");
        var result = await rig.RunAsync("restore", "--new-cluster-id", name, "--target", target.Path);
        Assert.Equal((2, true), (result.ExitCode, result.Output.Contains("--new-cluster-id", StringComparison.Ordinal)));
        Assert.Empty(Directory.EnumerateFileSystemEntries(target.Path));
    }

    private static BackupStore StoreOfCopy(BackupRig rig) =>
        ClusterId.TryParse(Copy, out var id) ? rig.Store.Of(id) : throw new InvalidOperationException();

    private static string[] Contents(string folder, string? relativeTo = null) =>
    [
        .. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Where(f => !f.Contains("/.partial/", StringComparison.Ordinal) && Path.GetFileName(f) != ".store")
            .Order(StringComparer.Ordinal)
            .Select(f => $"{Path.GetRelativePath(relativeTo ?? folder, f)} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(f)))} "
                + $"{File.GetLastWriteTimeUtc(f).Ticks}"),
    ];
}
