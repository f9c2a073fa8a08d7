using Sidecars.Core.Kubernetes;

namespace Sidecars.Failover.Publish.Targets.Slice;

/// <summary>The calls of <see cref="KubernetesClient"/> for EndpointSlices.</summary>
public static class EndpointSliceCalls
{
    private static readonly KubernetesKind<EndpointSliceDocument> Kind =
        new("apis/discovery.k8s.io/v1", "endpointslices", EndpointSliceJson.Read, EndpointSliceJson.Write);

    /// <summary>Reads an EndpointSlice.</summary>
    public static Task<KubernetesRead<EndpointSliceDocument>> GetEndpointSliceAsync(
        this KubernetesClient client, string name, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(client);
        return client.GetAsync(Kind, name, ct);
    }

    /// <summary>Replaces an EndpointSlice that was read, by compare-and-swap; one without uid and resourceVersion is not sent.</summary>
    public static Task<KubernetesWrite<EndpointSliceDocument>> PutEndpointSliceAsync(
        this KubernetesClient client, EndpointSliceDocument slice, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(slice);
        return client.ReplaceAsync(Kind, slice, ct);
    }

    /// <summary>Creates an EndpointSlice by POST: the server creates none by PUT. An existing one is a conflict.</summary>
    public static Task<KubernetesWrite<EndpointSliceDocument>> CreateEndpointSliceAsync(
        this KubernetesClient client, EndpointSliceDocument slice, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(slice);
        return client.CreateAsync(Kind, slice, ct);
    }
}
