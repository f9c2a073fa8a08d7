using Sidecars.Core.Kubernetes;

namespace Sidecars.Failover.Publish.Targets.DnsEndpoint;

/// <summary>The calls of <see cref="KubernetesClient"/> for DNSEndpoints. None creates one: that comes with external-dns.</summary>
public static class DnsEndpointCalls
{
    private static readonly KubernetesKind<DnsEndpointDocument> Kind =
        new("apis/externaldns.k8s.io/v1alpha1", "dnsendpoints", DnsEndpointJson.Read, DnsEndpointJson.Write);

    /// <summary>Reads a DNSEndpoint; <see cref="KubernetesFailure.NotFound"/> also where the cluster does not know the kind.</summary>
    public static Task<KubernetesRead<DnsEndpointDocument>> GetDnsEndpointAsync(
        this KubernetesClient client, string name, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(client);
        return client.GetAsync(Kind, name, ct);
    }

    /// <summary>Replaces a DNSEndpoint that was read, by compare-and-swap; one without uid and resourceVersion is not sent.</summary>
    public static Task<KubernetesWrite<DnsEndpointDocument>> PutDnsEndpointAsync(
        this KubernetesClient client, DnsEndpointDocument document, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(document);
        return client.ReplaceAsync(Kind, document, ct);
    }
}
