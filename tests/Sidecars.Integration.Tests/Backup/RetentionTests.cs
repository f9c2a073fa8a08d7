using Sidecars.Backup.Restore;
using Sidecars.Backup.Retention;

namespace Sidecars.Integration.Tests.Backup;

/// <summary>What a prune keeps can be restored, all of it; what it deletes is gone.</summary>
public class RetentionTests
{
    [Fact]
    public async Task Every_backup_and_every_second_that_a_prune_keeps_is_restored_as_it_was()
    {
        await using var rig = await BackupRig.StartAsync();
        await using var client = await BackupRig.ConnectAsync(rig.Redis);
        await using var sidecar = await rig.StartSidecarAsync();
        await rig.WaitForBackupsAsync(1);
        await BackupRig.EndOfSecondAsync(client);
        var seconds = new List<(DateTimeOffset At, string Digest)>();
        var backups = new Dictionary<string, string>();
        for (var i = 0; i < 5; i++)
        {
            await BackupRig.CallAsync(client, "RPUSH", "list", $"{i}");
            seconds.Add((await BackupRig.EndOfSecondAsync(client), await BackupRig.DigestAsync(rig.Redis)));
            (await rig.RunAsync("now")).Succeeded(); // with a rewrite: nothing is written meanwhile
            backups.Add((await rig.Store.ReadCatalogueAsync(default)).Backups[^1].Id, seconds[^1].Digest);
        }

        await BackupRig.CallAsync(client, "RPUSH", "list", "last");
        await BackupRig.EndOfSecondAsync(client);
        await rig.WaitUntilCoveredAsync();
        Assert.Equal(0, await sidecar.TerminateAsync());

        // The window begins at the third of those five; one verified before it stays, and so does the last of the day.
        var catalogue = await rig.Store.ReadCatalogueAsync(default);
        var (verified, from) = (catalogue.Backups[1], catalogue.Backups[3].Manifest.CompletedAt);
        (await rig.RunAsync("verify", "--backup", verified.Id)).Succeeded();
        var now = TimeProvider.System.GetUtcNow();
        var rules = new RetentionRules(now - from, 1, 0, 0);
        var dry = await new PruneRunner(rig.Store).RunAsync(rules, now, dryRun: true, default);
        var report = await new PruneRunner(rig.Store).RunAsync(rules, now, dryRun: false, default);
        Assert.Equal(dry.Segments, report.Segments);
        Assert.NotEmpty(report.Segments);

        var kept = (await rig.Store.ReadCatalogueAsync(default)).Backups;
        Assert.Equal(new[] { 1, 3, 4, 5 }.Select(i => catalogue.Backups[i].Id), kept.Select(b => b.Id));
        foreach (var backup in kept) Assert.Equal(backups[backup.Id], await rig.RestoredDigestAsync(backup.Id));
        var within = seconds.Where(s => s.At > from).ToList();
        Assert.NotEmpty(within);
        foreach (var (at, digest) in within) Assert.Equal(digest, await rig.RestoredDigestAsync(RestorePlan.Show(at)));
        Assert.Equal(await BackupRig.DigestAsync(rig.Redis), await rig.RestoredDigestAsync("latest"));

        // Nothing is left that none of them needs, and a second run finds nothing.
        Assert.Empty((await new PruneRunner(rig.Store).RunAsync(rules, now, dryRun: true, default)).Segments);
        Assert.Contains("no backup has the id", (await rig.RunAsync("show", catalogue.Backups[0].Id)).Output, StringComparison.Ordinal);
    }
}
