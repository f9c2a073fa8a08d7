using System.Net;
using System.Net.Sockets;
using Sidecars.Core.Kubernetes;
using Sidecars.Core.Primitives;

namespace Sidecars.Failover.Publish.Targets.Slice;

/// <summary>
/// The one EndpointSlice of a Service without selector. Pure. A token decides, as in DNS; what is written is a compare-and-swap on
/// what was read, so a decision on an old document is a conflict at the server and does no harm.
/// </summary>
public static class MasterSlicePlan
{
    /// <summary>Annotation with the token, <c>term.epoch.rev</c>.</summary>
    public const string Token = SidecarAnnotations.Prefix + "token";

    /// <summary>Who writes the slice, as the API's label says it.</summary>
    public const string ManagedBy = "redis-failover.sidecars.redis";

    private const string ServiceLabel = "kubernetes.io/service-name";
    private const string ManagedByLabel = "endpointslice.kubernetes.io/managed-by";

    /// <summary>Decides; the document carries no resourceVersion where it is to be created.</summary>
    /// <param name="wanted">What this writer knows.</param>
    /// <param name="current">The slice as read or as last written; null: there is none.</param>
    /// <param name="space">The namespace.</param>
    /// <param name="service">The Service, and name of the slice.</param>
    /// <param name="portName">Name of the Service's port.</param>
    public static TargetPlan<EndpointSliceDocument> Decide(
        MasterPublication wanted, EndpointSliceDocument? current, string space, string service, string portName)
    {
        ArgumentNullException.ThrowIfNull(wanted);
        if (wanted.Addresses.Internal is not { } inside || !IPAddress.TryParse(inside.Host, out var ip))
            return TokenPlan.Refuse<EndpointSliceDocument>(
                "no-address", $"{wanted.Addresses.Internal?.Host} is not an IP address, and a slice takes nothing else");
        var family = ip.AddressFamily == AddressFamily.InterNetworkV6 ? "IPv6" : "IPv4";
        if (current is null)
            return new TargetPlan<EndpointSliceDocument>.Write("first", $"there is no EndpointSlice {service}",
                Fill(EndpointSliceDocument.New(space, service) with { AddressType = family }, wanted, inside, service, portName));
        if (!TryRead(current, out var cluster, out var token, out var address))
            return TokenPlan.Refuse<EndpointSliceDocument>(
                "slice-not-ours", $"the EndpointSlice {service} has no token of ours: whose is it? Delete it, or choose another Service");
        if (cluster != wanted.Cluster.Value)
            return TokenPlan.Refuse<EndpointSliceDocument>("foreign-owner", $"the EndpointSlice {service} belongs to {cluster}");
        if (current.AddressType != family)
            return TokenPlan.Refuse<EndpointSliceDocument>("address-family",
                $"the EndpointSlice {service} is {current.AddressType}, which never changes, and {ip} is {family}: delete it");
        return TokenPlan.Decide(
            wanted.Token, inside.Host, new PublishedMaster(token, address), Says(current, inside, service, portName),
            Fill(current, wanted, inside, service, portName));
    }

    /// <summary>What a slice of ours says; false for one that is not.</summary>
    public static bool TryRead(EndpointSliceDocument slice, out string cluster, out FencingToken token, out string address)
    {
        ArgumentNullException.ThrowIfNull(slice);
        (cluster, token, address) = ("", default, "");
        if (slice.Metadata?.Annotations is not { } annotations) return false;
        if (annotations.GetValueOrDefault(SidecarAnnotations.Cluster) is not { } owner
            || !FencingToken.TryParse(annotations.GetValueOrDefault(Token), out token))
            return false;
        cluster = owner;
        address = slice.Endpoints is [{ Addresses: [var only] }] ? only : "";
        return true;
    }

    private static bool Says(EndpointSliceDocument slice, RedisEndpoint inside, string service, string portName) =>
        slice is { Endpoints: [{ Addresses: [var address], Conditions.Ready: not false }], Ports: [var port], Metadata.Labels: { } labels }
        && address == inside.Host && port.Port == inside.Port && port.Name == portName && labels.GetValueOrDefault(ServiceLabel) == service;

    private static EndpointSliceDocument Fill(
        EndpointSliceDocument basis, MasterPublication wanted, RedisEndpoint inside, string service, string portName)
    {
        var metadata = basis.Metadata!;
        return basis with
        {
            Metadata = metadata with
            {
                Labels = With(metadata.Labels, (ServiceLabel, service), (ManagedByLabel, ManagedBy)),
                Annotations = With(
                    metadata.Annotations, (SidecarAnnotations.Cluster, wanted.Cluster.Value), (Token, wanted.Token.ToString())),
            },
            Endpoints = [new SliceEndpoint { Addresses = [inside.Host], Conditions = new SliceConditions { Ready = true } }],
            Ports = [new SlicePort { Name = portName, Port = inside.Port, Protocol = "TCP" }],
        };
    }

    private static Dictionary<string, string?> With(
        IReadOnlyDictionary<string, string?>? basis, params ReadOnlySpan<(string Key, string Value)> more)
    {
        var all = basis is null
            ? new Dictionary<string, string?>(StringComparer.Ordinal)
            : new Dictionary<string, string?>(basis, StringComparer.Ordinal);
        foreach (var (key, value) in more) all[key] = value;
        return all;
    }
}
