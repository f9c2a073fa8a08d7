using System.Diagnostics.Metrics;
using Sidecars.Aws;
using Sidecars.Core.Hosting;
using Sidecars.Telemetry;

namespace Sidecars.Backup.Upload;

/// <summary>What <c>redis-backup run</c> shows at <c>/metrics</c> and <c>/healthz</c>.</summary>
internal sealed class UploaderMetrics : IDisposable
{
    // Every request and every wait of the loop is shorter; a longer silence is a loop that hangs.
    private static readonly TimeSpan LongestStep = TimeSpan.FromMinutes(5);
    private readonly Meter _meter = new("Sidecars.Backup");
    private readonly UploadCounters _counters;
    private readonly TimeProvider _time;
    private readonly long _started;

    public UploaderMetrics(UploadCounters counters, TimeProvider time, string version, RotatingCredentials credentials, LogQueue log)
    {
        (_counters, _time, _started) = (counters, time, time.GetTimestamp());
        Collector = new MetricsCollector(meter => meter == _meter);
        ProcessMetrics.AddTo(_meter, version, log);
        credentials.AddTo(_meter);
        _meter.CreateObservableGauge("sidecars_backup_lease_held", () => counters.LeaseHeld ? 1 : 0, null, "1 on the node that uploads.");
        _meter.CreateObservableGauge("sidecars_backup_generation", () => counters.Generation, null, "The unbroken stream that is written; 0 on a node that does not upload.");
        _meter.CreateObservableGauge("sidecars_backup_tail_age", () => Age(counters.LeaseHeld ? counters.CoveredUntilMilliseconds : 0), "s", "Everything older than this is in the store: what a loss of all volumes would cost now.");
        _meter.CreateObservableGauge("sidecars_backup_pending", () => counters.PendingBytes, "By", "Bytes of the append-only file that wait for the store.");
        _meter.CreateObservableGauge("sidecars_backup_verified_age", () => Age(counters.VerifiedAtMilliseconds), "s", "Since the newest drill that succeeded, as of the last look at the store.");
        _meter.CreateObservableGauge("sidecars_backup_verified_restore", () => counters.VerifiedAtMilliseconds > 0 ? [new Measurement<double>(counters.VerifiedRestore.TotalSeconds)] : Array.Empty<Measurement<double>>(), "s", "What that drill took to restore and to load.");
        _meter.CreateObservableCounter("sidecars_backup_segments", () => counters.Segments, null, "Segments of the tail shipped.");
        _meter.CreateObservableCounter("sidecars_backup_tail", () => counters.TailBytes, "By", "Bytes of the tail shipped.");
        _meter.CreateObservableCounter("sidecars_backup_bases", () => counters.Bases, null, "Backups completed.");
        _meter.CreateObservableCounter("sidecars_backup_generations", () => counters.Generations, null, "Streams begun: each cost a base, and may have left a gap before it.");
        _meter.CreateObservableCounter("sidecars_backup_failures", () => counters.FailuresByReason.Select(f => new Measurement<long>(f.Value, new KeyValuePair<string, object?>("reason", f.Key))), null, "Failures, each tried again; by reason.");
    }

    /// <summary>What is scraped.</summary>
    public MetricsCollector Collector { get; }

    /// <summary>A store that is away is no illness of this process: a restart would not help it, and would lose what is held open.</summary>
    public HealthReport Health()
    {
        var since = _time.GetElapsedTime(Math.Max(_started, _counters.SteppedAt));
        return since < LongestStep ? HealthReport.Healthy : new HealthReport([$"the uploader has done nothing for {since.TotalSeconds:0} s"]);
    }

    public void Dispose()
    {
        Collector.Dispose();
        _meter.Dispose();
    }

    private IEnumerable<Measurement<double>> Age(long unixMilliseconds) =>
        unixMilliseconds > 0 ? [new Measurement<double>(Math.Max(0, (_time.GetUtcNow().ToUnixTimeMilliseconds() - unixMilliseconds) / 1000.0))] : [];
}
