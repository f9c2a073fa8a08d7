using System.Diagnostics.CodeAnalysis;
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
    public async Task<StoreRead<SlotSnapshot>> ReadAsync(CancellationToken ct) =>
        StoreOutcome.Of<SlotSnapshot>(await client.GetLeaseAsync(LeaseName, ct), TryRead);

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
        return StoreOutcome.Of(await client.PutLeaseAsync(lease, ct), _ => next);
    }

    private bool TryRead(
        LeaseDocument lease, [NotNullWhen(true)] out SlotSnapshot? snapshot, [NotNullWhen(false)] out AnnotationFault? fault)
    {
        snapshot = SlotTable.TryRead(lease, cluster, out var table, out fault) ? new SlotSnapshot(lease, table) : null;
        return snapshot is not null;
    }
}
