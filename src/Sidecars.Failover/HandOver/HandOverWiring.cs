using Sidecars.Core.Configuration;
using Sidecars.Core.Group;
using Sidecars.Core.Primitives;
using Sidecars.Core.Topology;
using Sidecars.Failover.Options;

namespace Sidecars.Failover.HandOver;

/// <summary>A hand-over's view of the group, from the settings: for the coordinator and for the loops of <c>run</c>.</summary>
internal static class HandOverWiring
{
    public static HandOverGroup Group(FailoverOptions options, GroupConnections connections, TimeProvider time)
    {
        var group = options.Group;
        return new HandOverGroup(
            new GroupAddresses(group.SentinelHosts, group.RedisHosts, group.ConnectTimeout),
            options.Redis,
            new HandOverSettings
            {
                SentinelCount = group.SentinelCount,
                RedisCount = group.RedisCount,
                DownAfter = group.DownAfter,
                MinReplicas = WriteRequirement.MinReplicasToWrite(group.RedisCount),
            },
            connections.Sentinels,
            new HandOverClient(connections.Transport, connections.AsSidecar),
            connections.Leadership,
            group.DataDirectory,
            time);
    }

    /// <summary>The node that a person means: its address in the group, where a name is resolved to one.</summary>
    public static async Task<(RedisEndpoint? Endpoint, string Why)> FindAsync(
        string text, GroupSettings group, CancellationToken cancellation)
    {
        if (!RedisEndpoint.TryParse(text, group.RedisPort, out var endpoint)) return (null, $"'{text}' is neither an address nor a name");
        var resolved = await EndpointResolver.ResolveAsync(
            [endpoint], group.ConnectTimeout, TimeProvider.System, cancellation).ConfigureAwait(false);
        return resolved.Endpoints.Length == 1 ? (resolved.Endpoints[0], "") : (null, resolved.Endpoints.IsEmpty
            ? string.Join("; ", resolved.Failures)
            : $"'{text}' has {resolved.Endpoints.Length} addresses; name one node");
    }
}
