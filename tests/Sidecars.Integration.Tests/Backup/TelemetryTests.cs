using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Backup;

public class TelemetryTests
{
    [Fact]
    public async Task The_uploader_shows_its_lease_its_tail_and_its_failures_by_reason()
    {
        await using var rig = await BackupRig.StartAsync();
        await using var client = await BackupRig.ConnectAsync(rig.Redis);
        var port = FreePort.Next();
        await using var sidecar = await rig.StartSidecarAsync(("METRICS_PORT", $"{port}"));
        await rig.WaitForBackupsAsync(1);
        await client.CallAsync(default, "SET", "a", "1");
        await rig.WaitUntilCoveredAsync();
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        await Eventually.UntilAsync("a backup to be counted",
            async () => (await http.GetStringAsync("/metrics")).Contains("sidecars_backup_bases_total 1", StringComparison.Ordinal));
        var text = await http.GetStringAsync("/metrics");
        foreach (var line in (string[])["sidecars_backup_lease_held 1", "sidecars_backup_generation 1",
            "sidecars_backup_generations_total 1", "sidecars_backup_segments_total 1", "sidecars_backup_pending_bytes 0",
            "sidecars_backup_tail_age_seconds "])
            Assert.Contains("\n" + line, text, StringComparison.Ordinal);
        Assert.DoesNotContain("\nsidecars_backup_verified_age_seconds ", text, StringComparison.Ordinal); // never verified: no number
        Assert.Equal("ok\n", await http.GetStringAsync("/healthz"));

        // The stream ends: the reason is a label.
        await client.CallAsync(default, "CONFIG", "SET", "appendonly", "no");
        await client.CallAsync(default, "CONFIG", "SET", "appendonly", "yes");
        await rig.WaitForBackupsAsync(2);
        Assert.Contains("sidecars_backup_failures_total{reason=\"dataset_replaced\"} 1\n", await http.GetStringAsync("/metrics"),
            StringComparison.Ordinal);
        Assert.Equal(0, await sidecar.TerminateAsync());
    }
}
