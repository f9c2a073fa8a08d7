using System.CommandLine;
using System.Text.Json;
using Sidecars.Core.Group;
using Sidecars.Core.Hosting;
using Sidecars.Core.Primitives;
using Sidecars.Failover.Options;
using Sidecars.Telemetry;

namespace Sidecars.Failover.HandOver;

/// <summary><c>step-down</c>: hands over to a replica, as preStop of the Redis container or by a person's hand.</summary>
internal static class StepDownCommand
{
    private static readonly TimeSpan LockAgain = TimeSpan.FromMilliseconds(200);

    public static Command Create(CommandContext context)
    {
        var standard = new StepDownOptions().Timeout;
        var timeout = new Option<TimeSpan?>("--timeout")
        {
            Description =
                $"for everything, {DurationText.Of(HandOverLimits.ShortestTimeout)} to {DurationText.Of(HandOverLimits.LongestTimeout)}; "
                + $"below terminationGracePeriodSeconds; default {DurationText.Of(standard)}",
            CustomParser = result => Timeout(result),
        };
        var to = new Option<string?>("--to")
        { Description = "the replica to hand over to, by address or by a name that resolves to it; default: by priority, then offset" };
        var dry = new Option<bool>("--dry-run") { Description = "decide and say it, and change nothing" };
        var terminating = new Option<bool>("--terminating")
        {
            Description = "the server ends after this, as in a preStop hook: first its replica-priority becomes 0, "
                + "so that nobody chooses it meanwhile; only a restart of it sets that back",
        };
        var command = new Command("step-down", "Hands the master over to a replica without losing a write; exit 0 at once on a replica.")
        { timeout, to, terminating, dry };
        command.SetAction((parsed, _) => context.WithAsync(options => RunAsync(
            context, options, parsed.GetValue(to), new StepDownOptions
            {
                Timeout = parsed.GetValue(timeout) ?? standard,
                Terminating = parsed.GetValue(terminating),
                DryRun = parsed.GetValue(dry),
            })));
        return command;
    }

    private static async Task<int> RunAsync(CommandContext context, FailoverOptions options, string? to, StepDownOptions asked)
    {
        // Queued: a reader that is away must not hold up a hand-over between the fence and the promotion.
        using var lines = QueuedLog.OnStandardOutput(
            "redis-failover", options.Group.LogLevel, options.Group.LogFormat, options.Group.ConfigDirectory, "step-down");
        var log = lines.Log;
        RedisEndpoint? wanted = null;
        if (to is not null)
        {
            (wanted, var why) = await HandOverWiring.FindAsync(to, options.Group, context.Signals.Token).ConfigureAwait(false);
            if (wanted is null) return Summarize(log, new StepDownResult(StepDownEnd.Refused, "target-unknown", why));
        }

        var connections = new GroupConnections(options.Group, TimeProvider.System);
        var group = HandOverWiring.Group(options, connections, TimeProvider.System);
        var started = TimeProvider.System.GetTimestamp();
        if (asked is { Terminating: true, DryRun: false })
        {
            var (outcome, message) = await TerminatingMark.SetAsync(
                group, TimeProvider.System, context.Signals.Token).ConfigureAwait(false);
            log.Write(outcome is StepOutcome.Done ? LogLevel.Info : LogLevel.Warning, "step-down-mark", message,
                LogField.Of("outcome", outcome.ToString().ToLowerInvariant()));
        }

        var held = "";
        using var only = asked.DryRun ? null : await TakeLockAsync().ConfigureAwait(false);
        if (only is null && !asked.DryRun) return Summarize(log, new StepDownResult(StepDownEnd.Refused, "locked", held));

        var runner = new StepDownRunner(
            group,
            asked with { Wanted = wanted, Timeout = Left() },
            progress =>
            {
                Say(log, progress);
                return Task.CompletedTask;
            },
            TimeProvider.System);
        return Summarize(log, await runner.RunAsync(context.Signals.Token).ConfigureAwait(false));

        TimeSpan Left()
        {
            var left = asked.Timeout - TimeProvider.System.GetElapsedTime(started);
            return left > HandOverLimits.ShortestTimeout ? left : HandOverLimits.ShortestTimeout;
        }

        // A person's step-down may run here: a hook waits for its end while there is time for a hand-over of its own.
        async Task<StepDownLock?> TakeLockAsync()
        {
            while (true)
            {
                if (StepDownLock.TryTake(options.Group.DataDirectory, out held) is { } taken) return taken;
                var isLate = asked.Timeout - TimeProvider.System.GetElapsedTime(started) < HandOverLimits.ShortestTimeout;
                if (!asked.Terminating || isLate) return null;
                await Task.Delay(LockAgain, TimeProvider.System, context.Signals.Token).ConfigureAwait(false);
            }
        }
    }

    // A decision as the sidecars log theirs: status --explain takes it again.
    private static void Say(JsonLineLog log, StepDownProgress progress)
    {
        var at = LogField.Of("at_ms", (long)progress.At.TotalMilliseconds);
        switch (progress)
        {
            case StepDownProgress.Decided decided:
                log.Decision(
                    LogLevel.Info, decided.Message, () => JsonSerializer.Serialize(decided.Snapshot, HandOverJson.Default.HandOverSnapshot),
                    LogField.Of("loop", "step-down"), LogField.Of("code", decided.Decision.Code), at);
                break;
            case StepDownProgress.Stepped step:
                log.Write(step.Outcome is StepOutcome.Done ? LogLevel.Info : LogLevel.Warning, "step-down-" + step.Step, step.Message,
                    LogField.Of("outcome", step.Outcome.ToString().ToLowerInvariant()), at);
                break;
        }
    }

    private static int Summarize(JsonLineLog log, StepDownResult result)
    {
        var isGood = result.End is StepDownEnd.HandedOver or StepDownEnd.Nothing or StepDownEnd.WouldHandOver;
        log.Write(
            isGood ? LogLevel.Info : LogLevel.Error, "step-down", result.Reason,
            LogField.Of("end", Word(result.End)), LogField.Of("code", result.Code),
            LogField.Of("target", result.Plan?.Target.Address.ToString() ?? ""),
            LogField.Of("cut_over_us", (long)(result.CutOver?.TotalMicroseconds ?? 0)),
            LogField.Of("switched_ms", (long)(result.Switched?.TotalMilliseconds ?? 0)));
        return isGood ? ExitCode.Ok : ExitCode.Failed;
    }

    private static string Word(StepDownEnd end) => end switch
    {
        StepDownEnd.HandedOver => "handed-over",
        StepDownEnd.WouldHandOver => "would-hand-over",
        var other => other.ToString().ToLowerInvariant(),
    };

    private static TimeSpan Timeout(System.CommandLine.Parsing.ArgumentResult result)
    {
        var text = result.Tokens is [var token] ? token.Value : "";
        if (CommandMistakes.Duration("--timeout", text, HandOverLimits.ShortestTimeout, HandOverLimits.LongestTimeout, out var timeout)
            is { } why) result.AddError(why);
        return timeout;
    }
}
