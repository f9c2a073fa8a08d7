using Sidecars.Aws;
using Sidecars.Core.Hosting;
using Sidecars.Core.Primitives;
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
        Shown.Gauge(
            "sidecars_backup_lease_held",
            "1 on the node that holds the uploader's lease and ships the backup.",
            () => counters.LeaseHeld ? 1 : 0);
        Shown.Gauge(
            "sidecars_backup_generation",
            "Number of the unbroken stream that this node ships; 0 on a node that does not upload.",
            () => counters.Generation);
        Shown.Gauge(
            "sidecars_backup_tail_age_seconds",
            "Seconds since the moment up to which every write is in the store: what a loss of all volumes would cost now.",
            () => Age(counters.LeaseHeld ? counters.CoveredUntilMilliseconds : 0));
        Shown.Gauge(
            "sidecars_backup_pending_bytes",
            "Bytes of the append-only file that wait to be shipped to the store.",
            () => counters.PendingBytes);
        Shown.Gauge(
            "sidecars_backup_holes",
            "Bases and stretches of the append-only file that the retention keeps and that are missing or cut in the store; "
            + "looked for every 6 h.",
            () => counters.Holes);
        Shown.Gauge(
            "sidecars_backup_verified_age_seconds",
            "Seconds since the newest restore drill that passed, as of the last look at the store.",
            () => Age(counters.VerifiedAtMilliseconds));
        Shown.Gauge(
            "sidecars_backup_verified_restore_seconds",
            "Seconds that the newest restore drill that passed took to restore and load the backup.",
            () => counters.VerifiedAtMilliseconds > 0 ? counters.VerifiedRestore.TotalSeconds : null);
        Shown.Counter("sidecars_backup_segments_total", "Segments of the append-only file shipped to the store.", () => counters.Segments);
        Shown.Counter("sidecars_backup_tail_bytes_total", "Bytes of the append-only file shipped to the store.", () => counters.TailBytes);
        Shown.Counter("sidecars_backup_bases_total", "Base backups completed by this node.", () => counters.Bases);
        Shown.Counter(
            "sidecars_backup_generations_total",
            "Unbroken streams begun by this node; each cost a base and may follow a gap.",
            () => counters.Generations);
        Shown.Counter(
            "sidecars_backup_failures_total",
            "Failures of the uploader, each retried, by reason.",
            () => UploadCounters.Reasons.Union(counters.FailuresByReason.Keys)
                .Select(reason => new Sample(counters.FailuresByReason.GetValueOrDefault(reason), reason)),
            "reason");
    }

    /// <summary>What is scraped.</summary>
    public MetricSet Shown { get; } = new();

    /// <summary>
    /// A store that is away is no illness of this process: a restart would not help it, and would lose what is held open.
    /// </summary>
    public HealthReport Health()
    {
        var since = _time.GetElapsedTime(Math.Max(_started, _counters.SteppedAt));
        return since < LongestStep
            ? HealthReport.Healthy
            : new HealthReport([$"the uploader has done nothing for {DurationText.About(since)}"]);
    }

    private double? Age(long unixMilliseconds) =>
        unixMilliseconds > 0 ? Math.Max(0, (_time.GetUtcNow().ToUnixTimeMilliseconds() - unixMilliseconds) / 1000.0) : null;
}
