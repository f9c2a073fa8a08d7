using System.Collections.Concurrent;
using Sidecars.Core.Hosting;

namespace Sidecars.Failover.Decisions;

/// <summary>
/// Logs each change of a decision with its snapshot as one line, which <c>status --explain</c> replays, and each act; counts refusals.
/// </summary>
internal sealed class DecisionLog(JsonLineLog log, FailoverMetrics metrics) : IDecisionSink
{
    private readonly ConcurrentDictionary<string, string> _last = new();

    public void Decided(string loop, string code, string reason, bool isRefusal, Func<string> snapshot)
    {
        if (isRefusal) metrics.Refused(loop, code);
        if (_last.TryGetValue(loop, out var last) && last == code) return;
        _last[loop] = code;
        log.Write(isRefusal ? LogLevel.Warning : LogLevel.Info, "decision", reason, LogField.Of("loop", loop), LogField.Of("code", code), LogField.Json("snapshot", snapshot()));
    }

    public void Acted(string loop, string code, string detail, string? failure)
    {
        metrics.Acted(loop.StartsWith("publish-", StringComparison.Ordinal) ? loop : code, failure is null);
        if (failure is null) log.Info("done", detail, LogField.Of("loop", loop), LogField.Of("code", code));
        else log.Warning("not-done", $"{detail}: {failure}", LogField.Of("loop", loop), LogField.Of("code", code));
    }

    /// <summary>Something that lasts, told when it begins or changes.</summary>
    public void Problem(string loop, string code, string why)
    {
        metrics.Refused(loop, code);
        if (_last.TryGetValue(loop + "/" + code, out var last) && last == why) return;
        _last[loop + "/" + code] = why;
        log.Warning(code, why, LogField.Of("loop", loop));
    }
}
