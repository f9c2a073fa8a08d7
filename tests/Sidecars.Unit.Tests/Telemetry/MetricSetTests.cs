using System.Diagnostics;
using System.Diagnostics.Metrics;
using Sidecars.Core.Hosting;
using Sidecars.Telemetry;

namespace Sidecars.Unit.Tests.Telemetry;

/// <summary>Instruments of this process as Prometheus reads them.</summary>
public sealed class MetricsCollectorTests : IDisposable
{
    private readonly Meter _meter = new($"test-{Guid.NewGuid()}");
    private readonly MetricsCollector _metrics;

    public MetricsCollectorTests() => _metrics = new MetricsCollector(meter => meter == _meter);

    public void Dispose()
    {
        _metrics.Dispose();
        _meter.Dispose();
    }

    [Fact]
    public void A_counter_sums_by_its_labels_in_any_order_of_tags()
    {
        var refusals = _meter.CreateCounter<long>("redis_failover_refusals", description: "What was refused.");
        refusals.Add(1, Tag("reason", "no-majority"), Tag("act", "publish"));
        refusals.Add(2, Tag("act", "publish"), Tag("reason", "no-majority"));
        refusals.Add(1, Tag("reason", "stale"), Tag("act", "publish"));
        Assert.Equal(
            """
            # HELP redis_failover_refusals_total What was refused.
            # TYPE redis_failover_refusals_total counter
            redis_failover_refusals_total{act="publish",reason="no-majority"} 3
            redis_failover_refusals_total{act="publish",reason="stale"} 1

            """, _metrics.Scrape());
    }

    [Fact]
    public void A_histogram_cumulates_its_buckets_and_a_value_on_a_bound_is_within()
    {
        var delay = _meter.CreateHistogram("switch_to_publish", "s", "Delay.", null, new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.05, 0.5] });
        foreach (var seconds in (double[])[0.01, 0.05, 0.2, 7]) delay.Record(seconds);
        Assert.Equal(
            """
            # HELP switch_to_publish_seconds Delay.
            # TYPE switch_to_publish_seconds histogram
            switch_to_publish_seconds_bucket{le="0.05"} 2
            switch_to_publish_seconds_bucket{le="0.5"} 3
            switch_to_publish_seconds_bucket{le="+Inf"} 4
            switch_to_publish_seconds_sum 7.26
            switch_to_publish_seconds_count 4

            """, _metrics.Scrape());
    }

    [Fact]
    public void What_an_observable_instrument_no_longer_reports_is_gone()
    {
        List<Measurement<int>> seen = [new(1, Tag("sentinel", "a")), new(1, Tag("sentinel", "b"))];
        _meter.CreateObservableGauge("sentinels", () => seen);
        Assert.Contains("sentinels{sentinel=\"b\"} 1\n", _metrics.Scrape(), StringComparison.Ordinal);
        seen.RemoveAt(1);
        var second = _metrics.Scrape();
        Assert.Contains("sentinels{sentinel=\"a\"} 1\n", second, StringComparison.Ordinal);
        Assert.DoesNotContain("sentinel=\"b\"", second, StringComparison.Ordinal);
    }

    [Fact]
    public void A_gauge_is_set_and_an_up_down_counter_adds()
    {
        var gauge = _meter.CreateGauge<double>("age", "s");
        gauge.Record(3);
        gauge.Record(1.5);
        var open = _meter.CreateUpDownCounter<int>("open");
        open.Add(3);
        open.Add(-1);
        var text = _metrics.Scrape();
        Assert.Contains("# TYPE age_seconds gauge\nage_seconds 1.5\n", text, StringComparison.Ordinal);
        Assert.Contains("# TYPE open gauge\nopen 2\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Hostile_label_values_are_escaped_and_series_are_bounded()
    {
        var counter = _meter.CreateCounter<int>("odd");
        counter.Add(1, Tag("text", "a\"b\\c\nd"));
        Assert.Contains("odd_total{text=\"a\\\"b\\\\c\\nd\"} 1\n", _metrics.Scrape(), StringComparison.Ordinal);
        for (var i = 0; i < MetricsCollector.MaxSeries + 5; i++) counter.Add(1, Tag("text", i));
        var text = _metrics.Scrape();
        Assert.Equal(MetricsCollector.MaxSeries, text.Split('\n').Count(line => line.StartsWith("odd_total{", StringComparison.Ordinal)));
        Assert.Contains("\nsidecars_metrics_dropped_total 6\n", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("x.y-z", "s", MetricKind.Gauge, "x_y_z_seconds")]
    [InlineData("x_seconds", "s", MetricKind.Gauge, "x_seconds")]
    [InlineData("x", "By", MetricKind.Counter, "x_bytes_total")]
    [InlineData("x_total", null, MetricKind.Counter, "x_total")]
    [InlineData("1x", "{node}", MetricKind.Gauge, "_1x")]
    public void Names_follow_Prometheus(string instrument, string? unit, MetricKind kind, string name) =>
        Assert.Equal(name, PrometheusText.NameOf(instrument, unit, kind));

    [Fact]
    public void Two_kinds_under_one_name_do_not_mix()
    {
        _meter.CreateCounter<int>("twice").Add(2);
        _meter.CreateGauge<int>("twice_total").Record(7);
        Assert.Equal("# HELP twice_total \n# TYPE twice_total counter\ntwice_total 2\n", _metrics.Scrape());
    }

    [PromtoolFact]
    public async Task Promtool_finds_no_fault()
    {
        using var log = new LogQueue(Stream.Null, "test", TimeProvider.System, LogLevel.Info);
        ProcessMetrics.AddTo(_meter, "1.0", log);
        _meter.CreateCounter<long>("redis_failover_refusals", description: "What was refused.").Add(1, Tag("reason", "no-majority"));
        _meter.CreateHistogram<double>("redis_failover_publish_delay", "s", "Delay.").Record(0.2);
        using var process = Process.Start(new ProcessStartInfo("promtool", "check metrics") { RedirectStandardInput = true, RedirectStandardError = true, RedirectStandardOutput = true })!;
        await process.StandardInput.WriteAsync(_metrics.Scrape());
        process.StandardInput.Close();
        var found = await process.StandardError.ReadToEndAsync() + await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, found);
    }

    private sealed class PromtoolFactAttribute : FactAttribute
    {
        public PromtoolFactAttribute() => Skip = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, "promtool")))
            ? null
            : "promtool is not installed (scripts/setup --manifests)";
    }

    private static KeyValuePair<string, object?> Tag(string name, object? value) => new(name, value);
}
