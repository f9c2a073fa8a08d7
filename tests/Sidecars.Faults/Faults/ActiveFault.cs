using Sidecars.Faults.Checks;
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
internal sealed record ActiveFault(FaultStep Step)
{
    /// <summary>Whom it met.</summary>
    public required string Met { get; set; }

    /// <summary>What it excuses.</summary>
    public required Losses Losses { get; set; }

    /// <summary>When what may cost writes began; monotonic timestamp.</summary>
    public required long Began { get; set; }

    /// <summary>Ends it; the group must heal from then on.</summary>
    public required Func<Task> EndAsync { get; set; }

    /// <summary>Monotonic timestamp of its end; null while it lasts.</summary>
    public long? Ended { get; set; }

    /// <summary>What was found wrong while it lasted, for faults that look for themselves.</summary>
    public Violation? Finding { get; set; }
}
