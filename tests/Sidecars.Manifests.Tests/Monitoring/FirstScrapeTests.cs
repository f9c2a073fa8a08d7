using System.Diagnostics;
using Sidecars.TestKit.Processes;

namespace Sidecars.Manifests.Tests.Monitoring;

/// <summary>What the sidecars serve at /metrics before anything has happened, by their managed build.</summary>
public sealed class FirstScrapeTests
{
    // Their sets are not closed before the first of them: a hand-over is rare, and its repair has its own code.
    private static readonly string[] Open = ["sidecars_hand_over_repair_refusals_total", "sidecars_hand_over_repairs_total"];

    [Theory]
    [InlineData(
        "redis-failover",
        "sidecars_failover_actions_total{action=\"fenced\"}",
        "sidecars_failover_refusals_total{loop=\"publish-zone-file\",reason=\"denied\"}",
        "sidecars_failover_loop_failures_total{loop=\"marker\"}",
        "sidecars_failover_publish_failures_total{publisher=\"zone-file\"}",
        "sidecars_ghost_repair_resets_total",
        "sidecars_metrics_dropped_total")]
    [InlineData(
        "redis-backup",
        "sidecars_backup_failures_total{reason=\"unfit\"}",
        "sidecars_backup_bases_total",
        "sidecars_aws_credential_resolutions_total{outcome=\"failed\",reason=\"denied\"}")]
    public async Task Every_counter_is_there(string executable, params string[] zeros)
    {
        using var folder = new TempFolder("scrape");
        var (port, nobody) = (FreePort.Next(), $"127.0.0.1:{FreePort.Next()}");
        string[] arguments = [Path.Combine(AppContext.BaseDirectory, executable + ".dll"), "run"];
        var start = new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true };
        Dictionary<string, string> settings = new()
        {
            ["CLUSTER_ID"] = "tenant/redis",
            ["NODE_NAME"] = "redis-0",
            ["DATA_DIR"] = folder.Path,
            ["CONFIG_DIR"] = folder.Path,
            ["REDIS_HOST"] = nobody,
            ["REDIS_SERVER_SERVICE_HOST"] = nobody,
            ["REDIS_SENTINEL_SERVICE_HOST"] = nobody,
            ["REDIS_COUNT"] = "1",
            ["SENTINEL_COUNT"] = "1",
            ["BACKUP_STORE"] = folder.Folder("store"),
            ["DNS_NAME"] = "redis.example",
            ["ZONE_FILE"] = folder.File("zone"),
            ["METRICS_PORT"] = $"{port}",
        };
        foreach (var (name, value) in settings) start.Environment[name] = value;
        using var sidecar = Process.Start(start)!;
        var log = sidecar.StandardOutput.ReadToEndAsync();
        try
        {
            var lines = (await ScrapeAsync(port, sidecar, log)).Split('\n');

            var types = lines.Where(line => line.StartsWith("# TYPE ", StringComparison.Ordinal)).Select(line => line.Split(' '));
            var counters = types.Where(type => type[3] == "counter").Select(type => type[2]).ToArray();
            var shown = lines.Where(line => line.Length > 0 && line[0] != '#').Select(line => line.Split('{', ' ')[0]).ToHashSet();
            Assert.NotEmpty(counters);
            Assert.Empty(counters.Except(Open).Except(shown));
            Assert.All(zeros, series => Assert.Contains(lines, line => line.StartsWith(series + " ", StringComparison.Ordinal)));
        }
        finally
        {
            sidecar.Kill();
            await sidecar.WaitForExitAsync();
        }
    }

    private static async Task<string> ScrapeAsync(int port, Process sidecar, Task<string> log)
    {
        using var http = new HttpClient();
        var text = "";
        await Eventually.UntilAsync("the first scrape", async () =>
        {
            if (sidecar.HasExited) return true;
            try
            {
                text = await http.GetStringAsync(new Uri($"http://127.0.0.1:{port}/metrics"));
                return true;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        });
        Assert.False(sidecar.HasExited, sidecar.HasExited ? await log : "");
        return text;
    }
}
