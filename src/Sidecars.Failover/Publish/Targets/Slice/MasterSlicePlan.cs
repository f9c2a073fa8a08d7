using System.Net;
using System.Net.Sockets;
using Sidecars.Core.Kubernetes;
using Sidecars.Core.Primitives;

namespace Sidecars.Failover.Publish.Targets.Slice;

/// <summary>What the EndpointSlice of the master's Service is to say.</summary>
/// <param name="Cluster">The group.</param>
/// <param name="Token">Orders the writers.</param>
/// <param name="Address">An IP address, never loopback in a real cluster, and the port.</param>
public sealed record SliceWish(ClusterId Cluster, FencingToken Token, RedisEndpoint Address);

/// <summary>What to do about the slice. Closed.</summary>
public abstract record SliceDecision(string Code, string Reason)
{
    /// <summary>Write this document: a create where it carries no resourceVersion, else a compare-and-swap.</summary>
    public sealed record Write(string Code, string Reason, EndpointSliceDocument Document) : SliceDecision(Code, Reason);

    /// <summary>It stands there.</summary>
    public sealed record UpToDate(string Reason) : SliceDecision("up-to-date", Reason);

    /// <summary>A newer token stands there.</summary>
    public sealed record Superseded(FencingToken Token, string Address, string Reason) : SliceDecision("superseded", Reason);

    /// <summary>The same token stands there for another address.</summary>
    public sealed record Contested(FencingToken Token, string Address, string Reason) : SliceDecision("contested", Reason);

    /// <summary>Not ours, or not to be understood.</summary>
    public sealed record Refuse(string Code, string Reason) : SliceDecision(Code, Reason);
}

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

    /// <summary>Decides.</summary>
    /// <param name="wish">What this writer knows.</param>
    /// <param name="current">The slice as read or as last written; null: there is none.</param>
    /// <param name="space">The namespace.</param>
    /// <param name="service">The Service, and name of the slice.</param>
    /// <param name="portName">Name of the Service's port.</param>
    public static SliceDecision Decide(SliceWish wish, EndpointSliceDocument? current, string space, string service, string portName)
    {
        ArgumentNullException.ThrowIfNull(wish);
        if (!IPAddress.TryParse(wish.Address.Host, out var ip)) return new SliceDecision.Refuse("no-address", $"{wish.Address.Host} is no IP address, and a slice takes nothing else");
        var family = ip.AddressFamily == AddressFamily.InterNetworkV6 ? "IPv6" : "IPv4";
        if (current is null)
            return new SliceDecision.Write("first", $"there is no EndpointSlice {service}", Fill(EndpointSliceDocument.New(space, service) with { AddressType = family }, wish, service, portName));
        if (!TryRead(current, out var cluster, out var token, out var address))
            return new SliceDecision.Refuse("slice-not-ours", $"the EndpointSlice {service} has no token of ours: whose is it? Delete it, or choose another Service");
        if (cluster != wish.Cluster.Value) return new SliceDecision.Refuse("foreign-owner", $"the EndpointSlice {service} belongs to {cluster}");
        if (current.AddressType != family) return new SliceDecision.Refuse("address-family", $"the EndpointSlice {service} is {current.AddressType}, which never changes, and {ip} is {family}: delete it");

        if (token > wish.Token) return new SliceDecision.Superseded(token, address, $"{address} is published with token {token}, newer than {wish.Token}");
        var next = Fill(current, wish, service, portName);
        if (token < wish.Token) return new SliceDecision.Write("newer-token", $"token {wish.Token} follows {token} of {address}", next);
        if (address != wish.Address.Host && address.Length > 0) return new SliceDecision.Contested(token, address, $"token {token} already stands for {address}, this sidecar knows {wish.Address.Host} by it");
        return Says(current, wish, service, portName)
            ? new SliceDecision.UpToDate($"{address} is published with token {token}")
            : new SliceDecision.Write("repair", $"what token {token} published was changed by another hand", next);
    }

    /// <summary>What a slice of ours says; false for one that is not.</summary>
    public static bool TryRead(EndpointSliceDocument slice, out string cluster, out FencingToken token, out string address)
    {
        ArgumentNullException.ThrowIfNull(slice);
        (cluster, token, address) = ("", default, "");
        if (slice.Metadata?.Annotations is not { } annotations) return false;
        if (annotations.GetValueOrDefault(SidecarAnnotations.Cluster) is not { } owner || !FencingToken.TryParse(annotations.GetValueOrDefault(Token), out token)) return false;
        cluster = owner;
        address = slice.Endpoints is [{ Addresses: [var only] }] ? only : "";
        return true;
    }

    private static bool Says(EndpointSliceDocument slice, SliceWish wish, string service, string portName) =>
        slice is { Endpoints: [{ Addresses: [var address], Conditions.Ready: not false }], Ports: [var port], Metadata.Labels: { } labels }
        && address == wish.Address.Host && port.Port == wish.Address.Port && port.Name == portName && labels.GetValueOrDefault(ServiceLabel) == service;

    private static EndpointSliceDocument Fill(EndpointSliceDocument basis, SliceWish wish, string service, string portName)
    {
        var metadata = basis.Metadata!;
        return basis with
        {
            Metadata = metadata with
            {
                Labels = With(metadata.Labels, (ServiceLabel, service), (ManagedByLabel, ManagedBy)),
                Annotations = With(metadata.Annotations, (SidecarAnnotations.Cluster, wish.Cluster.Value), (Token, wish.Token.ToString())),
            },
            Endpoints = [new SliceEndpoint { Addresses = [wish.Address.Host], Conditions = new SliceConditions { Ready = true } }],
            Ports = [new SlicePort { Name = portName, Port = wish.Address.Port, Protocol = "TCP" }],
        };
    }

    private static Dictionary<string, string?> With(IReadOnlyDictionary<string, string?>? basis, params ReadOnlySpan<(string Key, string Value)> more)
    {
        var all = basis is null ? new Dictionary<string, string?>(StringComparer.Ordinal) : new Dictionary<string, string?>(basis, StringComparer.Ordinal);
        foreach (var (key, value) in more) all[key] = value;
        return all;
    }
}
