using Sidecars.Core.Group;
using Sidecars.Core.Primitives;
using Sidecars.Failover.Decisions;
using Sidecars.Failover.Options;
using Sidecars.Failover.Watch;
using Sidecars.Telemetry;

namespace Sidecars.Failover.Passwords;

/// <summary>Wires the rotation of passwords; no rules here.</summary>
internal static class PasswordWiring
{
    public static PasswordLoop Loop(
        FailoverOptions options, Func<RedisEndpoint?> address, GroupConnections connections,
        Func<CancellationToken, Task<QuorumFacts>> quorum, IDecisionSink sink, MetricSet metrics, TimeProvider time,
        bool isReadOnly = false)
    {
        var group = options.Group;
        var settings = new PasswordSettings
        {
            Cluster = group.Cluster,
            Address = address,
            Own = options.Redis,
            RedisHosts = group.RedisHosts,
            SentinelHosts = group.SentinelHosts,
            RedisCount = group.RedisCount,
            SentinelCount = group.SentinelCount,
            ResolveTimeout = group.ConnectTimeout,
            DryRun = options.DryRun,
        };
        // Beside redis.conf, which holds passwords itself: gone with the pod, as the Redis that accepts them is.
        var path = Directory.Exists(group.ConfigDirectory) ? Path.Combine(group.ConfigDirectory, RetiredPasswords.FileName) : null;
        var client = new PasswordClient(connections.Transport, connections.AsSidecar, group.MasterName);
        return new PasswordLoop(settings, options.ReadPasswords, client, quorum, new RetiredPasswords(path, isReadOnly),
            connections.UsePasswords, sink, metrics, time);
    }
}
