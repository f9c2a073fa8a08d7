using System.Globalization;
using Sidecars.Core.Kubernetes;
using Sidecars.Failover.Publish.Records;

namespace Sidecars.Failover.Publish.Targets.DnsEndpoint;

/// <summary>
/// A zone in a DNSEndpoint, from which external-dns takes it. A change is a GET and a PUT with the resourceVersion of that GET, so that
/// the token in our TXT entry orders the writers here as in any other zone. No memory: external-dns writes the status of the same object
/// after each change, so that a remembered resourceVersion would nearly always be old. Safe for concurrent use.
/// </summary>
/// <param name="client">The API server; RBAC: get and update on the object's name.</param>
/// <param name="name">
/// Name of the object. It is never created here: a POST has no name for RBAC, and the server rejects a create by PUT for this kind. The
/// manifests create it, without <c>spec</c>.
/// </param>
public sealed class DnsEndpointStore(KubernetesClient client, string name) : IDnsRecordStore
{
    // A conflict while our own records are unchanged means that something else was written: the status, a label.
    private const int Tries = 3;

    /// <inheritdoc/>
    public string Description => "DNSEndpoint " + name;

    /// <inheritdoc/>
    public async Task<TargetResult<DnsSnapshot>> ReadAsync(string name, string ownerName, CancellationToken cancellation)
    {
        var (document, failure) = await LoadAsync(cancellation).ConfigureAwait(false);
        return document is null
            ? new TargetResult<DnsSnapshot>.Failed(failure!)
            : new TargetResult<DnsSnapshot>.Done(new DnsSnapshot(DnsEndpointPlan.SetsAt(document, name, ownerName)));
    }

    /// <inheritdoc/>
    public async Task<TargetResult<string>> ApplyAsync(DnsChange change, CancellationToken cancellation)
    {
        for (var i = 1; ; i++)
        {
            var (document, failure) = await LoadAsync(cancellation).ConfigureAwait(false);
            if (document is null) return Failed(failure!);
            if (!DnsEndpointPlan.TryApply(document, change, out var next, out var conflict))
                return Failed(new TargetFailure(TargetFailureKind.Conflict, conflict));
            switch (await client.PutDnsEndpointAsync(next, cancellation).ConfigureAwait(false))
            {
                case KubernetesWrite<DnsEndpointDocument>.Written written:
                    return new TargetResult<string>.Done(
                        written.Document.Metadata?.Generation?.ToString(CultureInfo.InvariantCulture) ?? "");
                case KubernetesWrite<DnsEndpointDocument>.NotWritten { Failure: KubernetesFailure.Conflict lost }:
                    if (i == Tries) return Failed(Of(lost));
                    break;
                case KubernetesWrite<DnsEndpointDocument>.NotWritten no:
                    return Failed(Of(no.Failure));
                case KubernetesWrite<DnsEndpointDocument>.OutcomeUnknown unknown:
                    return Failed(Of(unknown.Failure));
            }
        }
    }

    /// <summary>
    /// Whether external-dns has taken the change into its plan, by <c>status.observedGeneration</c>: it then writes it to the zone.
    /// </summary>
    /// <param name="changeId">The generation that was written.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<bool?> IsPropagatedAsync(string changeId, CancellationToken cancellation)
    {
        if (!long.TryParse(changeId, NumberStyles.None, CultureInfo.InvariantCulture, out var generation)) return null;
        var (document, _) = await LoadAsync(cancellation).ConfigureAwait(false);
        return document is null ? null : document.ObservedGeneration >= generation;
    }

    private static TargetResult<string> Failed(TargetFailure failure) => new TargetResult<string>.Failed(failure);

    private async Task<(DnsEndpointDocument? Document, TargetFailure? Failure)> LoadAsync(CancellationToken cancellation) =>
        await client.GetDnsEndpointAsync(name, cancellation).ConfigureAwait(false) switch
        {
            // What is written into it would be deleted with it, and the DNS records as well.
            KubernetesRead<DnsEndpointDocument>.Found { Document.Metadata.DeletionTimestamp: not null } =>
                (null, new TargetFailure(TargetFailureKind.Misconfigured, $"{Description} is being deleted")),
            KubernetesRead<DnsEndpointDocument>.Found { Document.Endpoints.Count: > DnsEndpointPlan.MaxRecords } => (null,
                new TargetFailure(TargetFailureKind.Unavailable, $"{Description} has more than {DnsEndpointPlan.MaxRecords} entries")),
            KubernetesRead<DnsEndpointDocument>.Found found => (found.Document, null),
            KubernetesRead<DnsEndpointDocument>.Failed failed => (null, Of(failed.Failure)),
            var other => throw new InvalidOperationException($"unknown outcome {other}"),
        };

    private TargetFailure Of(KubernetesFailure failure) => failure is KubernetesFailure.NotFound
        ? new TargetFailure(TargetFailureKind.Misconfigured,
            $"{Description} was not found, or the CRD is missing: the object comes from our component external-dns, the CRD "
            + $"from external-dns itself ({failure.Message})")
        : TargetFailure.Of(failure);
}
