using Sidecars.Core.Kubernetes;

namespace Sidecars.Failover.Publish.Targets.Slice;

/// <summary>The master as the EndpointSlice of a Service without selector. Its state is the slice; null: there is none.</summary>
/// <param name="client">The API server; RBAC: get and update on the slice's name, create.</param>
/// <param name="service">Name of the Service and of the slice.</param>
/// <param name="portName">Name of the Service's port.</param>
public sealed class SliceTarget(KubernetesClient client, string service, string portName)
    : IPublishTarget<EndpointSliceDocument?, EndpointSliceDocument>
{
    /// <summary>Its name.</summary>
    public const string Kind = "endpoint-slice";

    /// <inheritdoc/>
    public string Name => Kind;

    /// <inheritdoc/>
    public string Description => $"EndpointSlice {service}";

    /// <inheritdoc/>
    public string? AddressOf(MasterAddresses addresses)
    {
        ArgumentNullException.ThrowIfNull(addresses);
        return addresses.Internal is { IsAddress: true } inside ? inside.Host : null;
    }

    /// <inheritdoc/>
    public async Task<TargetResult<EndpointSliceDocument?>> ReadAsync(CancellationToken cancellation) =>
        await client.GetEndpointSliceAsync(service, cancellation).ConfigureAwait(false) switch
        {
            KubernetesRead<EndpointSliceDocument>.Found found => new TargetResult<EndpointSliceDocument?>.Done(found.Document),
            KubernetesRead<EndpointSliceDocument>.Failed { Failure: KubernetesFailure.NotFound } =>
                new TargetResult<EndpointSliceDocument?>.Done(null),
            var other => new TargetResult<EndpointSliceDocument?>.Failed(
                TargetFailure.Of(((KubernetesRead<EndpointSliceDocument>.Failed)other).Failure)),
        };

    /// <inheritdoc/>
    public PublishedMaster? MasterOf(EndpointSliceDocument? state) =>
        state is not null && MasterSlicePlan.TryRead(state, out _, out var token, out var address)
            ? new PublishedMaster(token, address)
            : null;

    /// <inheritdoc/>
    public TargetPlan<EndpointSliceDocument> Plan(MasterPublication wanted, EndpointSliceDocument? state) =>
        MasterSlicePlan.Decide(wanted, state, client.Namespace, service, portName);

    /// <inheritdoc/>
    public async Task<TargetResult<(EndpointSliceDocument? State, string ChangeId)>> WriteAsync(
        EndpointSliceDocument? from, EndpointSliceDocument change, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(change);
        var written = change.Metadata?.ResourceVersion is null
            ? await client.CreateEndpointSliceAsync(change, cancellation).ConfigureAwait(false)
            : await client.PutEndpointSliceAsync(change, cancellation).ConfigureAwait(false);
        return written switch
        {
            KubernetesWrite<EndpointSliceDocument>.Written done =>
                new TargetResult<(EndpointSliceDocument?, string)>.Done((done.Document, "")),
            KubernetesWrite<EndpointSliceDocument>.NotWritten no => Failed(no.Failure),
            var unknown => Failed(((KubernetesWrite<EndpointSliceDocument>.OutcomeUnknown)unknown).Failure),
        };
    }

    /// <inheritdoc/>
    public Task<bool?> IsPropagatedAsync(string changeId, CancellationToken cancellation) => Task.FromResult<bool?>(true);

    private static TargetResult<(EndpointSliceDocument? State, string ChangeId)> Failed(KubernetesFailure failure) =>
        new TargetResult<(EndpointSliceDocument?, string)>.Failed(TargetFailure.Of(failure));
}
