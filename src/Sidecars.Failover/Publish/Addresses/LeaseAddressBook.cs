using System.Collections.Immutable;
using Sidecars.Core.Group;
using Sidecars.Core.Kubernetes;
using Sidecars.Core.Primitives;

namespace Sidecars.Failover.Publish.Addresses;

/// <summary>
/// The addresses at which each pod is reached, in its evidence Lease: only the pod writes it, all pods of the group may read it. No retries
/// and no memory; safe for concurrent use.
/// </summary>
/// <param name="client">The API server.</param>
/// <param name="group">Name of the group's Lease, which those of its pods begin with.</param>
/// <param name="cluster">The tenant, checked on every read.</param>
/// <param name="podName">This pod.</param>
/// <param name="redisCount">How many Redis nodes there should be; pods beyond are read while the group grows or shrinks.</param>
/// <param name="time">The clock of the times in a Lease.</param>
public sealed class LeaseAddressBook(
    KubernetesClient client, string group, ClusterId cluster, string podName, int redisCount, TimeProvider time)
{
    private const int MaxPods = 31; // as many as REDIS_COUNT may say

    /// <summary>Creates the address book of a group.</summary>
    /// <param name="group">The group.</param>
    /// <param name="client">A client of <see cref="GroupSettings.Kubernetes"/>.</param>
    /// <param name="time">The clock of the times in a Lease.</param>
    public static LeaseAddressBook Of(GroupSettings group, KubernetesClient client, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(group);
        var settings = group.Kubernetes ?? throw new InvalidOperationException("there is no API server");
        return new LeaseAddressBook(client, settings.LeaseName, group.Cluster, settings.PodName, group.RedisCount, time);
    }

    /// <summary>Records this pod's addresses, unless they are recorded already. Null: they are recorded now.</summary>
    public async Task<KubernetesFailure?> RecordAsync(NodeAddresses mine, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(mine);
        LeaseDocument basis;
        var name = EvidenceDocument.LeaseName(group, podName);
        switch (await client.GetLeaseAsync(name, cancellation).ConfigureAwait(false))
        {
            case KubernetesRead<LeaseDocument>.Found found: basis = found.Document; break;
            case KubernetesRead<LeaseDocument>.Failed { Failure: KubernetesFailure.NotFound }:
                basis = LeaseDocument.New(client.Namespace, name);
                break;
            case KubernetesRead<LeaseDocument>.Failed failed: return failed.Failure;
            case var other: throw new InvalidOperationException($"unknown outcome {other}");
        }

        if (AddressAnnotation.Read(basis, cluster.Value, podName, out _) == mine) return null;
        var next = AddressAnnotation.Apply(basis, cluster.Value, mine) with
        {
            Spec = (basis.Spec ?? new LeaseSpec()) with
            { HolderIdentity = mine.Uid, RenewTime = LeaseClock.Next(time.GetUtcNow(), basis.Spec?.RenewTime) },
        };
        return await client.PutLeaseAsync(next, cancellation).ConfigureAwait(false) switch
        {
            KubernetesWrite<LeaseDocument>.Written => null,
            KubernetesWrite<LeaseDocument>.NotWritten no => no.Failure,
            KubernetesWrite<LeaseDocument>.OutcomeUnknown unknown => unknown.Failure,
            var other => throw new InvalidOperationException($"unknown outcome {other}"),
        };
    }

    /// <summary>Reads the addresses that all pods have recorded.</summary>
    public async Task<AddressReading> ReadAsync(CancellationToken cancellation)
    {
        var known = ImmutableArray.CreateBuilder<NodeAddresses>();
        string? unread = null;
        for (var ordinal = 0; ordinal < MaxPods; ordinal++)
        {
            var name = KubernetesName.Sibling(podName, ordinal);
            var leaseName = EvidenceDocument.LeaseName(group, name);
            switch (await client.GetLeaseAsync(leaseName, cancellation).ConfigureAwait(false))
            {
                case KubernetesRead<LeaseDocument>.Found { Document: var lease }:
                    if (AddressAnnotation.Read(lease, cluster.Value, name, out var fault) is { } addresses) known.Add(addresses);
                    else if (fault is not null) unread ??= $"Lease {leaseName}: {fault}";
                    break;
                // Up to the first that never testified, or that there is no right to see.
                case KubernetesRead<LeaseDocument>.Failed { Failure: KubernetesFailure.NotFound or KubernetesFailure.Forbidden }
                    when ordinal >= redisCount:
                    return new AddressReading(known.ToImmutable(), unread);
                case KubernetesRead<LeaseDocument>.Failed { Failure: KubernetesFailure.NotFound }:
                    break;
                case KubernetesRead<LeaseDocument>.Failed failed:
                    // The others would only be waited for in vain, a deadline each.
                    return new AddressReading(known.ToImmutable(), unread ?? $"Lease {leaseName}: {failed.Failure.Message}");
            }
        }

        return new AddressReading(known.ToImmutable(), unread);
    }
}
