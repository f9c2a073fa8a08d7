using System.Diagnostics;
using Sidecars.Core.Hosting;

namespace Sidecars.Telemetry;

/// <summary>What both sidecars show: of the process, under the names that Prometheus' client libraries use, and of what they share.</summary>
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
        metrics.Counter("process_cpu_seconds_total", "Processor time of user and system.", () => Environment.CpuUsage.TotalTime.TotalSeconds);
        metrics.Gauge("process_resident_memory_bytes", "Resident memory.", () => Environment.WorkingSet);
        metrics.Gauge("process_start_time_seconds", "Start of the process, Unix time.", () => started);
        metrics.Counter("sidecars_log_dropped_total", "Log lines that were dropped: the reader of the log did not keep up.", () => log.Dropped);
        metrics.Gauge("sidecars_build_info", "The version that runs.", () => [new Sample(1, version)], "version");
    }

    /// <summary>Adds how often AWS credentials were looked for.</summary>
    public static void AddCredentials(MetricSet metrics, Func<IEnumerable<(string Outcome, string Reason, long Times)>> resolutions) => metrics.Counter(
        "sidecars_aws_credential_resolutions_total",
        "Times that AWS credentials were looked for, by reason and outcome.",
        () => resolutions().Select(r => new Sample(r.Times, r.Outcome, r.Reason)),
        "outcome",
        "reason");
}
