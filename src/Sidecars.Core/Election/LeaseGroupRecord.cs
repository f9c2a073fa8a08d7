using System.Collections.Immutable;
using System.Text;
using Sidecars.Core.Kubernetes;

namespace Sidecars.Core.Election;

/// <summary>
/// The record in the group's Lease at the cluster's API server, and the evidence of each pod in a Lease of its own. Evidence counts only
/// with the nonce of the record's round and the UID of a pod that the API server knows and does not delete. Elections are held in the same
/// Leases (redis-bootstrap's LeaseElectionBackend). Not safe for concurrent use.
/// </summary>
/// <param name="client">The API server.</param>
/// <param name="store">The group's Leases.</param>
/// <param name="podName">
/// This pod, <c>NAME-ORDINAL</c>; the others have the ordinals below <paramref name="redisCount"/>, or above it while a group grows or
/// shrinks.
/// </param>
/// <param name="redisCount">How many Redis nodes there should be.</param>
public class LeaseGroupRecord(KubernetesClient client, GroupLeaseStore store, string podName, int redisCount) : IGroupRecord, IDisposable
{
    /// <summary>90 s: the serving master's sidecar renews every 30 s, and may miss two.</summary>
    public static readonly TimeSpan ServingLease = TimeSpan.FromSeconds(90);

    /// <summary>The group's Leases.</summary>
    protected GroupLeaseStore Store => store;

    /// <summary>This pod.</summary>
    protected string PodName => podName;

    /// <summary>The group's Lease as it was last read or written; null: there is none.</summary>
    protected GroupLeaseSnapshot? Basis { get; private set; }

    /// <summary>Its version.</summary>
    protected string Version => Basis?.Lease.Metadata?.ResourceVersion ?? "";

