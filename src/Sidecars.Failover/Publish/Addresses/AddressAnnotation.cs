using System.Text.Json;
using Sidecars.Core.Kubernetes;
using Sidecars.Core.Lineage;

namespace Sidecars.Failover.Publish.Addresses;

/// <summary>
/// The addresses at which a pod is reached, in one annotation of its evidence Lease; a write of evidence keeps it. A Lease without it
/// was written by an older version, or its pod's sidecar has not run yet.
/// </summary>
public static class AddressAnnotation
{
    private const string Key = SidecarAnnotations.Prefix + "addresses";
    private const int MaxOutside = 253; // the longest DNS name

    /// <summary>Reads it. Null without a fault: there is none.</summary>
    /// <param name="lease">The Lease of a pod.</param>
    /// <param name="clusterId">Our tenant; another's is a fault.</param>
    /// <param name="podName">The pod that the Lease belongs to.</param>
    /// <param name="fault">Why it can't be believed; null: it can, or there is none.</param>
    public static NodeAddresses? Read(LeaseDocument lease, string clusterId, string podName, out AnnotationFault? fault)
    {
        ArgumentNullException.ThrowIfNull(lease);
        fault = SidecarAnnotations.Get(lease, Key) is null ? null : SidecarAnnotations.Check(lease, clusterId);
        return SidecarAnnotations.Read(lease, Key, JsonValueKind.Object, json => Read(json, podName), ref fault);
    }

    /// <summary>Writes these addresses into the Lease; all else in it stays.</summary>
    public static LeaseDocument Apply(LeaseDocument basis, string clusterId, NodeAddresses addresses)
    {
        ArgumentNullException.ThrowIfNull(basis);
        ArgumentNullException.ThrowIfNull(addresses);
        var annotations = SidecarAnnotations.Begin(basis, clusterId);
        annotations[Key] = JsonText.OfObject(json =>
        {
            json.WriteString("uid", addresses.Uid);
            json.WriteString("announced", addresses.Announced.ToString());
            if (addresses.Pod is { } pod) json.WriteString("pod", pod.ToString());
            if (addresses.Outside is { } outside) json.WriteString("outside", outside);
        });
        return basis with { Metadata = (basis.Metadata ?? new ObjectMeta()) with { Annotations = annotations } };
    }

    private static NodeAddresses Read(JsonFacts json, string podName)
    {
        var announced = LineageJson.Address(json, "announced");
        var pod = LineageJson.OptionalAddress(json, "pod");
        if (pod is { IsAddress: false }) json.Wrong("pod", "is no IP address");
        var outside = json.OptionalName("outside", MaxOutside);
        if (outside is not null && !DnsTarget.TryParse(outside, out _)) json.Wrong("outside", "is neither an address nor a name");
        return new NodeAddresses(podName, json.Name("uid", NodeIdentity.MaxUidLength), announced, pod, outside);
    }
}
