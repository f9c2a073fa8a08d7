using Sidecars.Core.Election;

namespace Sidecars.Bootstrap.Backends;

/// <summary>
/// Where nodes that find no master agree on one. Implementations: <see cref="FileElectionBackend"/> (one machine),
/// <see cref="LeaderElectorBackend"/> (the seed's side-car), <see cref="LeaseElectionBackend"/> (Kubernetes). None of them decides: they
/// carry evidence and a record that changes by compare-and-swap.
/// </summary>
public interface IElectionBackend : IDisposable
{
    /// <summary>For logs: kind and place, e.g. <c>file:/var/lib/…</c>.</summary>
    string Description { get; }

    /// <summary>
    /// Publishes my evidence (idempotent) and reads the record and everybody's evidence. Never throws for what the backend
    /// does; <see cref="OperationCanceledException"/> only for <paramref name="cancellation"/>.
    /// </summary>
    Task<ElectionObservation> ObserveAsync(CandidateEvidence mine, CancellationToken cancellation);

    /// <summary>
    /// Compare-and-swap of the record to the next term with me as candidate; succeeds only if it is still at
    /// <see cref="ElectionView.Version"/>. <paramref name="word"/> is the person's word that it stands on, which is recorded with the term.
    /// </summary>
    Task<ClaimOutcome> ClaimAsync(ElectionView decidedOn, CandidateEvidence mine, PersonsWordKind? word, CancellationToken cancellation);

    /// <summary>
    /// A file descriptor that must stay open over <c>execve</c>, so that the claim lives exactly as long as the server that
    /// it started; null where the backend has none or nothing is claimed.
    /// </summary>
    int? InheritedDescriptor { get; }
}

/// <summary>A record that keeps what a person says about whose data count.</summary>
public interface IPersonsWords : IGroupRecord
{
    /// <summary>
    /// A person's word that the group may start empty out of its present term, once; null where it is recorded, else why not.
    /// </summary>
    Task<string?> AllowEmptyStartAsync(CancellationToken cancellation);

    /// <summary>A person's word that the data of a node are the group's; null where it is recorded, else why not.</summary>
    Task<string?> TrustAsync(string node, CancellationToken cancellation);
}
