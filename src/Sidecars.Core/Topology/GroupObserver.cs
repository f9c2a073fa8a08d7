using System.Collections.Immutable;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;

namespace Sidecars.Core.Topology;

/// <summary>Where the group's members are looked for.</summary>
/// <param name="SentinelHosts">Names or addresses; a headless Service's name has one address a pod.</param>
/// <param name="RedisHosts">The same for Redis.</param>
/// <param name="ResolveTimeout">For each name. A name that does not resolve has no pods yet.</param>
public sealed record GroupAddresses(
    ImmutableArray<RedisEndpoint> SentinelHosts, ImmutableArray<RedisEndpoint> RedisHosts, TimeSpan ResolveTimeout);

/// <summary>What one look at the whole group showed.</summary>
public sealed record GroupObservation
{
    /// <summary>One per Sentinel address.</summary>
    public required ImmutableArray<SentinelObservation> Sentinels { get; init; }

    /// <summary>One per Redis address: the configured ones, and every address that a Sentinel names as master.</summary>
    public required ImmutableArray<NodeObservation> Nodes { get; init; }

    /// <summary>Names that did not resolve, in words.</summary>
    public ImmutableArray<string> Unresolved { get; init; } = [];
}

/// <summary>
/// Asks every Sentinel and every Redis of the group at the same time. IO only. One look takes as long as the slowest
/// answer, at most resolve + connect + command deadline, twice where Sentinels name an address that nobody configured.
/// </summary>
public sealed class GroupObserver(GroupAddresses addresses, SentinelClient sentinels, NodeClient nodes, TimeProvider time)
{
    /// <summary>Looks at every Redis, beside what the Sentinels were seen to say a moment ago.</summary>
    /// <param name="sentinelViews">Of the Sentinels, as old as the caller accepts.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<GroupObservation> ObserveNodesAsync(
        IReadOnlyCollection<SentinelObservation> sentinelViews, CancellationToken cancellation)
    {
        var (nodeViews, failures) = await ObserveAllAsync(
            addresses.RedisHosts, null, nodes.ObserveAsync, cancellation).ConfigureAwait(false);
        var more = await ObserveNamedAsync(sentinelViews, nodeViews, null, cancellation).ConfigureAwait(false);
        return new GroupObservation { Sentinels = [.. sentinelViews], Nodes = [.. nodeViews, .. more], Unresolved = failures };
    }

    /// <summary>Looks once.</summary>
    /// <param name="exceptSentinel">My own address, which is not asked; null to ask all.</param>
    /// <param name="exceptNode">My own address, which is not asked; null to ask all.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<GroupObservation> ObserveAsync(
        RedisEndpoint? exceptSentinel, RedisEndpoint? exceptNode, CancellationToken cancellation)
    {
        var sentinelTask = ObserveAllAsync(addresses.SentinelHosts, exceptSentinel, sentinels.ObserveAsync, cancellation);
        var nodeTask = ObserveAllAsync(addresses.RedisHosts, exceptNode, nodes.ObserveAsync, cancellation);
        var (sentinelViews, sentinelFailures) = await sentinelTask.ConfigureAwait(false);
        var (nodeViews, nodeFailures) = await nodeTask.ConfigureAwait(false);

        var more = await ObserveNamedAsync(sentinelViews, nodeViews, exceptNode, cancellation).ConfigureAwait(false);
        return new GroupObservation
        {
            Sentinels = [.. sentinelViews],
            Nodes = [.. nodeViews, .. more],
            Unresolved = [.. sentinelFailures, .. nodeFailures],
        };
    }

    // Whom Sentinels name and nobody configured.
    private Task<NodeObservation[]> ObserveNamedAsync(IReadOnlyCollection<SentinelObservation> sentinelViews, NodeObservation[] seen,
        RedisEndpoint? except, CancellationToken cancellation) =>
        Task.WhenAll(sentinelViews.OfType<SentinelObservation.Known>().Select(k => k.View.Master?.Address).OfType<RedisEndpoint>()
            .Distinct().Where(a => a != except && seen.All(n => n.Endpoint != a)).Select(a => nodes.ObserveAsync(a, cancellation)));

    private async Task<Seen<T>> ObserveAllAsync<T>(
        ImmutableArray<RedisEndpoint> hosts, RedisEndpoint? except, Func<RedisEndpoint, CancellationToken, Task<T>> observe,
        CancellationToken cancellation)
        where T : class
    {
        var resolved = await EndpointResolver.ResolveAsync(hosts, addresses.ResolveTimeout, time, cancellation).ConfigureAwait(false);
        var views =
            await Task.WhenAll(resolved.Endpoints.Where(e => e != except).Select(e => observe(e, cancellation))).ConfigureAwait(false);
        return new Seen<T>(views, resolved.Failures);
    }

    private sealed record Seen<T>(T[] Views, ImmutableArray<string> Failures)
        where T : class;
}