    /// <inheritdoc />
    public async Task<ElectionObservation> ReadAsync(CancellationToken cancellation)
    {
        var read = await ReadRecordAsync(cancellation).ConfigureAwait(false);
        return read.Why is { } why
            ? new ElectionObservation.Unavailable(why)
            : await ViewAsync(read.Record!, null, false, cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public async Task<ClaimOutcome> ReportAsync(ServingReport report, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(report);
        var read = await ReadRecordAsync(cancellation).ConfigureAwait(false);
        if (read.Why is { } why) return new ClaimOutcome.Unavailable(why);
        return read.Record!.Reported(report) is { } next
            ? await WriteAsync(next, report.Serving.Uid, ServingLease, cancellation).ConfigureAwait(false)
            : new ClaimOutcome.Lost(
                $"the record says something later: {read.Record.LastServing?.Node} serves under {read.Record.LastServing?.Token}, "
                + $"term {read.Record.Term}");
    }

    /// <inheritdoc />
    public void Dispose()
    {
        client.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Reads the record; without one, why it can't be read.</summary>
    protected virtual async Task<(ElectionRecord? Record, string? Why)> ReadRecordAsync(CancellationToken cancellation)
    {
        switch (await store.ReadAsync(cancellation).ConfigureAwait(false))
        {
            case StoreRead<GroupLeaseSnapshot>.Found found:
                Basis = found.Value;
                return (found.Value.Record, null);
            case StoreRead<GroupLeaseSnapshot>.Missing:
                Basis = null;
                return (new ElectionRecord(), null);
            case StoreRead<GroupLeaseSnapshot>.Invalid invalid:
                return (null, $"Lease {store.LeaseName}: {invalid.Fault}; nothing overwrites it");
            case StoreRead<GroupLeaseSnapshot>.Unavailable unavailable:
                return (null, $"Lease {store.LeaseName}: {unavailable.Failure.Message}");
            default: throw new InvalidOperationException("unknown outcome");
        }
    }

    /// <summary>Whether the API server knows this pod and does not delete it; null in the second place: it says.</summary>
    protected async Task<(bool Alive, string? Doubt)> IsPodAliveAsync(string name, string uid, CancellationToken cancellation) =>
        await client.GetPodAsync(name, cancellation).ConfigureAwait(false) switch
        {
            KubernetesRead<PodDocument>.Found found =>
                (found.Document.Metadata is { } m && m.Uid == uid && m.DeletionTimestamp is null, null),
            KubernetesRead<PodDocument>.Failed { Failure: KubernetesFailure.NotFound } => (false, null),
            KubernetesRead<PodDocument>.Failed failed => (false, $"pod {name}: {failed.Failure.Message}"),
            _ => throw new InvalidOperationException("unknown outcome"),
        };

    /// <summary>The record with everybody's evidence.</summary>
    /// <param name="record">As it was read.</param>
    /// <param name="mine">Mine, as it is now; null: I bring none.</param>
    /// <param name="alive">Whether the candidate lives.</param>
    /// <param name="cancellation">Ends it.</param>
    protected async Task<ElectionObservation> ViewAsync(
        ElectionRecord record, CandidateEvidence? mine, bool alive, CancellationToken cancellation)
    {
        var all = ImmutableArray.CreateBuilder<CandidateEvidence>();
        if (mine is not null) all.Add(mine with { Live = true });
        for (var ordinal = 0; ordinal < CandidateEvidence.MaxRedisCount; ordinal++)
        {
            var name = KubernetesName.Sibling(podName, ordinal);
            if (mine is not null && name == podName) continue;
            switch (await store.ReadEvidenceAsync(name, cancellation).ConfigureAwait(false))
            {
                case StoreRead<EvidenceDocument>.Found { Value: var document }:
                    // What can't be read is not there: its pod is missing from the round, and waited for.
                    if (!ElectionDocuments.TryRead(Encoding.UTF8.GetBytes(document.Evidence), out CandidateEvidence? evidence)
                        || evidence!.Uid != document.PodUid)
                        break;
                    var (isAlive, doubt) = record.Round is not null && document.Round == record.Round
                        ? await IsPodAliveAsync(name, document.PodUid, cancellation).ConfigureAwait(false)
                        : (false, null);
                    if (doubt is not null) return new ElectionObservation.Unavailable(doubt);
                    all.Add(evidence with { Live = isAlive });
                    break;
                // Beyond my own setting there may be pods of a larger one: up to the first that never testified, or that I have no right to
                // see.
                case StoreRead<EvidenceDocument>.Missing or StoreRead<EvidenceDocument>.Unavailable { Failure: KubernetesFailure.Forbidden }
                    when ordinal >= redisCount:
                    ordinal = CandidateEvidence.MaxRedisCount;
                    break;
                case StoreRead<EvidenceDocument>.Unavailable unavailable:
                    return new ElectionObservation.Unavailable($"Lease {store.EvidenceName(name)}: {unavailable.Failure.Message}");
            }
        }

        return new ElectionObservation.Known(
            new ElectionView { Record = record, Version = Version, CandidateAlive = alive, Evidence = all.ToImmutable() });
    }

    /// <summary>Writes the next record over <see cref="Basis"/>, by compare-and-swap.</summary>
    protected async Task<ClaimOutcome> WriteAsync(ElectionRecord next, string? holder, TimeSpan duration, CancellationToken cancellation)
    {
        switch (await store.WriteAsync(store.Prepare(Basis, next, holder, duration), cancellation).ConfigureAwait(false))
        {
            case StoreWrite<GroupLeaseSnapshot>.Written written:
                Basis = written.Value;
                return new ClaimOutcome.Won(next.Term);
            case StoreWrite<GroupLeaseSnapshot>.Lost lost: return new ClaimOutcome.Lost(lost.Failure.Message);
            case StoreWrite<GroupLeaseSnapshot>.NotWritten no: return new ClaimOutcome.Unavailable(no.Failure.Message);
            case StoreWrite<GroupLeaseSnapshot>.OutcomeUnknown unknown: return new ClaimOutcome.Unavailable(unknown.Failure.Message);
            default: throw new InvalidOperationException("unknown outcome");
        }
    }
}
