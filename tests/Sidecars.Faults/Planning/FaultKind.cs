namespace Sidecars.Faults.Planning;

/// <summary>What goes wrong. The names, with dashes, are those of the command line.</summary>
internal enum FaultKind
{
    KillRedis,
    TerminateRedis,
    PauseRedis,
    KillSentinel,
    PauseSentinel,
    KillAllSentinels,
    KillAllRedis,
    KillEverything,
    LoseHost,
    Isolate,
    CutInbound,
    CutOutbound,
    CutPair,
    CutZone,
    LosePackets,
    SlowLink,
    WipeDisk,
    FillDisk,
    ForeignTenant,
    ApiDown,
    ApiSlow,
    ApiThrottles,
    DnsDown,
    DnsSlow,
    DnsThrottles,
    KillSidecar,
    PauseSidecar,
    JumpClock,
    StepDown,

    /// <summary>A Redis' pod is deleted as a person does it, and another takes its place at another address.</summary>
    ReplacePod,

    /// <summary>A Redis' pod is gone at once, and another takes its place at another address.</summary>
    LosePod,

    /// <summary>Every Redis' pod is deleted as a StatefulSet scaled to 0 does it, and scaled back; the disks are what they were.</summary>
    ScaleToZero,

    /// <summary>Every Redis' pod and volume is lost while the Sentinels live; a person allows an empty start.</summary>
    EmptyVolumes,

    /// <summary>Every Redis' pod and volume is lost while the Sentinels live; the winner of the election restores the backup.</summary>
    RestoreVolumes,

    /// <summary>A Redis' pod is gone; another Redis' pod gets its old address, and becomes master there.</summary>
    AddressToMaster,

    /// <summary>A Redis' pod is replaced, and another tenant's Redis gets its old address.</summary>
    AddressToTenant,

    /// <summary>Every Sentinel's pod is gone, and others take their places.</summary>
    ReplaceAllSentinels,

    /// <summary>The cluster's name server does not answer, and a Redis' pod is replaced meanwhile.</summary>
    NamesDown,

    /// <summary>It answers after longer than names are waited for, and a Redis' pod is replaced meanwhile.</summary>
    NamesSlow,

    /// <summary>Every Sentinel's pod is replaced, and the names still lead to those that are gone.</summary>
    NamesStale,

    /// <summary>A Redis' pod is replaced, and its Service still leads to the one that is gone.</summary>
    ServicesStale,

    /// <summary>
    /// Every Sentinel's pod is lost at the moment of a promotion: the other replicas still follow the old master, and those Sentinels that come
    /// never hear of them.
    /// </summary>
    StrayReplica,
}

/// <summary>Whom it meets: what the host's Redis is when the fault begins.</summary>
internal enum FaultTarget
{
    /// <summary>The master's host.</summary>
    Master,

    /// <summary>A replica's.</summary>
    Replica,
}

/// <summary>One fault of a plan.</summary>
/// <param name="Kind">What.</param>
/// <param name="Target">Whom; of no account where it meets all.</param>
/// <param name="Pick">Which of several, counted from 0 and round.</param>
/// <param name="After">From the begin of its round.</param>
/// <param name="Lasts">Until its end: the process is started again, the network is whole.</param>
/// <param name="Strength">0 to 1: share of packets, size of a jump.</param>
internal sealed record FaultStep(FaultKind Kind, FaultTarget Target, int Pick, TimeSpan After, TimeSpan Lasts, double Strength)
{
    /// <summary>For people.</summary>
    public override string ToString() =>
        FormattableString.Invariant($"{FaultNames.Of(Kind)} {(Target == FaultTarget.Master ? "master" : $"replica {Pick}")} at {After.TotalSeconds:0.0} s for {Lasts.TotalSeconds:0.0} s{(FaultNames.HasStrength(Kind) ? $" strength {Strength:0.00}" : "")}");
}
