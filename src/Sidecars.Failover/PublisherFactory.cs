using Sidecars.Aws;
using Sidecars.Aws.Route53;
using Sidecars.Core.DnsRecords;
using Sidecars.Core.Failover;
using Sidecars.Core.Failover.Publishing;
using Sidecars.Core.Hosting;
using Sidecars.Core.Kubernetes;
using Sidecars.Core.Primitives;

namespace Sidecars.Failover;

/// <summary>A publisher's loop, and what ends with it.</summary>
internal sealed record MadePublisher(PublisherLoop Loop, IDisposable? Owned) : IDisposable
{
    public void Dispose() => Owned?.Dispose();
}

/// <summary>Makes the configured publishers, each when its loop starts: what fails here fails alone, and is tried again.</summary>
internal sealed class PublisherFactory(
    FailoverOptions options, KubernetesClient? kubernetes, PublishLoop loop, FailoverMetrics metrics, DecisionLog decisions, JsonLineLog log, TimeProvider time, Random random)
{
    // Five calls a second an account, and a thousand tenants: half a call a second for their checks.
    private static readonly TimeSpan Route53Check = TimeSpan.FromMinutes(30);
    private static readonly BackoffSchedule Pause = new(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(20));

    private readonly PublishOptions _publish = options.Publish;

    public IEnumerable<(string Name, Func<CancellationToken, Task<MadePublisher>> Create)> Publishers
    {
        get
        {
            // A mistake in these settings may be in any of them.
            if (!_publish.Mistakes.IsEmpty) yield break;
            if (_publish is { RecordName: { } name, ZoneFile: { } file }) yield return ("zone-file", _ => Task.FromResult(Zone(name, file)));
            if (_publish is { RecordName: { } record, Route53: { } zone }) yield return ("route53", ct => Route53Async(record, zone, ct));
            if (_publish.MasterService is { } service && kubernetes is not null) yield return ("endpoint-slice", _ => Task.FromResult(Slice(service, kubernetes)));
        }
    }

    private MadePublisher Zone(string name, string file) => Dns("zone-file", name, new ZoneFileStore(file), _publish.CheckPeriod, null);

    private async Task<MadePublisher> Route53Async(string name, Route53Settings zone, CancellationToken cancellation)
    {
        // Instance metadata that nobody answers takes the SDK seconds.
        var credentials = await AwsCredentials.FindAsync().WaitAsync(cancellation).ConfigureAwait(false);
        var client = new Route53Client(zone, credentials);
        return Dns("route53", name, new Route53RecordStore(client, zone.HostedZoneId), Route53Check, client);
    }

    private MadePublisher Slice(string service, KubernetesClient client) =>
        Made(new SliceMasterPublisher(client, service, _publish.PortName, Pause, message => Failed("endpoint-slice", "api", message), time, random.NextDouble), _publish.CheckPeriod, null);

    private MadePublisher Dns(string kind, string name, IDnsRecordStore store, TimeSpan check, IDisposable? owned)
    {
        var publisher = new DnsPublisher(store, Pause, time, random.NextDouble) { OnFailure = failure => Failed(kind, failure.Kind.ToString().ToLowerInvariant(), failure.Message) };
        return Made(new DnsMasterPublisher(kind, name, _publish.TtlSeconds, store, publisher), check, owned);
    }

    private MadePublisher Made(IMasterPublisher publisher, TimeSpan check, IDisposable? owned)
    {
        log.Info("publisher", $"publishes at {publisher.Description}", LogField.Of("publisher", publisher.Name));
        return new MadePublisher(new PublisherLoop(publisher, loop, new PublisherSettings(check, options.DryRun), metrics, decisions, time), owned);
    }

    private void Failed(string publisher, string code, string message)
    {
        metrics.Failed(publisher);
        decisions.Problem("publish-" + publisher, code, message);
    }
}
