using System.Collections.Immutable;
using System.Net;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Topology;

/// <summary>What the address to announce is decided on.</summary>
/// <param name="Setting"><c>ANNOUNCE_HOST</c>, completed; null: not set, the host's own address is announced.</param>
/// <param name="Resolved">Every address that the setting stands for now; empty where it does not resolve.</param>
/// <param name="Why">Why it does not resolve; empty where it does.</param>
/// <param name="UnresolvedFor">Since when it has not, without a break.</param>
/// <param name="Remembered">What this node announced last; null where nothing is on record.</param>
/// <param name="Own">Those of <paramref name="Resolved"/> that an interface of this host has, loopback left out.</param>
/// <param name="InCluster">True in a pod: what is announced there has to outlive the pod.</param>
public sealed record AnnounceFacts(
    string? Setting, ImmutableArray<RedisEndpoint> Resolved, string Why, TimeSpan UnresolvedFor, AnnouncedAddress? Remembered,
    ImmutableArray<RedisEndpoint> Own, bool InCluster);

/// <summary>What to announce. Closed.</summary>
public abstract record AnnounceDecision(string Code, string Reason) : IDecision
{
    /// <summary>Announce this address.</summary>
    /// <param name="Address">An IP literal: Redis and Sentinel never get a name.</param>
    /// <param name="Code">Stable.</param>
    /// <param name="Reason">In words.</param>
    /// <param name="IsDoubtful">True where a person should read the reason: it works now, and may not after the next start.</param>
    public sealed record Use(RedisEndpoint Address, string Code, string Reason, bool IsDoubtful = false) : AnnounceDecision(Code, Reason);

    /// <summary>Nothing can be announced yet.</summary>
    public sealed record Wait(string Code, string Reason) : AnnounceDecision(Code, Reason);
}

/// <summary>Which address a starting server announces to its group. Pure.</summary>
public static class AnnouncePolicy
{
    /// <summary>
    /// A name of a Service is known to the cluster's DNS within seconds of its creation, and a restart of that DNS takes about as long.
    /// What does not resolve for longer is an outage, in which the address of the last start is the best there is.
    /// </summary>
    public static readonly TimeSpan UnresolvedBeforeMemory = TimeSpan.FromSeconds(10);

    /// <summary>Decides it.</summary>
    public static AnnounceDecision Decide(AnnounceFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        var setting = facts.Setting is { } name ? $"ANNOUNCE_HOST ({name})" : "ANNOUNCE_HOST is not set; this host's first address";
        // IPv4 first, since that is what Redis binds by default.
        var candidates = facts.Resolved.Where(e => !e.Host.Contains(':', StringComparison.Ordinal)).ToImmutableArray();
        if (candidates.IsEmpty) candidates = facts.Resolved;
        if (candidates.IsEmpty) return OnUnresolved(facts, setting);

        // A name of many nodes (a headless Service) would announce another node's address in this one's name.
        if (facts.Setting is not null && candidates.Length > 1 && !candidates.All(c => facts.Own.Contains(c)))
            return new AnnounceDecision.Wait("announce-ambiguous",
                $"{setting} has {candidates.Length} addresses ({string.Join(", ", candidates.Select(c => c.Host))}); "
                + "it must lead to this node alone");
        var address = candidates[0];
        if (IsLoopback(address) && (facts.InCluster || !IsLoopback(facts.Setting)))
            return new AnnounceDecision.Use(address, "announce-loopback",
                $"{setting} is {address.Host}, which leads every other host to itself: "
                + "Sentinels and replicas elsewhere will not find this node; "
                + "name an address that they reach", IsDoubtful: true);
        return facts.InCluster && facts.Own.Contains(address)
            ? new AnnounceDecision.Use(address, "announce-own-address",
                $"{setting} is {address.Host}, an address of this pod itself: the next pod gets another one, "
                + "and the group may then wait for an address that nobody has; "
                + "name a Service of this pod alone, <pod>.<namespace>.svc", IsDoubtful: true)
            : new AnnounceDecision.Use(address, "announce", $"{setting} is {address.Host}");
    }

    private static AnnounceDecision OnUnresolved(AnnounceFacts facts, string setting) =>
        facts.Remembered is { } last && last.Setting == facts.Setting && facts.UnresolvedFor >= UnresolvedBeforeMemory
            ? new AnnounceDecision.Use(last.Address, "announce-remembered",
                $"{setting} has not resolved for {DurationText.About(facts.UnresolvedFor)} ({facts.Why}); "
                + $"announcing {last.Address.Host}, which it led to at the last start",
                IsDoubtful: true)
            : new AnnounceDecision.Wait("announce-unresolved",
                $"{setting}: {facts.Why}; it must be an address that the others reach, or a name that resolves to one");

    private static bool IsLoopback(RedisEndpoint endpoint) => IsLoopback(endpoint.Host);

    private static bool IsLoopback(string? host) => IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address);
}
