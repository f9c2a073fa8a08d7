using Sidecars.Faults.Planning;

namespace Sidecars.Faults.Faults;

/// <summary>How acknowledged writes may be lost by asynchronous replication. Nothing else may be.</summary>
internal enum Losses
{
    /// <summary>Not one.</summary>
    None,

    /// <summary>Those in flight to the replicas when the master died.</summary>
    AtBegin,

    /// <summary>Those that an isolated or stopped master acknowledged before min-replicas and fence closed it.</summary>
    UntilFenced,

    /// <summary>The fault comes and goes all the time: until it has ended and a master is fenced.</summary>
    Throughout,

    /// <summary>Those that the newest backup does not hold yet.</summary>
    SinceBackup,

    /// <summary>All that were acknowledged before: every copy is gone.</summary>
    Everything,
}

/// <summary>A fault that has begun.</summary>
/// <param name="Step">What was planned.</param>
/// <param name="Met">Whom it met.</param>
/// <param name="Losses">What it excuses.</param>
/// <param name="Began">Monotonic timestamp.</param>
/// <param name="EndAsync">Ends it; the group must heal from then on.</param>
internal sealed record ActiveFault(FaultStep Step, string Met, Losses Losses, long Began, Func<Task> EndAsync)
{
    /// <summary>Monotonic timestamp of its end; null while it lasts.</summary>
    public long? Ended { get; set; }

    /// <summary>What was found wrong while it lasted, for faults that look for themselves.</summary>
    public string? Finding { get; set; }
}
