using Sidecars.Core.Kubernetes;
using Sidecars.Core.Primitives;

namespace Sidecars.Bootstrap.Slots;

/// <summary>The slot table as one read brought it.</summary>
/// <param name="Lease">The object to compare with.</param>
/// <param name="Table">What it says.</param>
public sealed record SlotSnapshot(LeaseDocument Lease, SlotTable Table);

/// <summary>The Lease of a group's Sentinels. No retries, no memory; safe for concurrent use.</summary>
/// <param name="client">The API server.</param>
/// <param name="cluster">The tenant, checked on every read.</param>
/// <param name="group">Name of the group's Lease; this one is <c>&lt;group&gt;-sentinels</c>.</param>
public sealed class SlotTableStore(KubernetesClient client, ClusterId cluster, string group)
{
    /// <summary>Name of the Lease.</summary>
    public string LeaseName => group + "-sentinels";

    /// <summary>Reads the table.</summary>
    public async Task<StoreRead<SlotSnapshot>> ReadAsync(CancellationToken ct) => await client.GetLeaseAsync(LeaseName, ct) switch
    {
        KubernetesRead<LeaseDocument>.Found found => SlotTable.TryRead(found.Document, cluster, out var table, out var fault)
            ? new StoreRead<SlotSnapshot>.Found(new SlotSnapshot(found.Document, table))
            : new StoreRead<SlotSnapshot>.Invalid(fault),
        KubernetesRead<LeaseDocument>.Failed { Failure: KubernetesFailure.NotFound } => new StoreRead<SlotSnapshot>.Missing(),
        KubernetesRead<LeaseDocument>.Failed failed => new StoreRead<SlotSnapshot>.Unavailable(failed.Failure),
        var other => throw new InvalidOperationException($"unknown outcome {other}"),
    };

    /// <summary>
    /// Writes a table by compare-and-swap. After <see cref="StoreWrite{T}.OutcomeUnknown"/> a pod reads again: if the table
    /// names its UID, the slot is its own, since nobody else writes that UID.
    /// </summary>
    /// <param name="basis">What was read; null to create.</param>
    /// <param name="next">The table.</param>
    /// <param name="ct">Cancels the wait, not necessarily the write.</param>
    public async Task<StoreWrite<SlotTable>> WriteAsync(SlotSnapshot? basis, SlotTable next, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(next);
        var lease = next.Apply(basis?.Lease ?? LeaseDocument.New(client.Namespace, LeaseName), cluster);
        return await client.PutLeaseAsync(lease, ct) switch
        {
            KubernetesWrite<LeaseDocument>.Written => new StoreWrite<SlotTable>.Written(next),
            KubernetesWrite<LeaseDocument>.NotWritten { Failure: KubernetesFailure.Conflict conflict } => new StoreWrite<SlotTable>.Lost(conflict),
            KubernetesWrite<LeaseDocument>.NotWritten no => new StoreWrite<SlotTable>.NotWritten(no.Failure),
            KubernetesWrite<LeaseDocument>.OutcomeUnknown unknown => new StoreWrite<SlotTable>.OutcomeUnknown(unknown.Failure),
            var other => throw new InvalidOperationException($"unknown outcome {other}"),
        };
    }
}
