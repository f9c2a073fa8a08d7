using System.Text.Json;
using Sidecars.Core.Kubernetes;

namespace Sidecars.Failover.Publish.Targets.Slice;

/// <summary>An EndpointSlice of <c>discovery.k8s.io/v1</c>.</summary>
public sealed record EndpointSliceDocument : KubernetesDocument
{
    /// <summary><c>IPv4</c> or <c>IPv6</c>; immutable.</summary>
    public string? AddressType { get; init; }

    /// <summary>The addresses.</summary>
    public IReadOnlyList<SliceEndpoint>? Endpoints { get; init; }

    /// <summary>The ports.</summary>
    public IReadOnlyList<SlicePort>? Ports { get; init; }

    /// <summary>A slice that does not exist yet.</summary>
    public static EndpointSliceDocument New(string namespaceName, string name) => new()
    {
        ApiVersion = "discovery.k8s.io/v1",
        Kind = "EndpointSlice",
        Metadata = new ObjectMeta { Name = name, Namespace = namespaceName },
    };
}

/// <summary>One endpoint of a slice.</summary>
public sealed record SliceEndpoint
{
    /// <summary>1..100 addresses of the slice's type.</summary>
    public IReadOnlyList<string>? Addresses { get; init; }

    /// <summary>Readiness, written by us as <c>ready: true</c>.</summary>
    public SliceConditions? Conditions { get; init; }

    /// <summary>Node of the endpoint, for topology.</summary>
    public string? NodeName { get; init; }

    /// <summary>Members that are not named here.</summary>
    public Dictionary<string, JsonElement>? Unknown { get; init; }
}

/// <summary>Conditions of an endpoint.</summary>
public sealed record SliceConditions
{
    /// <summary>Traffic is sent here.</summary>
    public bool? Ready { get; init; }

    /// <summary>Serves, whether terminating or not.</summary>
    public bool? Serving { get; init; }

    /// <summary>Terminating.</summary>
    public bool? Terminating { get; init; }
}

/// <summary>One port of a slice.</summary>
public sealed record SlicePort
{
    /// <summary>Name, equal to that of the Service's port.</summary>
    public string? Name { get; init; }

    /// <summary>Port number.</summary>
    public int? Port { get; init; }

    /// <summary><c>TCP</c>.</summary>
    public string? Protocol { get; init; }

    /// <summary>Members that are not named here.</summary>
    public Dictionary<string, JsonElement>? Unknown { get; init; }
}
