using System.Diagnostics;
using System.Diagnostics.Metrics;
using Sidecars.Core.Hosting;

namespace Sidecars.Telemetry;

/// <summary>What Prometheus' client libraries say of every process, under their names.</summary>
public static class ProcessMetrics
{
    /// <summary>Adds the instruments to a meter.</summary>
    /// <param name="meter">That <see cref="MetricsCollector"/> accepts.</param>
    /// <param name="version">Of the executable, the label of <c>sidecars_build_info</c>.</param>
    /// <param name="log">Whose lost lines are counted.</param>
    public static void AddTo(Meter meter, string version, LogQueue log)
    {
        using var self = Process.GetCurrentProcess();
        var started = new DateTimeOffset(self.StartTime.ToUniversalTime()).ToUnixTimeMilliseconds() / 1000.0;
        meter.CreateObservableCounter("process_cpu", () => Environment.CpuUsage.TotalTime.TotalSeconds, "s", "Processor time of user and system.");
        meter.CreateObservableGauge("process_resident_memory", () => Environment.WorkingSet, "By", "Resident memory.");
        meter.CreateObservableGauge("process_start_time", () => started, "s", "Start of the process, Unix time.");
        meter.CreateObservableCounter("sidecars_log_dropped", () => log.Dropped, null, "Log lines that were dropped: the reader of the log did not keep up.");
        meter.CreateObservableGauge("sidecars_build_info", () => new Measurement<int>(1, new KeyValuePair<string, object?>("version", version)), null, "The version that runs.");
    }
}
