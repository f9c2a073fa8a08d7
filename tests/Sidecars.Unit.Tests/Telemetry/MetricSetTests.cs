using System.Diagnostics;
using System.Text;
using Sidecars.Core.Hosting;
using Sidecars.Telemetry;

namespace Sidecars.Unit.Tests.Telemetry;

/// <summary>Families of a sidecar as Prometheus reads them.</summary>
public sealed class MetricSetTests
{
    private readonly MetricSet _metrics = new();

    [Fact]
    public async Task A_counter_sums_by_its_labels_from_before_the_first_scrape_on()
    {
        var refusals = _metrics.Counter("redis_failover_refusals_total", "What was refused.", "act", "reason");
        refusals.Of("publish", "no-majority")?.Inc();
        refusals.Of("publish", "no-majority")?.Inc(2);
        refusals.Of("publish", "stale")?.Inc();
        Assert.Equal(
            [
                "# HELP redis_failover_refusals_total What was refused.", "# TYPE redis_failover_refusals_total counter",
                "redis_failover_refusals_total{act=\"publish\",reason=\"no-majority\"} 3",
                "redis_failover_refusals_total{act=\"publish\",reason=\"stale\"} 1",
            ], await LinesAsync("redis_failover_refusals_total"));
    }

    [Fact]
    public async Task A_histogram_cumulates_its_buckets_and_a_value_on_a_bound_is_within()
    {
        var delay = _metrics.Histogram("switch_to_publish_seconds", "Delay.", [0.05, 0.5, 10]);
        foreach (var seconds in (double[])[0.01, 0.05, 0.2, 70]) delay.Of()?.Observe(seconds);
        Assert.Equal(
            [
                "# HELP switch_to_publish_seconds Delay.", "# TYPE switch_to_publish_seconds histogram",
                "switch_to_publish_seconds_bucket{le=\"+Inf\"} 4", "switch_to_publish_seconds_bucket{le=\"0.05\"} 2",
                "switch_to_publish_seconds_bucket{le=\"0.5\"} 3",
                "switch_to_publish_seconds_bucket{le=\"10\"} 3", "switch_to_publish_seconds_count 4", "switch_to_publish_seconds_sum 70.26",
            ], await LinesAsync("switch_to_publish_seconds"));
    }

    [Fact]
    public async Task What_is_no_longer_read_is_gone_and_comes_back()
    {
        List<Sample> seen = [new(1, "a"), new(2, "b")];
        double? age = 0;
        _metrics.Gauge("sentinels", "Seen.", () => seen, "sentinel");
        _metrics.Gauge("age_seconds", "Age.", () => age);
        Assert.Equal(["sentinels{sentinel=\"a\"} 1", "sentinels{sentinel=\"b\"} 2"], await SeriesAsync("sentinels"));
        Assert.Equal(["age_seconds 0"], await SeriesAsync("age_seconds"));
        seen.RemoveAt(1);
        age = null;
        Assert.Equal(["sentinels{sentinel=\"a\"} 1"], await SeriesAsync("sentinels"));
        Assert.Empty(await SeriesAsync("age_seconds"));
        seen.Add(new(3, "b"));
        age = 1.5;
        Assert.Equal(["sentinels{sentinel=\"a\"} 1", "sentinels{sentinel=\"b\"} 3"], await SeriesAsync("sentinels"));
        Assert.Equal(["age_seconds 1.5"], await SeriesAsync("age_seconds"));
    }

    [Fact]
    public async Task A_family_that_cannot_be_read_is_left_out_and_the_others_are_shown()
    {
        var fails = false;
        _metrics.Gauge("broken", "", () => fails ? throw new InvalidOperationException() : 1);
        _metrics.Counter("counted_total", "", () => 7);
        Assert.Equal(["broken 1"], await SeriesAsync("broken"));
        fails = true;
        Assert.Empty(await SeriesAsync("broken")); // not what was read before
        Assert.Equal(["counted_total 7"], await SeriesAsync("counted_total"));
        Assert.Equal(["sidecars_metrics_failed_total 3"], await SeriesAsync("sidecars_metrics_failed_total"));
    }

