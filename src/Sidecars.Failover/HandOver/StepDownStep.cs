namespace Sidecars.Failover.HandOver;

/// <summary>The steps of a cut-over, and of its recovery. The epoch is won before the first.</summary>
public enum StepDownStep
{
    /// <summary>Nothing more: the group is whole, with one master or the other.</summary>
    End,

    /// <summary>
    /// Nothing more: the outcome is not known, and what is fenced stays fenced. The sidecars' repair goes on from what the servers say.
    /// </summary>
    Leave,

    /// <summary>Master's disk: for whom, and in which epoch, it gives up (<see cref="Core.Lineage.GivingUp"/>).</summary>
    GiveUp,

    /// <summary>Master: <c>CLIENT PAUSE</c> and <c>min-replicas-to-write 99</c>. No write is acknowledged from here on.</summary>
    Fence,

    /// <summary>Until the target has the master's offset; where a Sentinel is asked, every replica.</summary>
    AwaitOffset,

    /// <summary>Target: <c>REPLICAOF NO ONE</c>, <c>min-replicas-to-write 0</c>.</summary>
    Promote,

    /// <summary>The promotion's answer is missing: kill the connection that it was sent on, and ask for the role.</summary>
    AskTarget,

    /// <summary>Tell every Sentinel. With the first announcement the way back is closed.</summary>
    Announce,

    /// <summary>A majority has not confirmed: tell them in a higher epoch, the same target.</summary>
    AnnounceAgain,

    /// <summary>The Sentinels can't be told: <c>SENTINEL FAILOVER</c> on exactly one of them. Every replica has everything.</summary>
    AskSentinel,

    /// <summary>Until a majority of Sentinels names another.</summary>
    AwaitSwitch,

    /// <summary>Master: <c>REPLICAOF</c> the next one, clients cut, pause and fence lifted, in one transaction.</summary>
    Demote,

    /// <summary>The other replicas: <c>REPLICAOF</c> the next one.</summary>
    Repoint,

    /// <summary>Target: <c>REPLICAOF</c> master. Nobody was told of it.</summary>
    TakeBack,

    /// <summary>Master: the giving-up is void, pause and fence are lifted.</summary>
    Unfence,

    /// <summary><c>min-replicas-to-write</c>, CONFIG REWRITE; the giving-up is done.</summary>
    Restore,
}

/// <summary>How a step ended.</summary>
public enum StepOutcome
{
    /// <summary>Done; for a question: yes (the target is master, the old one is a replica).</summary>
    Done,

    /// <summary>Certainly not done; for a question: no.</summary>
    Refused,

    /// <summary>No answer, or not in time: it may have been done.</summary>
    Unknown,
}

/// <summary>
/// What follows what. Pure. Before the first announcement everything goes back; from there on only forward. Clients are moved only once a
/// majority of the Sentinels names the target.
/// </summary>
public static class StepDownSequence
{
    /// <summary>Chooses the first step.</summary>
    /// <param name="isTold">An epoch is won, and the Sentinels are told; false: one of them is asked.</param>
    public static StepDownStep First(bool isTold) => isTold ? StepDownStep.GiveUp : StepDownStep.Fence;

    /// <summary>Chooses the step after this one.</summary>
    /// <param name="step">What ended.</param>
    /// <param name="outcome">How.</param>
    /// <param name="isTold">As <see cref="First"/>.</param>
    public static StepDownStep After(StepDownStep step, StepOutcome outcome, bool isTold) => (step, outcome) switch
    {
        (StepDownStep.GiveUp, StepOutcome.Done) => StepDownStep.Fence,
        (StepDownStep.GiveUp, _) => StepDownStep.End,
        (StepDownStep.Fence, StepOutcome.Done) => StepDownStep.AwaitOffset,
        (StepDownStep.Fence, _) => StepDownStep.Unfence,
        (StepDownStep.AwaitOffset, StepOutcome.Done) => isTold ? StepDownStep.Promote : StepDownStep.AskSentinel,
        (StepDownStep.AwaitOffset, _) => StepDownStep.Unfence,
        (StepDownStep.Promote, StepOutcome.Done) => StepDownStep.Announce,
        (StepDownStep.Promote, StepOutcome.Refused) => StepDownStep.Unfence,
        (StepDownStep.Promote, _) => StepDownStep.AskTarget,
        (StepDownStep.AskTarget, StepOutcome.Done) => StepDownStep.Announce,
        (StepDownStep.AskTarget, StepOutcome.Refused) => StepDownStep.Unfence,
        (StepDownStep.AskTarget, _) => StepDownStep.Leave,
        (StepDownStep.Announce, StepOutcome.Done) => StepDownStep.Demote,
        (StepDownStep.Announce, StepOutcome.Refused) => StepDownStep.TakeBack, // no Sentinel was told
        (StepDownStep.Announce, _) => StepDownStep.AnnounceAgain,
        (StepDownStep.AnnounceAgain, StepOutcome.Done) => StepDownStep.Demote,
        (StepDownStep.AnnounceAgain, _) => StepDownStep.Leave,
        (StepDownStep.AskSentinel, StepOutcome.Refused) => StepDownStep.Unfence,
        (StepDownStep.AskSentinel, _) => StepDownStep.AwaitSwitch,
        (StepDownStep.AwaitSwitch, StepOutcome.Done) => StepDownStep.Demote,
        (StepDownStep.AwaitSwitch, _) => StepDownStep.Leave,
        (StepDownStep.Demote, StepOutcome.Done) => StepDownStep.Repoint,
        (StepDownStep.Demote, _) => StepDownStep.Leave, // fenced: its sidecar or Sentinel demotes it
        (StepDownStep.Repoint, _) => StepDownStep.Restore, // Sentinel repoints who is left
        (StepDownStep.TakeBack, StepOutcome.Done) => StepDownStep.Unfence,
        (StepDownStep.TakeBack, _) => StepDownStep.Leave,
        (StepDownStep.Unfence, _) => StepDownStep.End,
        (StepDownStep.Restore, _) => StepDownStep.End,
        (StepDownStep.End or StepDownStep.Leave, _) => step,
        _ => throw new ArgumentOutOfRangeException(nameof(step), step, "no such step"),
    };
}
