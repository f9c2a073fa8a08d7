using System.Text.Json;
using Sidecars.Core.Kubernetes;

namespace Sidecars.Failover.Publish.Targets.DnsEndpoint;

/// <summary>
/// A DNSEndpoint of <c>externaldns.k8s.io/v1alpha1</c>, the object from which external-dns takes records (its source <c>crd</c>). No
/// field of it is required: one with metadata alone holds no records.
/// </summary>
public sealed record DnsEndpointDocument : KubernetesDocument
{
    /// <summary><c>spec.endpoints</c>; null: not set.</summary>
    public IReadOnlyList<DnsEndpointRecord>? Endpoints { get; init; }

    /// <summary>
    /// <c>status.observedGeneration</c>: the generation that external-dns has taken into its plan; null: none yet. Whether the zone has
    /// it is not said anywhere in the object.
    /// </summary>
    public long? ObservedGeneration { get; init; }

    /// <summary>Members of <c>spec</c> that are not named here.</summary>
    public Dictionary<string, JsonElement>? UnknownSpec { get; init; }

    /// <summary>Members of <c>status</c> that are not named here; the server keeps its own status, whatever an update says.</summary>
    public Dictionary<string, JsonElement>? UnknownStatus { get; init; }
}

/// <summary>All records of one name and type.</summary>
public sealed record DnsEndpointRecord
{
    /// <summary>The name, with or without its last dot.</summary>
    public string? DnsName { get; init; }

    /// <summary><c>A</c>, <c>AAAA</c>, <c>CNAME</c>, <c>TXT</c> …</summary>
    public string? RecordType { get; init; }

    /// <summary>Seconds; 0 or null: the provider's default.</summary>
    public long? RecordTtl { get; init; }

    /// <summary>Addresses, names or texts. A name with a last dot is refused by external-dns.</summary>
    public IReadOnlyList<string>? Targets { get; init; }

    /// <summary>Members that are not named here (labels, providerSpecific, setIdentifier).</summary>
    public Dictionary<string, JsonElement>? Unknown { get; init; }
}
