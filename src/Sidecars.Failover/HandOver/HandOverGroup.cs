using System.Collections.Immutable;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Sentinel.Leadership;
using Sidecars.Core.Topology;

namespace Sidecars.Failover.HandOver;

/// <summary>Where a hand-over looks: everything at once, in at most two rounds of connect and command deadlines. IO only.</summary>
/// <param name="addresses">Of Sentinels and Redis nodes.</param>
/// <param name="own">The Redis beside this process.</param>
/// <param name="settings">Configuration.</param>
/// <param name="sentinels">As the sidecars log in.</param>
/// <param name="nodes">Nodes, with the login of the sidecars.</param>
/// <param name="leadership">Tells the Sentinels.</param>
/// <param name="dataDirectory">Of the Redis beside this process.</param>
/// <param name="time">For the deadline of name look-ups.</param>
public sealed class HandOverGroup(
    GroupAddresses addresses, RedisEndpoint own, HandOverSettings settings, SentinelClient sentinels, HandOverClient nodes,
    SentinelLeadership leadership,
    string dataDirectory, TimeProvider time)
{
    /// <summary>The Redis beside this process.</summary>
    public RedisEndpoint Own { get; } = own;

    /// <summary>Configuration.</summary>
    public HandOverSettings Settings { get; } = settings;

    /// <summary>As the sidecars log in.</summary>
    public SentinelClient Sentinels { get; } = sentinels;

    /// <summary>Asks nodes, with the login of the sidecars.</summary>
    public HandOverClient Nodes { get; } = nodes;

    /// <summary>Tells the Sentinels who is master.</summary>
    public SentinelLeadership Leadership { get; } = leadership;

    /// <summary>Data directory of the Redis beside this process.</summary>
    public string DataDirectory { get; } = dataDirectory;

    /// <summary>Looks at everybody.</summary>
    /// <param name="wanted">See <see cref="HandOverSnapshot.Wanted"/>.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<HandOverSnapshot> ObserveAsync(RedisEndpoint? wanted, CancellationToken cancellation)
    {
        var sentinelTask = ObserveSentinelsAsync(cancellation);
        var resolved = await EndpointResolver.ResolveAsync(
            addresses.RedisHosts, addresses.ResolveTimeout, time, cancellation).ConfigureAwait(false);
        var ownTask = Nodes.ObserveAsync(Own, cancellation);
        var others = await AskAsync(resolved.Endpoints.Where(e => e != Own), cancellation).ConfigureAwait(false);
        var views = await sentinelTask.ConfigureAwait(false);
        var ownNode = await ownTask.ConfigureAwait(false);

        // DNS may give a part of the addresses: the replicas and the master that Sentinels list are asked too.
        var asked = others.Select(o => o.Endpoint).Append(Own)
            .Concat(others.OfType<NodeObservation.Known>().Select(o => o.Address))
            .Append((ownNode as NodeObservation.Known)?.Address ?? Own).ToHashSet();
        var known = views.OfType<SentinelObservation.Known>()
            .SelectMany(k => k.View.Replicas.Select(r => r.Address).Append(k.View.Master?.Address ?? Own)).Distinct()
            .Where(a => !asked.Contains(a));
        var more = await AskAsync(known, cancellation).ConfigureAwait(false);
        return new HandOverSnapshot
        {
            Settings = Settings,
            Sentinels = views,
            Own = ownNode,
            Others = [.. others, .. more],
            Configured = [.. resolved.Endpoints.Distinct()],
            Wanted = wanted,
        };
    }

    /// <summary>
    /// What others have seen already, without the other nodes: enough to tell that nothing is left of a hand-over, and nothing else. Null:
    /// the own server's answers can't be read.
    /// </summary>
    /// <param name="own">What the own server said.</param>
    /// <param name="sentinels">As they were seen last.</param>
    public HandOverSnapshot? Glance(NodeLook own, IReadOnlyCollection<SentinelObservation> sentinels)
    {
        ArgumentNullException.ThrowIfNull(own);
        return HandOverClient.WithSettings(new NodeObservation.Known(Own, own)) is NodeObservation.Known known
            ? new HandOverSnapshot { Settings = Settings, Sentinels = [.. sentinels], Own = known, Others = [] }
            : null;
    }

    /// <summary>Looks at the Sentinels alone.</summary>
    public async Task<ImmutableArray<SentinelObservation>> ObserveSentinelsAsync(CancellationToken cancellation)
    {
        var resolved = await EndpointResolver.ResolveAsync(
            addresses.SentinelHosts, addresses.ResolveTimeout, time, cancellation).ConfigureAwait(false);
        return [.. await Task.WhenAll(resolved.Endpoints.Select(e => Sentinels.ObserveAsync(e, cancellation))).ConfigureAwait(false)];
    }

    private Task<NodeObservation[]> AskAsync(IEnumerable<RedisEndpoint> endpoints, CancellationToken cancellation) =>
        Task.WhenAll(endpoints.Select(e => Nodes.ObserveAsync(e, cancellation)));
}
