using System.Diagnostics.CodeAnalysis;
using Sidecars.Core.Kubernetes;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Election;

/// <summary>The group's Lease as one read brought it: the object to compare with, and what it says.</summary>
/// <param name="Lease">The object; its uid and resourceVersion make the next write a compare-and-swap.</param>
/// <param name="Record">The record in it.</param>
public sealed record GroupLeaseSnapshot(LeaseDocument Lease, ElectionRecord Record);

/// <summary>
/// The objects of one group: its Lease, and the evidence Lease of each pod. Knows formats and names, not elections:
/// <see cref="LeaseGroupRecord"/> wraps it. No retries, no memory; safe for concurrent use.
/// </summary>
/// <param name="client">The API server.</param>
/// <param name="cluster">The tenant, checked on every read.</param>
/// <param name="group">Name of the group's Lease, and the prefix of the others; a DNS label of at most 40 characters.</param>
/// <param name="time">The clock of the times in a Lease.</param>
public sealed class GroupLeaseStore(KubernetesClient client, ClusterId cluster, string group, TimeProvider time)
{
    /// <summary>
    /// Longest validity that is written and believed, one hour: a mistyped duration must not disable elections for years.
    /// </summary>
    public static readonly TimeSpan MaxDuration = TimeSpan.FromHours(1);

    /// <summary>Name of the group's Lease.</summary>
    public string LeaseName => group;

    /// <summary>Returns the name of the Lease that holds a pod's evidence.</summary>
    public string EvidenceName(string podName) => EvidenceDocument.LeaseName(group, podName);

    /// <summary>Reads the group's Lease.</summary>
    public async Task<StoreRead<GroupLeaseSnapshot>> ReadAsync(CancellationToken ct) =>
        StoreOutcome.Of<GroupLeaseSnapshot>(await client.GetLeaseAsync(LeaseName, ct), TryRead);

    /// <summary>
    /// The Lease that a write of <paramref name="next"/> with this holder would send: to be handed to
    /// <see cref="WriteAsync"/>.
    /// </summary>
    /// <param name="basis">What was read; null to create.</param>
    /// <param name="next">The new content.</param>
    /// <param name="holderUid">Pod UID of the holder; null writes the Lease as free.</param>
    /// <param name="duration">Validity, whole seconds, 1 s to <see cref="MaxDuration"/>.</param>
    /// <exception cref="ArgumentException">The content breaks its bounds, or the term is below the one that was read.</exception>
    public LeaseDocument Prepare(GroupLeaseSnapshot? basis, ElectionRecord next, string? holderUid, TimeSpan duration)
    {
        ArgumentNullException.ThrowIfNull(next);
        ArgumentOutOfRangeException.ThrowIfLessThan(duration, TimeSpan.FromSeconds(1));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(duration, MaxDuration);
        // Fencing tokens only grow; a caller that lost count must not be able to take one back.
        if (next.Term < (basis?.Record.Term ?? 0) || next.HighestEpoch < (basis?.Record.HighestEpoch ?? 0))
            throw new ArgumentException("Term and highest epoch never go back.", nameof(next));
        var lease = basis?.Lease ?? LeaseDocument.New(client.Namespace, LeaseName);
        var spec = lease.Spec ?? new LeaseSpec();
        var now = time.GetUtcNow();
        var sameHolder = basis is not null && (spec.HolderIdentity ?? "") == (holderUid ?? "");
        return LeaseRecord.Apply(lease, cluster.Value, next) with
        {
            Spec = spec with
            {
                HolderIdentity = holderUid ?? "",
                LeaseDurationSeconds = (int)duration.TotalSeconds,
                RenewTime = LeaseClock.Next(now, spec.RenewTime),
                AcquireTime = sameHolder && spec.AcquireTime is not null ? spec.AcquireTime : LeaseClock.Next(now, spec.AcquireTime),
                LeaseTransitions =
                    sameHolder ? spec.LeaseTransitions ?? 0 : Math.Max(0, spec.LeaseTransitions ?? 0) + (basis is null ? 0 : 1),
            },
        };
    }

    /// <summary>Writes what <see cref="Prepare"/> made, by compare-and-swap.</summary>
    public async Task<StoreWrite<GroupLeaseSnapshot>> WriteAsync(LeaseDocument prepared, CancellationToken ct) =>
        StoreOutcome.Of(await client.PutLeaseAsync(prepared, ct), lease => TryRead(lease, out var stored, out _) ? stored : null);

    /// <summary>Reads what a pod testifies.</summary>
    public async Task<StoreRead<EvidenceDocument>> ReadEvidenceAsync(string podName, CancellationToken ct) =>
        StoreOutcome.Of<EvidenceDocument>(await client.GetLeaseAsync(EvidenceName(podName), ct), TryReadEvidence);

    /// <summary>
    /// Writes what this pod testifies, over whatever stands there: only the pod of this name writes it, and evidence is
    /// only believed for the UID that it names. Two calls (read, compare-and-swap); <see cref="StoreWrite{T}.Lost"/> means
    /// that a former pod of the same name still writes, or that an earlier write of ours landed late.
    /// </summary>
    public async Task<StoreWrite<EvidenceDocument>> WriteEvidenceAsync(string podName, EvidenceDocument evidence, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(evidence);
        LeaseDocument basis;
        switch (await client.GetLeaseAsync(EvidenceName(podName), ct))
        {
            case KubernetesRead<LeaseDocument>.Found found: basis = found.Document; break;
            case KubernetesRead<LeaseDocument>.Failed { Failure: KubernetesFailure.NotFound }:
                basis = LeaseDocument.New(client.Namespace, EvidenceName(podName));
                break;
            case KubernetesRead<LeaseDocument>.Failed failed: return new StoreWrite<EvidenceDocument>.NotWritten(failed.Failure);
            case var other: throw new InvalidOperationException($"unknown outcome {other}");
        }

        var now = time.GetUtcNow();
        var next = evidence.Apply(basis, cluster.Value) with
        {
            Spec = (basis.Spec ?? new LeaseSpec()) with
            { HolderIdentity = evidence.PodUid, RenewTime = LeaseClock.Next(now, basis.Spec?.RenewTime) },
        };
        return StoreOutcome.Of(await client.PutLeaseAsync(next, ct), _ => evidence);
    }

    private bool TryRead(
        LeaseDocument lease, [NotNullWhen(true)] out GroupLeaseSnapshot? snapshot, [NotNullWhen(false)] out AnnotationFault? fault)
    {
        snapshot = LeaseRecord.TryRead(lease, cluster.Value, out var record, out fault) ? new GroupLeaseSnapshot(lease, record) : null;
        return snapshot is not null;
    }

    private bool TryReadEvidence(
        LeaseDocument lease, [NotNullWhen(true)] out EvidenceDocument? evidence, [NotNullWhen(false)] out AnnotationFault? fault) =>
        EvidenceDocument.TryRead(lease, cluster.Value, out evidence, out fault);
}
