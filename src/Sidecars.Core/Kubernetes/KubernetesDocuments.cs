using System.Text.Json;

namespace Sidecars.Core.Kubernetes;

/// <summary>
/// An API object. Members that are not named here are kept as they were read and written back, so that a newer API
/// server, a controller or a person who annotates the object loses nothing by our update.
/// </summary>
public abstract record KubernetesDocument
{
    /// <summary>Group and version, such as <c>coordination.k8s.io/v1</c>.</summary>
    public string? ApiVersion { get; init; }

    /// <summary>Kind, such as <c>Lease</c>.</summary>
    public string? Kind { get; init; }

    /// <summary>Name, identity, version, annotations.</summary>
    public ObjectMeta? Metadata { get; init; }

    /// <summary>Members that are not named here.</summary>
    public Dictionary<string, JsonElement>? Unknown { get; init; }
}

/// <summary>The parts of <c>metadata</c> that are used; others are kept.</summary>
public sealed record ObjectMeta
{
    /// <summary>Name, unique by kind in the namespace.</summary>
    public string? Name { get; init; }

    /// <summary>Namespace.</summary>
    public string? Namespace { get; init; }

    /// <summary>Identity: another object of the same name has another.</summary>
    public string? Uid { get; init; }

    /// <summary>Opaque version for compare-and-swap; never ordered, only compared.</summary>
    public string? ResourceVersion { get; init; }

    /// <summary>Set once deletion was asked for; the object may live on for its grace period or finalizers.</summary>
    public string? DeletionTimestamp { get; init; }

    /// <summary>Raised by the server with each change of what is wanted (<c>spec</c>); null for kinds that have none.</summary>
    public long? Generation { get; init; }

    /// <summary>Annotations; null values do not occur in valid objects and count as absent.</summary>
    public IReadOnlyDictionary<string, string?>? Annotations { get; init; }

    /// <summary>Labels.</summary>
    public IReadOnlyDictionary<string, string?>? Labels { get; init; }

    /// <summary>Members that are not named here (ownerReferences, managedFields, …).</summary>
    public Dictionary<string, JsonElement>? Unknown { get; init; }
}

/// <summary>A Lease of <c>coordination.k8s.io/v1</c>.</summary>
public sealed record LeaseDocument : KubernetesDocument
{
    /// <summary>Who holds it, and how long it is good for.</summary>
    public LeaseSpec? Spec { get; init; }

    /// <summary>The annotations, empty where there are none.</summary>
    public IReadOnlyDictionary<string, string?> Annotations =>
        Metadata?.Annotations ?? System.Collections.Frozen.FrozenDictionary<string, string?>.Empty;

    /// <summary>A Lease that does not exist yet: without uid and resourceVersion, a PUT of it creates or conflicts.</summary>
    public static LeaseDocument New(string namespaceName, string name) => new()
    {
        ApiVersion = "coordination.k8s.io/v1",
        Kind = "Lease",
        Metadata = new ObjectMeta { Name = name, Namespace = namespaceName },
    };
}

/// <summary>The spec of a Lease.</summary>
public sealed record LeaseSpec
{
    /// <summary>Pod UID of the holder; empty or null: free.</summary>
    public string? HolderIdentity { get; init; }

    /// <summary>Seconds without an observed renewal after which others may take it; the server requires more than 0.</summary>
    public int? LeaseDurationSeconds { get; init; }

    /// <summary>RFC 3339 with microseconds; for people, never compared with a clock.</summary>
    public string? AcquireTime { get; init; }

    /// <summary>RFC 3339 with microseconds; only its change means anything.</summary>
    public string? RenewTime { get; init; }

    /// <summary>How often the holder changed.</summary>
    public int? LeaseTransitions { get; init; }

    /// <summary>Members that are not named here (strategy, preferredHolder, …).</summary>
    public Dictionary<string, JsonElement>? Unknown { get; init; }
}

/// <summary>The parts of a Pod that are read; of a Pod nothing but a label is ever written.</summary>
public sealed record PodDocument : KubernetesDocument
{
    /// <summary>What kubelet reports.</summary>
    public PodStatus? Status { get; init; }
}

/// <summary>The parts of a Pod's status that are read.</summary>
public sealed record PodStatus
{
    /// <summary><c>Pending</c>, <c>Running</c>, <c>Succeeded</c>, <c>Failed</c> or <c>Unknown</c>.</summary>
    public string? Phase { get; init; }

    /// <summary>Primary address, once there is one.</summary>
    public string? PodIp { get; init; }
}

/// <summary>The parts of a <c>Status</c> object (a failed call's body) that are read.</summary>
public sealed record StatusDocument
{
    /// <summary>Must be <c>Status</c>.</summary>
    public string? Kind { get; init; }

    /// <summary>A message for people.</summary>
    public string? Message { get; init; }

    /// <summary>For machines: <c>NotFound</c>, <c>Conflict</c>, <c>Invalid</c>, …</summary>
    public string? Reason { get; init; }

    /// <summary>The fields that are wrong.</summary>
    public StatusDetails? Details { get; init; }
}

/// <summary>Details of a Status.</summary>
public sealed record StatusDetails
{
    /// <summary>Which fields, and why.</summary>
    public IReadOnlyList<StatusCause>? Causes { get; init; }

    /// <summary>Seconds to wait, as <c>Retry-After</c>.</summary>
    public int? RetryAfterSeconds { get; init; }
}

/// <summary>One cause of a Status.</summary>
public sealed record StatusCause
{
    /// <summary>Path of the field.</summary>
    public string? Field { get; init; }
}
