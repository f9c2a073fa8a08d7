using System.Collections.Immutable;
using Sidecars.Bootstrap.Election;
using Sidecars.Core.Election;
using Sidecars.Core.Hosting;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel.Leadership;
using Sidecars.Core.Succession;

namespace Sidecars.Bootstrap.Rounds;

/// <summary>
/// One log line per change of state with its reason, not one per round; its snapshot for <c>status --explain</c>; and the heartbeat file,
/// which tells the probes that a node that listens on nothing is alive, and what it waits for.
/// </summary>
internal sealed class DecisionReporter(JsonLineLog log, HeartbeatFile heartbeat)
{
    private string _last = "";
    private string _lastHeartbeatProblem = "";
    private string _lastTold = "";

    /// <summary>Reports a starting Redis's decision; true where it differs from the last one.</summary>
    public bool Report(MasterDecision decision, BootstrapSnapshot snapshot)
    {
        var waitingFor = decision is MasterDecision.Wait wait ? wait.WaitingFor : [];
        var level = decision is MasterDecision.Refuse ? LogLevel.Warning : LogLevel.Info;
        return Report(level, decision.GetType().Name, decision.Code, decision.Reason, waitingFor, () => SnapshotDocument.Write(snapshot));
    }

    /// <summary>Reports a starting Sentinel's decision; true where it differs from the last one.</summary>
    public bool Report(MonitorDecision decision, MonitorSnapshot snapshot)
    {
        ImmutableArray<string> waitingFor = decision is MonitorDecision.Wait wait ? [wait.WaitingFor] : [];
        var level = decision is MonitorDecision.Refuse ? LogLevel.Warning : LogLevel.Info;
        return Report(level, decision.GetType().Name, decision.Code, decision.Reason, waitingFor, () => SnapshotDocument.Write(snapshot));
    }

    /// <summary>Reports a wait that needs no policy; true if it differs from the last one.</summary>
    /// <param name="code">Stable.</param>
    /// <param name="reason">In words.</param>
    /// <param name="waitingFor">Node or service.</param>
    /// <param name="isDoubtful">True where it may never end by itself: a setting may be wrong, or a person must act.</param>
    public bool Waiting(string code, string reason, string waitingFor, bool isDoubtful = false) =>
        Report(isDoubtful ? LogLevel.Warning : LogLevel.Info, "Wait", code, reason, [waitingFor], () => "null");

    /// <summary>A request to a Sentinel, which moves clients, and its outcome: <paramref name="refusal"/> is null where accepted.</summary>
    public void Acted(string eventName, RedisEndpoint sentinel, string? refusal)
    {
        if (refusal is null) log.Warning(eventName, $"Sentinel {sentinel} accepted", LogField.Of("sentinel", sentinel.ToString()));
        else
            log.Warning(eventName + "-refused", $"Sentinel {sentinel}: {refusal}", LogField.Of("sentinel", sentinel.ToString()),
                LogField.Of("answer", refusal));
    }

    /// <summary>An attempt to tell the Sentinels and its outcome; the same refusal is logged once.</summary>
    public void Told(LeadershipOutcome outcome)
    {
        if (_lastTold == outcome.Code && outcome is not LeadershipOutcome.Confirmed) return;
        _lastTold = outcome.Code;
        log.Warning(
            outcome is LeadershipOutcome.Confirmed ? "sentinels-told" : "sentinels-not-told", outcome.Reason,
            LogField.Of("code", outcome.Code), LogField.Of("epoch", outcome.HighestEpoch));
    }

    /// <summary>An attempt to have a replica succeed, and its outcome; the same refusal is logged once.</summary>
    public void Succeeded(SuccessionOutcome outcome)
    {
        var isDone = outcome is SuccessionOutcome.Succeeded;
        if (_lastTold == outcome.Code && !isDone) return;
        _lastTold = outcome.Code;
        log.Write(isDone ? LogLevel.Info : LogLevel.Warning, isDone ? "succession" : "succession-refused", outcome.Reason,
            LogField.Of("code", outcome.Code), LogField.Of("epoch", outcome.HighestEpoch));
    }

    /// <summary>Reports a claim and its outcome.</summary>
    public void Claimed(ClaimOutcome outcome)
    {
        switch (outcome)
        {
            case ClaimOutcome.Won won:
                log.Info("election-won", $"this node is the candidate of term {won.Term}", LogField.Of("term", won.Term));
                break;
            case ClaimOutcome.Lost lost: log.Info("election-not-won", lost.Why); break;
            case ClaimOutcome.Unavailable unavailable: log.Warning("election-unavailable", unavailable.Why); break;
        }
    }

    /// <summary>Reports this Sentinel's identity.</summary>
    public void Slot(int slot, string code, string reason) => log.Info(code, reason, LogField.Of("slot", slot));

    /// <summary>A heartbeat that can't be written: probes will take a waiting node for a dead one. Logged once per problem.</summary>
    public void HeartbeatFailed(string problem)
    {
        if (Interlocked.Exchange(ref _lastHeartbeatProblem, problem) != problem) log.Warning("heartbeat-failed", problem);
    }

    // Reasons hold counts and addresses that flicker from round to round; the code and what is waited for are the state.
    private bool Report(
        LogLevel level, string decision, string code, string reason, ImmutableArray<string> waitingFor, Func<string> snapshot)
    {
        if (heartbeat.Beat(code, reason, waitingFor) is { } problem) HeartbeatFailed(problem);
        var state = code + "|" + string.Join(',', waitingFor);
        if (state == _last) return false;
        _last = state;
        log.Decision(
            level, reason, snapshot,
            LogField.Of("decision", decision), LogField.Of("code", code), LogField.Of("waiting_for", string.Join(", ", waitingFor)));
        return true;
    }
}
