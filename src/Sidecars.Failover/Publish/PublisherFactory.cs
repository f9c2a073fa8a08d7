using Sidecars.Aws;
using Sidecars.Core.Hosting;
using Sidecars.Core.Kubernetes;
using Sidecars.Core.Primitives;
using Sidecars.Failover.Decisions;
using Sidecars.Failover.Publish.Records;
using Sidecars.Failover.Publish.Targets.DnsEndpoint;
using Sidecars.Failover.Publish.Targets.Route53;
using Sidecars.Failover.Publish.Targets.Slice;
using Sidecars.Failover.Publish.Targets.Zone;

namespace Sidecars.Failover.Publish;

/// <summary>A publisher's loop, and what ends with it.</summary>
internal sealed record MadePublisher(PublisherLoop Loop, IDisposable? Owned) : IDisposable
{
    public void Dispose() => Owned?.Dispose();
}

/// <summary>A place where the master is published, how often it is checked, and what ends with it.</summary>
internal sealed record MadePlace(IMasterPublisher Publisher, TimeSpan Check, IDisposable? Owned, TimeSpan Backstop = default);

/// <summary>Makes the configured publishers, each when its loop starts: what fails here fails alone, and is tried again.</summary>
internal sealed class PublisherFactory(
    FailoverOptions options, KubernetesClient? kubernetes, AnotherMaster another, FailoverMetrics metrics, DecisionLog decisions,
    JsonLineLog log, RotatingCredentials credentials, TimeProvider time, Random random)
{
    // Five calls a second an account, and a thousand tenants: half a call a second for their checks.
    private static readonly TimeSpan Route53Check = TimeSpan.FromMinutes(30);
    private static readonly BackoffSchedule Pause = new(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(20));

    private readonly PublishOptions _publish = options.Publish;

    /// <summary>Loops over the places, each with a publisher of its own.</summary>
    /// <param name="loop">What is to be published.</param>
    public IEnumerable<(string Name, Func<CancellationToken, Task<MadePublisher>> Create)> Publishers(PublishLoop loop) =>
        Places.Select(place => (place.Name, (Func<CancellationToken, Task<MadePublisher>>)(async ct => Made(await place.Create(ct).ConfigureAwait(false), loop))));

    /// <summary>The places; each call of a creator makes another publisher, since one remembers what it saw and serves one caller.</summary>
    public IEnumerable<(string Name, Func<CancellationToken, Task<MadePlace>> Create)> Places
    {
        get
        {
            // A mistake in these settings may be in any of them.
            if (!_publish.Mistakes.IsEmpty) yield break;
            if (_publish is { RecordName: { } name, ZoneFile: { } file }) yield return ("zone-file", _ => Task.FromResult(Zone(name, file)));
            if (_publish is { RecordName: { } record, Route53: { } zone }) yield return ("route53", _ => Task.FromResult(Route53(record, zone)));
            if (_publish is { RecordName: { } entry, DnsEndpoint: { } endpoint } && kubernetes is not null) yield return ("dns-endpoint", _ => Task.FromResult(Dns("dns-endpoint", entry, new DnsEndpointStore(kubernetes, endpoint), _publish.CheckPeriod, null)));
            if (_publish.MasterService is { } service && kubernetes is not null) yield return ("endpoint-slice", _ => Task.FromResult(Slice(service, kubernetes)));
        }
    }

    private MadePlace Zone(string name, string file) => Dns("zone-file", name, new ZoneFileStore(file), _publish.CheckPeriod, null);

    private MadePlace Route53(string name, Route53Settings zone)
    {
        var client = new Route53Client(zone, credentials);
        return Dns("route53", name, new Route53RecordStore(client, zone.HostedZoneId), Route53Check, client) with { Backstop = _publish.Route53Backstop };
    }

    private MadePlace Slice(string service, KubernetesClient client) =>
        new(new SliceMasterPublisher(client, service, _publish.PortName, Pause, message => Failed("endpoint-slice", "api", message), time, random.NextDouble), _publish.CheckPeriod, null);

    private MadePlace Dns(string kind, string name, IDnsRecordStore store, TimeSpan check, IDisposable? owned)
    {
        var publisher = new DnsPublisher(store, Pause, time, random.NextDouble) { OnFailure = failure => Failed(kind, failure.Kind.ToString().ToLowerInvariant(), failure.Message) };
        return new MadePlace(new DnsMasterPublisher(kind, name, _publish.TtlSeconds, store, publisher), check, owned);
    }

    private MadePublisher Made(MadePlace place, PublishLoop loop)
    {
        log.Info("publisher", $"publishes at {place.Publisher.Description}", LogField.Of("publisher", place.Publisher.Name));
        return new MadePublisher(new PublisherLoop(place.Publisher, loop, another.FindAsync, new PublisherSettings(place.Check, options.DryRun, place.Backstop), metrics, decisions, time, random.NextDouble), place.Owned);
    }

    private void Failed(string publisher, string code, string message)
    {
        metrics.Failed(publisher);
        decisions.Problem("publish-" + publisher, code, message);
    }
}
