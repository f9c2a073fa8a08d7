using System.Collections.Immutable;
using Sidecars.Failover.Watch;

namespace Sidecars.Failover.HandOver;

/// <summary>
/// Hands over: looks, decides (<see cref="StepDownPolicy"/>), lowers the others, looks again, and cuts over (<see cref="CutOver"/>). Until
/// the fence a cancellation takes everything back; from there on it runs to an end, within its time-out. One use.
/// </summary>
/// <param name="group">Where it looks and acts; the own Redis is the master that steps down.</param>
/// <param name="options">What is asked.</param>
/// <param name="report">After each step and for each decision that is new; the next step begins when it returns.</param>
/// <param name="time">The clock.</param>
public sealed class StepDownRunner(HandOverGroup group, StepDownOptions options, Func<StepDownProgress, Task> report, TimeProvider time)
{
    // The group is looked at again after so long while something is waited for: Sentinel's own view changes every second at most.
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200);

    // So long before the last start no moment is waited for: a look at a server that hangs takes a second.
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(1);
    private readonly long _started = time.GetTimestamp();
    private readonly Dictionary<string, LoweredReplica> _lowered = new(StringComparer.Ordinal);

    /// <summary>Runs. The caller holds the <see cref="StepDownLock"/> unless it is a dry run.</summary>
    /// <exception cref="OperationCanceledException">Cancelled before the fence; what was lowered is restored.</exception>
    public async Task<StepDownResult> RunAsync(CancellationToken cancellation)
    {
        var ended = false;
        try
        {
            var (result, plan) = await PrepareAsync(cancellation).ConfigureAwait(false);
            if (plan is null) return result!;
            var cutOver = new CutOver(group, plan with { Lower = [.. _lowered.Values] }, _started + Ticks(options.Timeout), ReportAsync, time);
            ended = true; // it restores by itself
            return await cutOver.RunAsync().ConfigureAwait(false);
        }
        finally
        {
            if (!ended) await RestoreAsync().ConfigureAwait(false);
        }
    }

    private async Task<(StepDownResult? Result, StepDownPlan? Plan)> PrepareAsync(CancellationToken cancellation)
    {
        // What begins later could not be taken back in time.
        var lastStart = options.Timeout - HandOverLimits.RecoveryReserve - TimeSpan.FromSeconds(2);
        var (last, wanted) = ("", options.Wanted);
        long? ready = null; // but for the moment
        while (true)
        {
            var seen = await group.ObserveAsync(wanted, cancellation).ConfigureAwait(false) with
            {
                AcceptsRewriting = time.GetElapsedTime(_started) >= HandOverLimits.RewritePatience,
                AcceptsAnyMoment = options.DryRun || (ready is { } since && time.GetElapsedTime(since) >= SwitchTiming.Patience) || time.GetElapsedTime(_started) > lastStart - Slack,
            };
            var decision = StepDownPolicy.Decide(seen);
            if (decision is StepDownDecision.AwaitMoment) ready ??= time.GetTimestamp();
            if (decision.Code != last) await report(new StepDownProgress.Decided(decision, seen, time.GetElapsedTime(_started))).ConfigureAwait(false);
            last = decision.Code;
            switch (decision)
            {
                case StepDownDecision.Nothing nothing:
                    return (new StepDownResult(StepDownEnd.Nothing, nothing.Code, nothing.Reason), null);
                case StepDownDecision.Refuse refuse:
                    return (new StepDownResult(StepDownEnd.Refused, refuse.Code, refuse.Reason), null);
                case StepDownDecision.HandOver or StepDownDecision.LowerFirst when options.DryRun:
                    return (new StepDownResult(StepDownEnd.WouldHandOver, decision.Code, decision.Reason) { Plan = (decision as StepDownDecision.HandOver)?.Plan ?? ((StepDownDecision.LowerFirst)decision).Plan }, null);
                case var _ when time.GetElapsedTime(_started) > lastStart:
                    return (new StepDownResult(StepDownEnd.Refused, decision.Code, $"no time left for it: {decision.Reason}"), null);
                case StepDownDecision.HandOver go:
                    return (null, go.Plan);
                case StepDownDecision.LowerFirst lower:
                    wanted = lower.Plan.TargetEndpoint; // those that are lowered must not be chosen by the next look
                    if (!await LowerAsync(lower.Plan.Lower, cancellation).ConfigureAwait(false))
                        return (new StepDownResult(StepDownEnd.Aborted, "lower", $"a replica refuses replica-priority 0, so that it might be elected instead of {lower.Plan.Target}"), null);
                    break;
                default:
                    if (options.DryRun) return (new StepDownResult(StepDownEnd.Refused, decision.Code, decision.Reason), null);
                    break;
            }

            await Task.Delay(Look, time, cancellation).ConfigureAwait(false);
        }
    }

    private async Task<bool> LowerAsync(ImmutableArray<LoweredReplica> replicas, CancellationToken cancellation)
    {
        if (replicas.IsEmpty) return true;
        // Remembered before it is asked: an answer that is lost must not leave it lowered.
        foreach (var replica in replicas) _lowered.TryAdd(replica.RunId, replica);
        var outcomes = await Task.WhenAll(replicas.Select(r => group.Nodes.ConfigureAsync(r.Endpoint, r.RunId, HandOverClient.Priority, 0, rewrite: false, cancellation))).ConfigureAwait(false);
        var outcome = outcomes.All(o => o == StepOutcome.Done) ? StepOutcome.Done : StepOutcome.Refused;
        await ReportAsync("lower", outcome, $"replica-priority 0 on {string.Join(", ", replicas.Select(r => r.Endpoint))}").ConfigureAwait(false);
        return outcome == StepOutcome.Done;
    }

    private async Task RestoreAsync()
    {
        if (_lowered.Count == 0) return;
        var outcome = await CutOver.RestorePrioritiesAsync(group, _lowered.Values, CancellationToken.None).ConfigureAwait(false);
        await ReportAsync("restore", outcome, "priorities").ConfigureAwait(false);
    }

    private Task ReportAsync(string step, StepOutcome outcome, string message) => report(new StepDownProgress.Stepped(step, outcome, message, time.GetElapsedTime(_started)));

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * time.TimestampFrequency);
}
