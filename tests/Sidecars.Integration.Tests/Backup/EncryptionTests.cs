using System.Text;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Backup;

/// <summary>With a key nothing of the dataset leaves the node readable, and without the right one there is one clear error.</summary>
public class EncryptionTests
{
    private const string Marker = "a-value-that-nobody-else-may-read";
    private static readonly string First = Convert.ToBase64String(Enumerable.Repeat((byte)1, 32).ToArray());
    private static readonly string Second = Convert.ToBase64String(Enumerable.Repeat((byte)2, 32).ToArray());

    [Fact]
    public async Task An_encrypted_backup_restores_with_its_key_and_says_which_one_it_needs()
    {
        await using var rig = await BackupRig.StartAsync();
        await using var client = await BackupRig.ConnectAsync(rig.Redis);
        await client.CallAsync(default, "SET", "base", Marker + new string('x', 100_000));
        await client.CallAsync(default, "BGREWRITEAOF");
        await using (var sidecar = await rig.StartSidecarAsync(("BACKUP_KEYS", First)))
        {
            await rig.WaitForBackupsAsync(1);
            for (var i = 0; i < 3; i++)
            {
                await client.CallAsync(default, "SET", $"tail{i}", Marker);
                await rig.WaitUntilCoveredAsync();
            }

            Assert.Equal(0, await sidecar.TerminateAsync());
        }

        foreach (var file in Directory.EnumerateFiles(rig.StorePath, "*", SearchOption.AllDirectories))
            Assert.Equal(-1, File.ReadAllBytes(file).AsSpan().IndexOf(Encoding.ASCII.GetBytes(Marker)));
        var digest = await BackupRig.DigestAsync(rig.Redis);
        Assert.Equal(digest, await rig.RestoredDigestAsync("latest", ("BACKUP_KEYS", First)));
        Assert.Equal(digest, await rig.RestoredDigestAsync("latest", ("BACKUP_KEYS", $"{Second} {First}"))); // rotated
        (await rig.RunAsync([("BACKUP_KEYS", First)], "verify")).Succeeded();

        using var target = new TempFolder("target");
        await RefusedAsync(rig, target, [], "no key is configured");
        await RefusedAsync(rig, target, [("BACKUP_KEYS", Second)], "configured: ");
    }

    private static async Task RefusedAsync(BackupRig rig, TempFolder target, (string, string)[] keys, string message)
    {
        var result = await rig.RunAsync(keys, "restore", "--target", target.Path);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("is encrypted with key ", result.Output, StringComparison.Ordinal);
        Assert.Contains(message, result.Output, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(target.Path));
    }

    [Fact]
    public async Task Another_key_begins_another_generation_and_both_are_restorable()
    {
        await using var rig = await BackupRig.StartAsync();
        await using var client = await BackupRig.ConnectAsync(rig.Redis);
        foreach (var (keys, i) in new[] { First, $"{Second} {First}" }.Select((k, i) => (k, i)))
        {
            await using var sidecar = await rig.StartSidecarAsync(("BACKUP_KEYS", keys));
            await rig.WaitForBackupsAsync(i + 1);
            await client.CallAsync(default, "SET", $"key{i}", Marker);
            await rig.WaitUntilCoveredAsync();
            await sidecar.TerminateAsync();
        }

        var catalogue = await rig.Store.ReadCatalogueAsync(default);
        Assert.Equal(2, catalogue.Backups.Select(b => b.Manifest.KeyId).Distinct().Count());
        Assert.Equal(2, catalogue.Backups.Select(b => b.Manifest.Generation).Distinct().Count());
        foreach (var backup in catalogue.Backups) await rig.RestoredDigestAsync(backup.Id, ("BACKUP_KEYS", $"{Second} {First}"));
        Assert.Equal(await BackupRig.DigestAsync(rig.Redis), await rig.RestoredDigestAsync("latest", ("BACKUP_KEYS", Second)));
    }
}
