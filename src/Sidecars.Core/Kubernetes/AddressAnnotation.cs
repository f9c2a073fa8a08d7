using System.Text.Json;
using Sidecars.Core.Primitives;
using Sidecars.Core.Topology;

namespace Sidecars.Core.Kubernetes;

/// <summary>
/// What a pod is reached at, in one annotation of the Lease that it testifies in: it stands beside the evidence of a round and is kept
/// when that is written. A Lease without it is an older version's, or of a pod whose sidecar has not run yet.
/// </summary>
public static class AddressAnnotation
{
    private const string Key = SidecarAnnotations.Prefix + "addresses";
    private const int MaxUid = 64;
    private const int MaxOutside = 253; // the longest DNS name

    /// <summary>Reads it. Null without a fault: there is none.</summary>
    /// <param name="lease">The Lease of a pod.</param>
    /// <param name="clusterId">Our tenant; another's is a fault.</param>
    /// <param name="podName">Whose Lease it is.</param>
    /// <param name="fault">Why it can't be believed; null: it can, or there is none.</param>
    public static NodeAddresses? Read(LeaseDocument lease, string clusterId, string podName, out AnnotationFault? fault)
    {
        ArgumentNullException.ThrowIfNull(lease);
        fault = SidecarAnnotations.Get(lease, Key) is null ? null : SidecarAnnotations.Check(lease, clusterId);
        return AnnotationJson.Read(lease, Key, JsonValueKind.Object, json => Read(json, podName), ref fault);
    }

    /// <summary>The Lease with these addresses; all else in it stays.</summary>
    public static LeaseDocument Apply(LeaseDocument basis, string clusterId, NodeAddresses addresses)
    {
        ArgumentNullException.ThrowIfNull(basis);
        ArgumentNullException.ThrowIfNull(addresses);
        var annotations = SidecarAnnotations.Begin(basis, clusterId);
        annotations[Key] = AnnotationJson.Write(json =>
        {
            json.WriteStartObject();
            json.WriteString("uid", addresses.Uid);
            json.WriteString("announced", addresses.Announced.ToString());
            if (addresses.Pod is { } pod) json.WriteString("pod", pod.ToString());
            if (addresses.Outside is { } outside) json.WriteString("outside", outside);
            json.WriteEndObject();
        });
        return basis with { Metadata = (basis.Metadata ?? new ObjectMeta()) with { Annotations = annotations } };
    }

    private static NodeAddresses Read(JsonElement json, string podName)
    {
        var announced = AnnotationJson.Address(json, "announced");
        var pod = AnnotationJson.OptionalText(json, "pod", MaxOutside + 50) is null ? null : AnnotationJson.Address(json, "pod");
        if (pod is { IsAddress: false }) throw new AnnotationException("pod is no IP address");
        var outside = AnnotationJson.OptionalText(json, "outside", MaxOutside);
        if (outside is not null && !DnsTarget.TryParse(outside, out _)) throw new AnnotationException("outside is neither an address nor a name");
        return new NodeAddresses(podName, AnnotationJson.Text(json, "uid", MaxUid), announced, pod, outside);
    }
}
