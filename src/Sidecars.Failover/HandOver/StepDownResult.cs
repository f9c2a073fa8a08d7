using Sidecars.Core.Primitives;

namespace Sidecars.Failover.HandOver;

/// <summary>What is asked of a step-down.</summary>
public sealed record StepDownOptions
{
    /// <summary>
    /// For everything, recovery included; default 25 s, <see cref="HandOverLimits.ShortestTimeout"/> to
    /// <see cref="HandOverLimits.LongestTimeout"/>.
    /// </summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(25);

    /// <summary>The replica to hand over to, by its address; null: the best one.</summary>
    public RedisEndpoint? Wanted { get; init; }

    /// <summary>
    /// The server ends after this, as in a preStop hook, and must not be promoted meanwhile (<see cref="TerminatingMark"/>). The command
    /// sees to it before it takes the lock.
    /// </summary>
    public bool Terminating { get; init; }

    /// <summary>Decide and say what would be done.</summary>
    public bool DryRun { get; init; }
}

/// <summary>How a step-down ended.</summary>
public enum StepDownEnd
{
    /// <summary>Another is master, and everything is as configured.</summary>
    HandedOver,

    /// <summary>There was nothing to hand over.</summary>
    Nothing,

    /// <summary><c>--dry-run</c>: it would have been handed over.</summary>
    WouldHandOver,

    /// <summary>Not begun, and nothing is changed.</summary>
    Refused,

    /// <summary>Begun and taken back: this server is the master that it was.</summary>
    Aborted,

    /// <summary>The outcome is not known; the sidecars' repair goes on from what the servers say.</summary>
    Left,
}

/// <summary>The summary.</summary>
/// <param name="End">How it ended.</param>
/// <param name="Code">Stable: of the decision, or of the step that it ended at.</param>
/// <param name="Reason">In words.</param>
public sealed record StepDownResult(StepDownEnd End, string Code, string Reason)
{
    /// <summary>What was decided; null where nothing was.</summary>
    public StepDownPlan? Plan { get; init; }

    /// <summary>From the fence until the new master takes writes and the old one is its replica; null: not reached.</summary>
    public TimeSpan? CutOver { get; init; }

    /// <summary>From the fence until a majority of Sentinels names the new master; null: not reached.</summary>
    public TimeSpan? Switched { get; init; }
}

/// <summary>One line of progress. Closed.</summary>
/// <param name="Message">In words.</param>
/// <param name="At">Since the start.</param>
public abstract record StepDownProgress(string Message, TimeSpan At)
{
    /// <summary>A decision that is new, and what it was taken from.</summary>
    public sealed record Decided(StepDownDecision Decision, HandOverSnapshot Snapshot, TimeSpan At) : StepDownProgress(Decision.Reason, At);

    /// <summary>A step has an outcome.</summary>
    /// <param name="Step">In lower case with hyphens.</param>
    /// <param name="Outcome">What became of it.</param>
    /// <param name="Message">In words.</param>
    /// <param name="At">Since the start.</param>
    public sealed record Stepped(string Step, StepOutcome Outcome, string Message, TimeSpan At) : StepDownProgress(Message, At);
}
