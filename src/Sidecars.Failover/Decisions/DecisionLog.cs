using System.Collections.Concurrent;
using Sidecars.Core.Hosting;

namespace Sidecars.Failover.Decisions;

/// <summary>
/// Logs each change of a decision as one line, keeps it with its snapshot for <c>status --explain</c>, logs each act; counts refusals.
/// </summary>
public sealed class DecisionLog(JsonLineLog log, FailoverMetrics metrics) : IDecisionSink
{
    // Loops whose acts change what clients may do, or replace data. The others repair lists, record and publish.
    private static readonly HashSet<string> Grave = ["fence", "death", "abandoned", "hand-over-repair", "self-replica", "stray-replica"];

    private readonly ConcurrentDictionary<string, string> _last = new();

    /// <inheritdoc/>
    public void Decided(string loop, string code, string reason, bool isRefusal, Func<string> snapshot)
    {
        if (isRefusal) metrics.Refused(loop, code);
        if (_last.TryGetValue(loop, out var last) && last == code) return;
        _last[loop] = code;
        log.Decision(isRefusal ? LogLevel.Warning : LogLevel.Info, reason, snapshot, LogField.Of("loop", loop), LogField.Of("code", code));
    }

    /// <inheritdoc/>
    public void Acted(string loop, string code, string detail, string? failure)
    {
        metrics.Acted(loop.StartsWith("publish-", StringComparison.Ordinal) ? loop : code, failure is null);
        var level = Grave.Contains(loop) ? LogLevel.Warning : LogLevel.Info;
        if (failure is null) log.Write(level, "done", detail, LogField.Of("loop", loop), LogField.Of("code", code));
        else log.Warning("not-done", $"{detail}: {failure}", LogField.Of("loop", loop), LogField.Of("code", code));
    }

    /// <summary>Logs a lasting problem, when it begins or changes.</summary>
    public void Problem(string loop, string code, string why)
    {
        metrics.Refused(loop, code);
        if (_last.TryGetValue(loop + "/" + code, out var last) && last == why) return;
        _last[loop + "/" + code] = why;
        log.Warning(code, why, LogField.Of("loop", loop));
    }
}
