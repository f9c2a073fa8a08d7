using Sidecars.Core.Kubernetes;

namespace Sidecars.Failover.Publish.Targets.DnsEndpoint;

/// <summary>DNSEndpoint ↔ JSON: as <see cref="KubernetesJson"/>.</summary>
internal static class DnsEndpointJson
{
    public static DnsEndpointDocument Read(JsonMembers m)
    {
        var (spec, status) = (m.Object("spec"), m.Object("status"));
        return new DnsEndpointDocument
        {
            ApiVersion = m.Text("apiVersion"),
            Kind = m.Text("kind"),
            Metadata = KubernetesJson.Metadata(m),
            Endpoints = spec?.Objects("endpoints", e => new DnsEndpointRecord
            {
                DnsName = e.Text("dnsName"),
                RecordType = e.Text("recordType"),
                RecordTtl = e.LongNumber("recordTTL"),
                Targets = e.TextList("targets"),
                Unknown = e.Rest,
            }),
            UnknownSpec = spec?.Rest,
            ObservedGeneration = status?.LongNumber("observedGeneration"),
            UnknownStatus = status?.Rest,
            Unknown = m.Rest,
        };
    }

    public static byte[] Write(DnsEndpointDocument document) => KubernetesJson.Document(document, json =>
    {
        if (document.Endpoints is not null || document.UnknownSpec is not null)
        {
            json.WriteStartObject("spec");
            KubernetesJson.Objects(json, "endpoints", document.Endpoints, record =>
            {
                KubernetesJson.Text(json, "dnsName", record.DnsName);
                KubernetesJson.Text(json, "recordType", record.RecordType);
                KubernetesJson.Number(json, "recordTTL", record.RecordTtl);
                KubernetesJson.TextList(json, "targets", record.Targets);
                KubernetesJson.Rest(json, record.Unknown);
            });
            KubernetesJson.Rest(json, document.UnknownSpec);
            json.WriteEndObject();
        }

        if (document.ObservedGeneration is null && document.UnknownStatus is null) return;
        json.WriteStartObject("status");
        KubernetesJson.Number(json, "observedGeneration", document.ObservedGeneration);
        KubernetesJson.Rest(json, document.UnknownStatus);
        json.WriteEndObject();
    });
}
