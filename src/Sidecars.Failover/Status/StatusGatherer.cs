using System.Collections.Immutable;
using Sidecars.Aws;
using Sidecars.Core.Election;
using Sidecars.Core.Group;
using Sidecars.Core.Kubernetes;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Core.Topology;
using Sidecars.Failover.HandOver;
using Sidecars.Failover.Options;
using Sidecars.Failover.Publish.Addresses;
using Sidecars.Failover.Publish.Targets;

namespace Sidecars.Failover.Status;

/// <summary>Collects what <c>status</c> shows. IO only: whatever can't be read is part of the snapshot.</summary>
internal sealed class StatusGatherer : IDisposable
{
    // A person waits: what does not answer by then is shown as such.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly FailoverOptions _options;
    private readonly BackupLook? _backups;
    private readonly TimeProvider _time;
    private readonly HandOverGroup _group;
    private readonly IGroupRecord? _record;
    private readonly KubernetesClient? _kubernetes;
    private readonly IReadOnlyList<KnownTarget> _targets;
    private readonly LeaseAddressBook? _addresses;

    public StatusGatherer(FailoverOptions options, BackupLook? backups, TimeProvider time)
    {
        (_options, _backups, _time) = (options, backups, time);
        var connections = new GroupConnections(options.Group, time);
        _group = HandOverWiring.Group(options, connections, time);
        _record = connections.OpenRecord();
        _kubernetes = options.Group.Kubernetes is { } settings ? new KubernetesClient(settings.Config, time) : null;
        var credentials = RotatingCredentials.Default(time, Random.Shared.NextDouble);
        _targets = new PublisherFactory(
            options.Group.Cluster, options.Publish, _kubernetes, credentials, (_, _) => { }, time, Random.Shared.NextDouble).Targets;
        _addresses = _kubernetes is not null ? LeaseAddressBook.Of(options.Group, _kubernetes, time) : null;
    }

    public async Task<StatusSnapshot> GatherAsync(CancellationToken cancellation)
    {
        var group = _group.ObserveAsync(null, cancellation);
        var record = ReadRecordAsync(cancellation);
        var places = Task.WhenAll(_targets.Select(place => ReadAsync(place, cancellation)));
        var backup = ReadBackupAsync(cancellation);
        var addresses = ReadAddressesAsync(cancellation);
        var data = _options.Group.DataDirectory;
        var seen = await group.ConfigureAwait(false);
        var recorded = await addresses.ConfigureAwait(false);
        return new StatusSnapshot
        {
            At = _time.GetUtcNow(),
            Cluster = _options.Group.Cluster,
            MasterName = _options.Group.MasterName,
            Group = seen,
            Marker = new MarkerStore(data).Read() is { IsKnown: true, Value: { } marker } ? marker : null,
            Record = await record.ConfigureAwait(false),
            Places = [.. await places.ConfigureAwait(false)],
            Addresses = Own(seen) is { } mine ? With(recorded, mine) : recorded,
            OwnAnnounced = recorded.FirstOrDefault(a => a.Node == _options.Group.NodeName)?.Announced ?? AnnouncedAddress(),
            Waiting = WaitReader.Read(_options.Group.ConfigDirectory, _time.GetUtcNow()),
            PublishedAs = _options.Publish.Others.DistinctBy(o => o.Announced).ToImmutableDictionary(o => o.Announced, o => o.Address),
            Rescues = [.. new RescueStore(data, new RescueLimits(RescueLimits.DefaultMaxCount, long.MaxValue)).List()],
            Backup = await backup.ConfigureAwait(false),
            SteppingDown = StepDownLock.IsHeldByAnother(data),
        };
    }

    public void Dispose()
    {
        (_record as IDisposable)?.Dispose();
        _kubernetes?.Dispose();
    }

    // A shell in another container may not know the pod's address; what was recorded stands then.
    private static ImmutableArray<NodeAddresses> With(ImmutableArray<NodeAddresses> recorded, NodeAddresses mine) =>
        mine.Pod is null && recorded.Any(a => a.Announced == mine.Announced)
            ? recorded
            : [.. recorded.Where(a => a.Announced != mine.Announced), mine];

    private NodeAddresses? Own(HandOverSnapshot seen)
    {
        var group = _options.Group;
        if (seen.Own is not NodeObservation.Known { Address: var announced }) return null;
        var pod = PodAddress.Of(group.PodAddress, announced, AnnounceAddress.OwnAddresses(), group.RedisPort);
        return new NodeAddresses(group.NodeName, group.PodUid ?? "", announced, pod, _options.Publish.Address ?? announced.Host);
    }

    // A name is left to whoever announces it: what it resolves to here may be another address.
    private RedisEndpoint? AnnouncedAddress() =>
        _options.Group.AnnounceHost is { } host && new RedisEndpoint(host, _options.Group.AnnouncePort) is { IsAddress: true } address
            ? address
            : null;

    // What can't be read is not known: a finding says so where it matters.
    private async Task<ImmutableArray<NodeAddresses>> ReadAddressesAsync(CancellationToken cancellation)
    {
        if (_addresses is null) return [];
        try
        {
            return (await _addresses.ReadAsync(cancellation).WaitAsync(Patience, _time, cancellation).ConfigureAwait(false)).Known;
        }
        catch (TimeoutException)
        {
            return [];
        }
    }

    private async Task<ElectionObservation?> ReadRecordAsync(CancellationToken cancellation)
    {
        if (_record is null) return null;
        try
        {
            return await _record.ReadAsync(cancellation).WaitAsync(Patience, _time, cancellation).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return new ElectionObservation.Unavailable($"no answer within {DurationText.Of(Patience)}");
        }
    }

    private async Task<PlaceReading> ReadAsync(KnownTarget place, CancellationToken cancellation)
    {
        if (!_options.Publish.Mistakes.IsEmpty) return new PlaceReading.Failed(place.Name, string.Join("; ", _options.Publish.Mistakes));
        if (place.Create is null) return new PlaceReading.NotConfigured(place.Name);
        try
        {
            using var writer = place.Create();
            return await writer.LookAsync(cancellation).WaitAsync(Patience, _time, cancellation).ConfigureAwait(false) is { } master
                ? new PlaceReading.Known(place.Name, master)
                : new PlaceReading.Empty(place.Name);
        }
        catch (TimeoutException)
        {
            return new PlaceReading.Failed(place.Name, $"no answer within {DurationText.Of(Patience)}");
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested) // a store, credentials, the API: whichever it is, it is shown
        {
            return new PlaceReading.Failed(place.Name, e.Message);
        }
    }

    private async Task<BackupReading?> ReadBackupAsync(CancellationToken cancellation) => _options.BackupStore switch
    {
        null => null,
        _ when _backups is null => BackupReading.Unread("this file has no code of redis-backup"),
        { } store => await _backups(store, _options.Group.Cluster, Patience, _time, cancellation).ConfigureAwait(false),
    };
}
