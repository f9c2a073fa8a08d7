using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Hosting;

/// <summary>What the sidecars serve at /metrics, beside what alerts and dashboards may use.</summary>
public sealed class ShownMetricsTests
{
    [Fact]
    public async Task Every_family_and_its_type_is_in_the_list_that_alerts_are_checked_against()
    {
        using var folder = new TempFolder("metrics");
        var nobody = $"127.0.0.1:{FreePort.Next()}";
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
        };

        string[] shown = [.. (await FamiliesAsync("redis-failover", settings)).Union(await FamiliesAsync("redis-backup", settings))
            .Order(StringComparer.Ordinal)];

        Assert.Equal(
            await File.ReadAllLinesAsync(Path.Combine(Repository.Root, "tests/Sidecars.Manifests.Tests/Monitoring/sidecar-metrics.txt")),
            shown);
    }

    private static async Task<IReadOnlyList<string>> FamiliesAsync(string executable, IReadOnlyDictionary<string, string> settings)
    {
        var port = FreePort.Next();
        await using var sidecar = await ServerProcess.StartAsync(
            new ServerStart(Repository.NativeExecutable(executable), "run")
            { Environment = new Dictionary<string, string>(settings) { ["METRICS_PORT"] = $"{port}" } });
        using var http = new HttpClient();
        var text = "";
        await sidecar.WaitUntilAsync("its port", async () =>
        {
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
        const string Type = "# TYPE ";
        return [.. text.Split('\n').Where(line => line.StartsWith(Type, StringComparison.Ordinal)).Select(line => line[Type.Length..])];
    }
}
