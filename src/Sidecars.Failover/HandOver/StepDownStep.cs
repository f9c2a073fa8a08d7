namespace Sidecars.Failover.HandOver;

/// <summary>The steps of a cut-over, and of its recovery. Before it, the others are lowered (<see cref="StepDownDecision.LowerFirst"/>).</summary>
public enum StepDownStep
{
    /// <summary>Nothing more: the group is whole, with one master or the other.</summary>
    End,

    /// <summary>Nothing more: the outcome is not known, and what is fenced stays fenced. The sidecars' repair goes on from what the servers say.</summary>
    Leave,

    /// <summary>Master: <c>CLIENT PAUSE</c> and <c>min-replicas-to-write 99</c>. No write is acknowledged from here on.</summary>
    Fence,

    /// <summary>Until the target has the master's offset.</summary>
    AwaitOffset,

    /// <summary>Target: <c>REPLICAOF NO ONE</c>, <c>min-replicas-to-write 0</c>.</summary>
    Promote,

    /// <summary>The promotion's answer is missing: kill the connection that it was sent on, and ask for the role.</summary>
    AskTarget,

    /// <summary>Master: <c>REPLICAOF</c> target, clients cut, pause and fence lifted, in one transaction.</summary>
    Demote,

    /// <summary>The demotion's answer is missing: the same question.</summary>
    AskOwn,

    /// <summary>Clients may move: tell the sidecar beside the target.</summary>
    Notify,

    /// <summary><c>SENTINEL FAILOVER</c> on exactly one Sentinel: a second one would promote the target as well.</summary>
    TellSentinel,

    /// <summary>Until a majority of Sentinels names the target.</summary>
    AwaitSwitch,

    /// <summary>Target: <c>REPLICAOF</c> master. No client was sent there.</summary>
    TakeBack,

    /// <summary>The target died before Sentinel named it: <c>REPLICAOF NO ONE</c> on the old master.</summary>
    Resume,

    /// <summary>Master: pause and fence lifted.</summary>
    Unfence,

    /// <summary>Priorities, <c>min-replicas-to-write</c>, CONFIG REWRITE.</summary>
    Restore,
}

/// <summary>How a step ended.</summary>
public enum StepOutcome
{
    /// <summary>Done; for a question: yes (the target is master, the old one is a replica).</summary>
    Done,

    /// <summary>Certainly not done; for a question: no; for a wait: it can't come true any more.</summary>
    Refused,

    /// <summary>No answer, or not in time: it may have been done.</summary>
    Unknown,
}

/// <summary>
/// What follows what. Pure. Before the promotion everything goes back; after it, nothing is lifted until it is known who is
/// master; clients are moved only when the old master is known to be a replica.
/// </summary>
public static class StepDownSequence
{
    /// <summary>The step after this one.</summary>
    public static StepDownStep After(StepDownStep step, StepOutcome outcome) => (step, outcome) switch
    {
        (StepDownStep.Fence, StepOutcome.Done) => StepDownStep.AwaitOffset,
        (StepDownStep.Fence, _) => StepDownStep.Unfence,
        (StepDownStep.AwaitOffset, StepOutcome.Done) => StepDownStep.Promote,
        (StepDownStep.AwaitOffset, _) => StepDownStep.Unfence,
        (StepDownStep.Promote, StepOutcome.Done) => StepDownStep.Demote,
        (StepDownStep.Promote, StepOutcome.Refused) => StepDownStep.Unfence,
        (StepDownStep.Promote, _) => StepDownStep.AskTarget,
        (StepDownStep.AskTarget, StepOutcome.Done) => StepDownStep.Demote,
        (StepDownStep.AskTarget, StepOutcome.Refused) => StepDownStep.Unfence,
        (StepDownStep.AskTarget, _) => StepDownStep.Leave,
        (StepDownStep.Demote, StepOutcome.Done) => StepDownStep.Notify,
        (StepDownStep.Demote, StepOutcome.Refused) => StepDownStep.TakeBack,
        (StepDownStep.Demote, _) => StepDownStep.AskOwn,
        (StepDownStep.AskOwn, StepOutcome.Done) => StepDownStep.Notify,
        (StepDownStep.AskOwn, StepOutcome.Refused) => StepDownStep.TakeBack,
        (StepDownStep.AskOwn, _) => StepDownStep.Leave,
        (StepDownStep.TakeBack, StepOutcome.Done) => StepDownStep.Unfence,
        (StepDownStep.TakeBack, _) => StepDownStep.Leave,
        (StepDownStep.Notify, _) => StepDownStep.TellSentinel, // publishing may fail; the switch publishes again
        (StepDownStep.TellSentinel, StepOutcome.Refused) => StepDownStep.Resume,
        (StepDownStep.TellSentinel, _) => StepDownStep.AwaitSwitch,
        (StepDownStep.AwaitSwitch, StepOutcome.Done) => StepDownStep.Restore,
        (StepDownStep.AwaitSwitch, StepOutcome.Refused) => StepDownStep.Resume,
        (StepDownStep.AwaitSwitch, _) => StepDownStep.Leave,
        (StepDownStep.Resume, StepOutcome.Done) => StepDownStep.Restore,
        (StepDownStep.Resume, _) => StepDownStep.Leave,
        (StepDownStep.Unfence, _) => StepDownStep.Restore, // no promotion stands: the others may be electable again, whatever this server does
        (StepDownStep.Restore, _) => StepDownStep.End,
        (StepDownStep.End or StepDownStep.Leave, _) => step,
        _ => throw new ArgumentOutOfRangeException(nameof(step), step, "no such step"),
    };
}
