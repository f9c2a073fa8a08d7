namespace Sidecars.Faults.Planning;

/// <summary>What goes wrong; <see cref="FaultNames"/> says what each is. The names, with dashes, are those of the command line.</summary>
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
    FillAllDisks,
    DamageFile,
    ForeignTenant,
    ApiDown,
    ApiSlow,
    ApiThrottles,
    DnsDown,
    DnsSlow,
    DnsThrottles,
    KillSidecar,
    PauseSidecar,
    BlockLog,
    JumpClock,
    RotatePasswords,
    StepDown,
    ReplacePod,
    LosePod,
    ScaleToZero,
    EmptyVolumes,
    RestoreVolumes,
    AddressToMaster,
    AddressToTenant,
    ReplaceAllSentinels,
    NamesDown,
    NamesSlow,
    NamesPartly,
    NamesFail,
    NamesStale,
    ServicesStale,
    StrayReplica,
}

/// <summary>What a group needs so that a fault can be made in it.</summary>
[Flags]
internal enum FaultNeeds
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Data on a small disk of its own at each node.</summary>
    SmallDisks = 1,

    /// <summary>libfaketime.</summary>
    FakeTime = 2,

    /// <summary>A continuous backup.</summary>
    Backup = 4,

    /// <summary>Passwords, in a Secret.</summary>
    Passwords = 8,
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
/// <param name="Strength">0 to 1: share of packets, size of a jump, which of several ways.</param>
internal sealed record FaultStep(FaultKind Kind, FaultTarget Target, int Pick, TimeSpan After, TimeSpan Lasts, double Strength)
{
    /// <summary>The strengths that plans have.</summary>
    public const double Weakest = 0.05;

    /// <summary>See <see cref="Weakest"/>.</summary>
    public const double Strongest = 0.45;

    /// <summary>One of several ways, by the strength.</summary>
    public T Of<T>(IReadOnlyList<T> ways) =>
        ways[Math.Clamp((int)((Strength - Weakest) / (Strongest - Weakest) * ways.Count), 0, ways.Count - 1)];

    /// <summary>For people.</summary>
    public override string ToString() =>
        FormattableString.Invariant(
            $"{FaultNames.Of(Kind)} {(Target == FaultTarget.Master ? "master" : $"replica {Pick}")} at {After.TotalSeconds:0.0} s ")
        + FormattableString.Invariant($"for {Lasts.TotalSeconds:0.0} s")
        + (FaultNames.TraitsOf(Kind).HasStrength ? FormattableString.Invariant($" strength {Strength:0.00}") : "");
}
