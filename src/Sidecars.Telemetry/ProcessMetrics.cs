using System.Diagnostics;
using Sidecars.Core.Hosting;

namespace Sidecars.Telemetry;

/// <summary>
/// What both sidecars show: of the process, under the names that Prometheus' client libraries use, and of what they share.
/// </summary>
public static class ProcessMetrics
{
    /// <summary>Adds the families of the process.</summary>
    /// <param name="metrics">To these.</param>
    /// <param name="version">Of the executable, the label of <c>sidecars_build_info</c>.</param>
    /// <param name="log">Whose lost lines are counted.</param>
    public static void AddTo(MetricSet metrics, string version, QueuedLog log)
    {
        using var self = Process.GetCurrentProcess();
        var started = new DateTimeOffset(self.StartTime.ToUniversalTime()).ToUnixTimeMilliseconds() / 1000.0;
        metrics.Counter(
            "process_cpu_seconds_total",
            "Processor time of this process in seconds, user and system.",
            () => Environment.CpuUsage.TotalTime.TotalSeconds);
        metrics.Gauge("process_resident_memory_bytes", "Resident memory of this process in bytes.", () => Environment.WorkingSet);
        metrics.Gauge("process_start_time_seconds", "Start of this process in seconds of Unix time.", () => started);
        metrics.Counter(
            "sidecars_log_dropped_total",
            "Log lines dropped because the reader of the log did not keep up.",
            () => log.Dropped);
        metrics.Gauge(
            "sidecars_build_info",
            "1, with the version of this executable as a label.",
            () => [new Sample(1, version)], "version");
    }

    /// <summary>Adds how often AWS credentials were looked for.</summary>
    public static void AddCredentials(MetricSet metrics, Func<IEnumerable<(string Outcome, string Reason, long Times)>> resolutions) =>
        metrics.Counter(
            "sidecars_aws_credential_resolutions_total",
            "Lookups of AWS credentials, by reason and outcome.",
            () => resolutions().Select(r => new Sample(r.Times, r.Outcome, r.Reason)).Concat(CredentialResolutions)
                .DistinctBy(sample => (sample.Labels[0], sample.Labels[1])),
            "outcome",
            "reason");

    private static IEnumerable<Sample> CredentialResolutions =>
        from reason in (string[])["none", "expired", "invalid", "denied", "expiring", "session-check"]
        from outcome in (string[])["new", "unchanged", "failed"]
        select new Sample(0, outcome, reason);
}
