using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Backup;

/// <summary>Skipped, visibly, where moto is not installed.</summary>
internal sealed class MotoFactAttribute : FactAttribute
{
    public MotoFactAttribute() => Skip = MotoServer.Missing;
}

/// <summary>S3 that takes connections and never answers: Redis goes on, the sidecar says so, and catches up in one stream.</summary>
public class S3AwayTests
{
    [MotoFact]
    public async Task A_bucket_that_hangs_is_seen_in_the_metrics_and_caught_up_with()
    {
        await using var moto = await MotoServer.StartAsync();
        await moto.CreateBucketAsync("backups");
        await using var rig = await BackupRig.StartAsync();
        await using var client = await BackupRig.ConnectAsync(rig.Redis);
        var port = FreePort.Next();
        (string, string)[] s3 =
        [
            ("BACKUP_STORE", "s3://backups/t"), ("BACKUP_S3_ENDPOINT", moto.Endpoint.ToString()), ("BACKUP_S3_TIMEOUT", "500"),
            ("BACKUP_S3_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test"), ("METRICS_PORT", $"{port}"),
            ("BACKUP_LEASE_LIFE", "60000"),
        ];
        await using var sidecar = await rig.StartSidecarAsync(s3);
        await sidecar.WaitForLineAsync(line => line.Contains("backup_completed", StringComparison.Ordinal), "its first backup");
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };

        moto.Process.Pause();
        var value = new string('x', 100_000);
        for (var i = 1; i <= 60; i++)
        {
            await BackupRig.CallAsync(client, "SET", $"key{i % 20}", value + i);
            if (i % 20 != 0) continue;
            // Between two rewrites it has looked, or it could not tell that one continues the other.
            await Eventually.UntilAsync("what waits to be shown",
                async () => Value(await http.GetStringAsync("/metrics"), "sidecars_backup_pending_bytes") >= i * value.Length, null,
                () => sidecar.Tail(12));
            await BackupRig.RewriteAsync(client); // the server deletes what waits
        }

        await Eventually.UntilAsync(
            "the failure to be counted",
            async () => Value(await http.GetStringAsync("/metrics"), "sidecars_backup_failures_total{reason=\"unavailable\"}") >= 1,
            TimeSpan.FromSeconds(60));
        var text = await http.GetStringAsync("/metrics");
        Assert.True(Value(text, "sidecars_backup_pending_bytes") >= 60 * value.Length, "what waits is not shown");
        Assert.Equal(1, Value(text, "sidecars_backup_lease_held"));
        Assert.Equal("ok\n", await http.GetStringAsync("/healthz")); // a restart would not help
        moto.Process.Resume();

        await sidecar.WaitForLineAsync(line => line.Contains("\"recovered\"", StringComparison.Ordinal), "the store answers");
        var now = TimeProvider.System.GetTimestamp();
        await Eventually.UntilAsync("the tail to be young", async () =>
        {
            var age = Value(await http.GetStringAsync("/metrics"), "sidecars_backup_tail_age_seconds");
            return age >= 0 && age < TimeProvider.System.GetElapsedTime(now).TotalSeconds; // covered later than the call
        });
        Assert.DoesNotContain(sidecar.Output, line => line.Contains("generation_ended", StringComparison.Ordinal));
        Assert.Equal(await BackupRig.DigestAsync(rig.Redis), await rig.RestoredDigestAsync("latest", s3));
        Assert.Equal(0, await sidecar.TerminateAsync());
    }

    private static double Value(string metrics, string name)
    {
        var line = metrics.Split('\n').FirstOrDefault(l => l.StartsWith(name + " ", StringComparison.Ordinal));
        return line is null ? -1 : double.Parse(line[(name.Length + 1)..], System.Globalization.CultureInfo.InvariantCulture);
    }
}
