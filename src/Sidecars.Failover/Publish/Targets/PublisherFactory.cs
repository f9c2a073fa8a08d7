using Sidecars.Aws;
using Sidecars.Core.Kubernetes;
using Sidecars.Core.Primitives;
using Sidecars.Failover.Options;
using Sidecars.Failover.Publish.Records;
using Sidecars.Failover.Publish.Targets.DnsEndpoint;
using Sidecars.Failover.Publish.Targets.Route53;
using Sidecars.Failover.Publish.Targets.Slice;
using Sidecars.Failover.Publish.Targets.Zone;

namespace Sidecars.Failover.Publish.Targets;

/// <summary>A target that there is code for.</summary>
/// <param name="Name">Short.</param>
/// <param name="Create">Makes its writer, the only one of this process; null: it is not configured.</param>
/// <param name="Check">See <see cref="PublisherSettings.CheckPeriod"/>.</param>
/// <param name="Backstop">See <see cref="PublisherSettings.Backstop"/>.</param>
internal sealed record KnownTarget(string Name, Func<ITargetWriter>? Create, TimeSpan Check, TimeSpan Backstop = default);

/// <summary>Knows every target; another one is a folder in <c>Targets</c> and a line here.</summary>
/// <param name="cluster">The group.</param>
/// <param name="publish">What is configured.</param>
/// <param name="kubernetes">Null: no API server.</param>
/// <param name="credentials">Of AWS; the process' own.</param>
/// <param name="failed">Called for each failure of a call with the name of the target.</param>
/// <param name="time">The clock of all.</param>
/// <param name="random">A number in [0, 1) for the jitter.</param>
internal sealed class PublisherFactory(
    ClusterId cluster, PublishOptions publish, KubernetesClient? kubernetes, RotatingCredentials credentials,
    Action<string, TargetFailure> failed,
    TimeProvider time, Func<double> random)
{
    // Five calls a second an account, and a thousand tenants: half a call a second for their checks.
    private static readonly TimeSpan Route53Check = TimeSpan.FromMinutes(30);
    private static readonly BackoffSchedule Pause = new(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(20));

    /// <summary>All targets, configured or not.</summary>
    public IReadOnlyList<KnownTarget> Targets =>
    [
        new("zone-file", When(publish.ZoneFile, file => Dns("zone-file", new ZoneFileStore(file))), publish.CheckPeriod),
        new("route53", When(publish.Route53, Route53), Route53Check, publish.Route53Backstop),
        new("dns-endpoint", When(publish.DnsEndpoint, (name, api) => Dns("dns-endpoint", new DnsEndpointStore(api, name))),
            publish.CheckPeriod),
        new(SliceTarget.Kind, When(publish.MasterService, (service, api) => Writer(new SliceTarget(api, service, publish.PortName))),
            publish.CheckPeriod),
    ];

    private static Func<ITargetWriter>? When<T>(T? setting, Func<T, ITargetWriter> create)
        where T : class => setting is null ? null : () => create(setting);

    private Func<ITargetWriter>? When<T>(T? setting, Func<T, KubernetesClient, ITargetWriter> create)
        where T : class => setting is null || kubernetes is null ? null : () => create(setting, kubernetes);

    private TargetWriter<DnsSnapshot, DnsChange> Route53(Route53Settings zone)
    {
        var client = new Route53Client(zone, credentials);
        return Dns("route53", new Route53RecordStore(client, zone.HostedZoneId), client);
    }

    private TargetWriter<DnsSnapshot, DnsChange> Dns(string kind, IDnsRecordStore store, IDisposable? owned = null) =>
        Writer(new DnsRecordTarget(kind, publish.RecordName!, publish.TtlSeconds, store), owned);

    private TargetWriter<TState, TChange> Writer<TState, TChange>(IPublishTarget<TState, TChange> target, IDisposable? owned = null) =>
        new(target, cluster, Pause, failure => failed(target.Name, failure), time, random, owned);
}
