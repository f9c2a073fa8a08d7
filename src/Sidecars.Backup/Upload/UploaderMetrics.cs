using Sidecars.Aws;
using Sidecars.Core.Hosting;
using Sidecars.Telemetry;

namespace Sidecars.Backup.Upload;

/// <summary>What <c>redis-backup run</c> shows at <c>/metrics</c> and <c>/healthz</c>.</summary>
internal sealed class UploaderMetrics
{
    // Every request and every wait of the loop is shorter; a longer silence is a loop that hangs.
    private static readonly TimeSpan LongestStep = TimeSpan.FromMinutes(5);
    private readonly UploadCounters _counters;
    private readonly TimeProvider _time;
    private readonly long _started;

    public UploaderMetrics(UploadCounters counters, TimeProvider time, string version, RotatingCredentials credentials, QueuedLog log)
    {
        (_counters, _time, _started) = (counters, time, time.GetTimestamp());
        ProcessMetrics.AddTo(Shown, version, log);
        ProcessMetrics.AddCredentials(Shown, () => credentials.Resolutions);
        Shown.Gauge("sidecars_backup_lease_held", "1 on the node that uploads.", () => counters.LeaseHeld ? 1 : 0);
        Shown.Gauge("sidecars_backup_generation", "The unbroken stream that is written; 0 on a node that does not upload.", () => counters.Generation);
        Shown.Gauge("sidecars_backup_tail_age_seconds", "Everything older than this is in the store: what a loss of all volumes would cost now.", () => Age(counters.LeaseHeld ? counters.CoveredUntilMilliseconds : 0));
        Shown.Gauge("sidecars_backup_pending_bytes", "Bytes of the append-only file that wait for the store.", () => counters.PendingBytes);
        Shown.Gauge("sidecars_backup_holes", "Bases and stretches of the tail that the retention keeps and that are missing or cut in the store; looked for every 6 h.", () => counters.Holes);
        Shown.Gauge("sidecars_backup_verified_age_seconds", "Since the newest drill that succeeded, as of the last look at the store.", () => Age(counters.VerifiedAtMilliseconds));
        Shown.Gauge("sidecars_backup_verified_restore_seconds", "What that drill took to restore and to load.", () => counters.VerifiedAtMilliseconds > 0 ? counters.VerifiedRestore.TotalSeconds : null);
        Shown.Counter("sidecars_backup_segments_total", "Segments of the tail shipped.", () => counters.Segments);
        Shown.Counter("sidecars_backup_tail_bytes_total", "Bytes of the tail shipped.", () => counters.TailBytes);
        Shown.Counter("sidecars_backup_bases_total", "Backups completed.", () => counters.Bases);
        Shown.Counter("sidecars_backup_generations_total", "Streams begun: each cost a base, and may have left a gap before it.", () => counters.Generations);
        Shown.Counter("sidecars_backup_failures_total", "Failures, each tried again; by reason.", () => counters.FailuresByReason.Select(f => new Sample(f.Value, f.Key)), "reason");
    }

    /// <summary>What is scraped.</summary>
    public MetricSet Shown { get; } = new();

    /// <summary>A store that is away is no illness of this process: a restart would not help it, and would lose what is held open.</summary>
    public HealthReport Health()
    {
        var since = _time.GetElapsedTime(Math.Max(_started, _counters.SteppedAt));
        return since < LongestStep ? HealthReport.Healthy : new HealthReport([$"the uploader has done nothing for {since.TotalSeconds:0} s"]);
    }

    private double? Age(long unixMilliseconds) => unixMilliseconds > 0 ? Math.Max(0, (_time.GetUtcNow().ToUnixTimeMilliseconds() - unixMilliseconds) / 1000.0) : null;
}