    [Fact]
    public async Task Hostile_label_values_are_escaped_and_series_are_bounded()
    {
        var counter = _metrics.Counter("odd_total", "", "text");
        counter.Of("a\"b\\c\nd")?.Inc();
        Assert.Equal(["odd_total{text=\"a\\\"b\\\\c\\nd\"} 1"], await SeriesAsync("odd_total"));
        for (var i = 0; i < MetricSet.MaxSeries + 5; i++) counter.Of($"{i}")?.Inc();
        Assert.Equal(MetricSet.MaxSeries, (await SeriesAsync("odd_total")).Count);
        Assert.Equal(["sidecars_metrics_dropped_total 6"], await SeriesAsync("sidecars_metrics_dropped_total"));
        counter.Of("0")?.Inc();
        Assert.Contains("odd_total{text=\"0\"} 2", await SeriesAsync("odd_total")); // those that are there count on
    }

    [Fact]
    public async Task What_is_gone_makes_room()
    {
        var round = 0;
        _metrics.Gauge("many", "", () => Enumerable.Range(0, MetricSet.MaxSeries / 2).Select(i => new Sample(i, $"{round}-{i}")), "text");
        for (; round < 5; round++) Assert.Equal(MetricSet.MaxSeries / 2, (await SeriesAsync("many")).Count);
        Assert.Equal(["sidecars_metrics_dropped_total 0"], await SeriesAsync("sidecars_metrics_dropped_total"));
    }

    [Fact]
    public async Task Nothing_is_shown_that_was_not_asked_for()
    {
        // Beside its own two, which count from the start.
        var lines = (await LinesAsync("")).Except(["sidecars_metrics_dropped_total 0", "sidecars_metrics_failed_total 0"]);
        Assert.All(lines, line => Assert.StartsWith("# ", line, StringComparison.Ordinal));
        Assert.Throws<InvalidOperationException>(() =>
        {
            _metrics.Counter("twice_total", "");
            _metrics.Gauge("twice_total", "", () => 7);
        });
    }

    [PromtoolFact]
    public async Task Promtool_finds_no_fault()
    {
        using var log = new QueuedLog(Stream.Null, "test", TimeProvider.System, LogLevel.Info);
        ProcessMetrics.AddTo(_metrics, "1.0", log);
        _metrics.Counter("redis_failover_refusals_total", "What was refused.", "reason").Of("no-majority")?.Inc();
        _metrics.Histogram("redis_failover_publish_delay_seconds", "Delay.", [0.1, 1]).Of()?.Observe(0.2);
        using var process = Process.Start(new ProcessStartInfo("promtool", "check metrics")
        { RedirectStandardInput = true, RedirectStandardError = true, RedirectStandardOutput = true })!;
        await process.StandardInput.WriteAsync(await TextAsync());
        process.StandardInput.Close();
        var found = await process.StandardError.ReadToEndAsync() + await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, found);
    }

    private sealed class PromtoolFactAttribute : FactAttribute
    {
        public PromtoolFactAttribute() => Skip = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
            .Any(folder => File.Exists(Path.Combine(folder, "promtool")))
            ? null
            : "promtool is not installed (scripts/setup --manifests)";
    }

    private async Task<string> TextAsync()
    {
        using var text = new MemoryStream();
        await _metrics.Registry.CollectAndExportAsTextAsync(text);
        return Encoding.UTF8.GetString(text.ToArray());
    }

    // Of one family: the declaration, then the series in the order of their text.
    private async Task<IReadOnlyList<string>> LinesAsync(string family)
    {
        var lines = (await TextAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries).ToLookup(line => line[0] == '#');
        return [.. lines[true].Where(line => line.Split(' ')[2].StartsWith(family, StringComparison.Ordinal)),
            .. lines[false].Where(line => line.StartsWith(family, StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
    }

    private async Task<IReadOnlyList<string>> SeriesAsync(string family) => [.. (await LinesAsync(family)).Where(line => line[0] != '#')];
}
