namespace Sidecars.Integration.Tests.Backup;

/// <summary>An uploader whose log is a full pipe that nobody reads.</summary>
public sealed class BlockedLogTests
{
    [Fact]
    public async Task An_uploader_whose_log_nobody_reads_ships_takes_a_base_that_is_asked_for_and_ends()
    {
        await using var rig = await BackupRig.StartAsync();
        await using var sidecar = await rig.StartSidecarAsync();
        await rig.WaitForBackupsAsync(1);
        await sidecar.BlockOutputAsync();

        await using var client = await BackupRig.ConnectAsync(rig.Redis);
        await BackupRig.CallAsync(client, "SET", "a", "1");
        await rig.WaitUntilCoveredAsync();
        var second = (await rig.RunAsync("now")).Succeeded().Output;
        await BackupRig.CallAsync(client, "SET", "b", "2");
        await rig.WaitUntilCoveredAsync();
        Assert.Equal(await BackupRig.DigestAsync(rig.Redis), await rig.RestoredDigestAsync("latest"));

        var catalogue = await rig.Store.ReadCatalogueAsync(default);
        Assert.Equal((2, "redis-0"), (catalogue.Backups.Length, (await rig.Store.ReadLeaseAsync(default))!.Value.Lease.Holder));
        bool IsTold() => sidecar.Output.Any(line => line.Contains(catalogue.Backups[1].Id, StringComparison.Ordinal));
        Assert.Contains(catalogue.Backups[1].Id, second, StringComparison.Ordinal);
        Assert.False(IsTold());
        sidecar.UnblockOutput();
        await sidecar.WaitUntilAsync("what had waited", () => Task.FromResult(IsTold()));

        await sidecar.BlockOutputAsync();
        Assert.Equal(0, await sidecar.TerminateAsync(TimeSpan.FromSeconds(30)));
    }
}
