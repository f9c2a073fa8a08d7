using Sidecars.Core.Kubernetes;
using Sidecars.Core.Lineage;

namespace Sidecars.Failover.RoleLabel;

/// <summary>The call of <see cref="KubernetesClient"/> that labels a Pod.</summary>
public static class PodLabel
{
    /// <summary>Sets one label of a Pod by a JSON merge patch with the Pod's uid, which another Pod of the name refuses.</summary>
    public static Task<KubernetesWrite<PodDocument>> LabelPodAsync(
        this KubernetesClient client, string name, string uid, string label, string value, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(client);
        return client.PatchPodAsync(name, Patch(uid, label, value), ct);
    }

    private static byte[] Patch(string uid, string label, string value) => JsonText.Object(json =>
    {
        json.WriteStartObject("metadata");
        json.WriteString("uid", uid);
        json.WriteStartObject("labels");
        json.WriteString(label, value);
        json.WriteEndObject();
        json.WriteEndObject();
    }).ToArray();
}
