using Sidecars.Bootstrap.Options;
using Sidecars.Core.Configuration;
using Sidecars.Core.Election;
using Sidecars.Core.Group;
using Sidecars.Core.Kubernetes;
using Sidecars.Core.Primitives;
using Sidecars.Core.Topology;

namespace Sidecars.Bootstrap.Backends;

/// <summary>Opens the configured election backend.</summary>
internal static class ElectionBackends
{
    public static IElectionBackend Open(BootstrapOptions options, RedisEndpoint announce, TimeProvider time)
    {
        switch (options.Group.Election)
        {
            case ElectionKind.File: return new FileElectionBackend(options.Group.ElectionDirectory);
            case ElectionKind.Lease:
                var settings = options.Group.Kubernetes!;
                var client = new KubernetesClient(settings.Config, time);
                return new LeaseElectionBackend(client, new GroupLeaseStore(client, options.Group.Cluster, settings.LeaseName, time),
                    settings.PodName, options.Group.RedisCount, time);
            default:
                var group = options.Group;
                var key = new PeerEvidenceKey(group.Cluster, new GroupAccess(group.Cluster, group.RedisSecrets).Sidecar.Password);
                var peers = new PeerEvidence(
                    new RedisEndpoint(announce.Host, options.Port), key,
                    async cancellation => (await EndpointResolver.ResolveAsync(
                        group.RedisHosts, group.ConnectTimeout, time, cancellation).ConfigureAwait(false)).Endpoints,
                    group.ConnectTimeout + group.CommandTimeout, time);
                return new LeaderElectorBackend(
                    options.ElectorUrl, [announce.Host, group.NodeName, .. AnnounceAddress.OwnAddresses()], group.CommandTimeout)
                {
                    Peers = peers,
                    WordFile = WordFile(options),
                };
        }
    }

    /// <summary>Where a person's word lies for an elector, which keeps no record: beside the node that is to hear it.</summary>
    public static string WordFile(BootstrapOptions options) => Path.Combine(options.Group.ConfigDirectory, "allow-empty");
}
