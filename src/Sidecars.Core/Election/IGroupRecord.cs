namespace Sidecars.Core.Election;

/// <summary>
/// The group's record for those who run beside a server rather than start one: what the sidecar of the master reports, and
/// everybody reads. Implemented by the backends that keep a record.
/// </summary>
public interface IGroupRecord
{
    /// <summary>Reads the record and everybody's evidence, and publishes nothing. Never throws for what the backend does.</summary>
    Task<ElectionObservation> ReadAsync(CancellationToken cancellation);

    /// <summary>
    /// Writes by compare-and-swap what a serving master reports (<see cref="ElectionRecord.Reported"/>);
    /// <see cref="ClaimOutcome.Lost"/> where the record says something later.
    /// </summary>
    Task<ClaimOutcome> ReportAsync(ServingReport report, CancellationToken cancellation);
}
