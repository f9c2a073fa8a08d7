using Sidecars.Core.Lineage;
using Sidecars.Core.Sentinel.Leadership;

namespace Sidecars.Failover.HandOver;

/// <summary>
/// Hands over: looks, decides (<see cref="StepDownPolicy"/>), wins an epoch and cuts over (<see cref="CutOver"/>). Until the fence nothing
/// is changed, and a cancellation ends it; from there on it runs to an end, within its time-out. One use.
/// </summary>
/// <param name="group">Where it looks and acts; the own Redis is the master that steps down.</param>
/// <param name="options">What is asked.</param>
/// <param name="report">After each step and for each decision that is new; the next step begins when it returns.</param>
/// <param name="time">The clock.</param>
public sealed class StepDownRunner(HandOverGroup group, StepDownOptions options, Func<StepDownProgress, Task> report, TimeProvider time)
{
    // The group is looked at again after so long while something is waited for: Sentinel's own view changes every second at most.
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200);

    // A vote that was not used keeps Sentinels from acting by themselves for 2 x failover-timeout: after so many, one of them is asked.
    private const int MaxAttempts = 5;

    private readonly long _started = time.GetTimestamp();
    private long _learntEpoch;
    private int _attempts;

    /// <summary>Runs. The caller holds the <see cref="StepDownLock"/> unless it is a dry run.</summary>
    /// <exception cref="OperationCanceledException">Cancelled before the fence; nothing is changed.</exception>
    public async Task<StepDownResult> RunAsync(CancellationToken cancellation)
    {
        // What begins later could not be taken back in time.
        var lastStart = options.Timeout - HandOverLimits.RecoveryReserve - TimeSpan.FromSeconds(2);
        var (last, notWon) = ("", "");
        while (true)
        {
            var seen = await group.ObserveAsync(options.Wanted, cancellation).ConfigureAwait(false) with
            {
                GivenUp = GivingUp.Read(group.DataDirectory).Value,
                AcceptsRewriting = time.GetElapsedTime(_started) >= HandOverLimits.RewritePatience,
            };
            var decision = StepDownPolicy.Decide(seen);
            if (decision.Code != last)
                await report(new StepDownProgress.Decided(decision, seen, time.GetElapsedTime(_started))).ConfigureAwait(false);
            last = decision.Code;
            switch (decision)
            {
                case StepDownDecision.Nothing nothing:
                    return new StepDownResult(StepDownEnd.Nothing, nothing.Code, nothing.Reason);
                case StepDownDecision.Refuse refuse:
                    return new StepDownResult(StepDownEnd.Refused, refuse.Code, refuse.Reason);
                case StepDownDecision.HandOver go when options.DryRun:
                    return new StepDownResult(StepDownEnd.WouldHandOver, go.Code, go.Reason) { Plan = go.Plan };
                case var _ when options.DryRun:
                    return new StepDownResult(StepDownEnd.Refused, decision.Code, decision.Reason);
                case var _ when time.GetElapsedTime(_started) > lastStart:
                    return new StepDownResult(StepDownEnd.Refused, notWon.Length > 0 ? "not-won" : decision.Code,
                        $"no time left for it: {(notWon.Length > 0 ? notWon : decision.Reason)}");
                case StepDownDecision.HandOver go:
                    var (result, refusal) = await HandOverAsync(go.Plan).ConfigureAwait(false);
                    if (result is not null) return result;
                    notWon = refusal!;
                    break;
            }

            await Task.Delay(Look, time, cancellation).ConfigureAwait(false);
        }
    }

    private async Task<(StepDownResult? Result, string? NotWon)> HandOverAsync(StepDownPlan plan)
    {
        CutOver Begin() => new(group, plan, _started + (long)(options.Timeout.TotalSeconds * time.TimestampFrequency), ReportAsync, time);
        var cutOver = Begin();
        var (result, notWon) = await cutOver.TellAsync(_learntEpoch).ConfigureAwait(false);
        _learntEpoch = Math.Max(_learntEpoch, cutOver.LearntEpoch);
        if (result is { End: StepDownEnd.Aborted, Code: CutOver.TargetTerminates } && ++_attempts < MaxAttempts)
            return (null, $"{result.Code}: {result.Reason}");
        if (notWon is null) return (result, null);
        await ReportAsync("win", StepOutcome.Refused, $"{notWon.Code}: {notWon.Reason}").ConfigureAwait(false);
        var isLasting = notWon is LeadershipOutcome.Refused { IsLasting: true };
        return isLasting || ++_attempts >= MaxAttempts
            ? (await Begin().AskAsync().ConfigureAwait(false), null)
            : (null, $"{notWon.Code}: {notWon.Reason}");
    }

    private Task ReportAsync(string step, StepOutcome outcome, string message) =>
        report(new StepDownProgress.Stepped(step, outcome, message, time.GetElapsedTime(_started)));
}
