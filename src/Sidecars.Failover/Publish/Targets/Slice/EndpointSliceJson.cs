using Sidecars.Core.Kubernetes;

namespace Sidecars.Failover.Publish.Targets.Slice;

/// <summary>EndpointSlice ↔ JSON: as <see cref="KubernetesJson"/>.</summary>
internal static class EndpointSliceJson
{
    public static EndpointSliceDocument Read(JsonMembers m) => new()
    {
        ApiVersion = m.Text("apiVersion"),
        Kind = m.Text("kind"),
        Metadata = KubernetesJson.Metadata(m),
        AddressType = m.Text("addressType"),
        Endpoints = m.Objects("endpoints", ReadEndpoint),
        Ports = m.Objects("ports",
            p => new SlicePort { Name = p.Text("name"), Port = p.Number("port"), Protocol = p.Text("protocol"), Unknown = p.Rest }),
        Unknown = m.Rest,
    };

    public static byte[] Write(EndpointSliceDocument slice) => KubernetesJson.Document(slice, json =>
    {
        KubernetesJson.Text(json, "addressType", slice.AddressType);
        KubernetesJson.Objects(json, "endpoints", slice.Endpoints, WriteEndpoint);
        KubernetesJson.Objects(json, "ports", slice.Ports, port =>
        {
            KubernetesJson.Text(json, "name", port.Name);
            KubernetesJson.Number(json, "port", port.Port);
            KubernetesJson.Text(json, "protocol", port.Protocol);
            KubernetesJson.Rest(json, port.Unknown);
        });

        void WriteEndpoint(SliceEndpoint endpoint)
        {
            KubernetesJson.TextList(json, "addresses", endpoint.Addresses);
            if (endpoint.Conditions is { } conditions)
            {
                json.WriteStartObject("conditions");
                KubernetesJson.Truth(json, "ready", conditions.Ready);
                KubernetesJson.Truth(json, "serving", conditions.Serving);
                KubernetesJson.Truth(json, "terminating", conditions.Terminating);
                json.WriteEndObject();
            }

            KubernetesJson.Text(json, "nodeName", endpoint.NodeName);
            KubernetesJson.Rest(json, endpoint.Unknown);
        }
    });

    private static SliceEndpoint ReadEndpoint(JsonMembers m) => new()
    {
        Addresses = m.TextList("addresses"),
        Conditions = m.Object("conditions") is not { } c
            ? null
            : new SliceConditions { Ready = c.Truth("ready"), Serving = c.Truth("serving"), Terminating = c.Truth("terminating") },
        NodeName = m.Text("nodeName"),
        Unknown = m.Rest,
    };
}
