using System.Collections.Immutable;
using Sidecars.Core.Group;
using Sidecars.Core.Hosting;
using Sidecars.Core.Kubernetes;
using Sidecars.Core.Primitives;
using Sidecars.Failover.Publish.Addresses;
using Sidecars.Failover.Publish.Records;
using Sidecars.Failover.Publish.Targets.Route53;

namespace Sidecars.Failover.Options;

/// <summary>Where the master is published, and as what.</summary>
internal sealed record PublishOptions
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1), Hour = TimeSpan.FromHours(1);

    /// <summary>What this node is published as; null: not known before the announced address is.</summary>
    public required string? Address { get; init; }

    /// <summary>The name in the zone; null: no DNS.</summary>
    public required string? RecordName { get; init; }

    public required int TtlSeconds { get; init; }

    /// <summary>Null: no zone file.</summary>
    public required string? ZoneFile { get; init; }

    /// <summary>Null: no Route 53.</summary>
    public required Route53Settings? Route53 { get; init; }

    /// <summary>The object from which external-dns takes the records; null: no external-dns.</summary>
    public required string? DnsEndpoint { get; init; }

    /// <summary>The selectorless Service; null: no EndpointSlice.</summary>
    public required string? MasterService { get; init; }

    /// <summary>Name of the port in Service and slice.</summary>
    public required string PortName { get; init; }

    /// <summary>What other nodes are published as outside, by announced address, where they have not recorded it themselves.</summary>
    public required ImmutableArray<(RedisEndpoint Announced, string Address)> Others { get; init; }

    /// <summary>
    /// How long the sidecar of rank 1 waits before it looks whether the new master's own has published; rank n waits n times so long.
    /// </summary>
    public required TimeSpan RankDelay { get; init; }

    /// <summary>How much later, and up to twice, it looks at Route 53.</summary>
    public required TimeSpan Route53Backstop { get; init; }

    /// <summary>Read-only look for drift.</summary>
    public required TimeSpan CheckPeriod { get; init; }

    /// <summary>Mistakes; where there are any, nothing is published anywhere that they concern.</summary>
    public required ImmutableArray<string> Mistakes { get; init; }

    public static PublishOptions Read(SettingReader settings, GroupSettings? group)
    {
        var explicitAddress = settings.OptionalValue(
            "PUBLISH_ADDRESS", "IP address or name", text => DnsTarget.TryParse(text, out var target) ? target.Value : null,
            "What clients outside reach this node at; a name makes the record a CNAME. Default: POD_IP, else the announced address.");
        var name = settings.OptionalValue(
            "DNS_NAME", "name", text => DnsName.IsName(DnsName.Normalize(text)) ? DnsName.Normalize(text) : null,
            "The record that names the master, with a TXT record of ours at _redis-master.<name>. Needs ROUTE53_ZONE_ID, "
            + "DNS_ENDPOINT_NAME or ZONE_FILE.");
        var ttl = settings.Duration(
            "DNS_TTL", "DNS_TTL_SECONDS", TimeSpan.FromSeconds(DnsPublication.DefaultTtlSeconds), TimeSpan.FromSeconds(1), Hour,
            "Life of both records in resolvers.");
        var zoneFile = settings.OptionalPath("ZONE_FILE", "A zone file to keep the records in.");
        var zone = settings.OptionalValue(
            "ROUTE53_ZONE_ID", "1..32 capital letters and digits", text => Route53Settings.IsZoneId(text) ? text : null,
            "The hosted zone, private or public. Credentials: environment, shared files, IRSA, EKS Pod Identity, instance metadata.");
        var endpoint = settings.OptionalValue("ROUTE53_ENDPOINT", "URL",
            text => Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "https" or "http" ? text : null,
            "Another API endpoint than AWS' own: a private one, or a test's.");
        var dnsEndpoint = settings.OptionalValue(
            "DNS_ENDPOINT_NAME", "1..63 of a-z 0-9 -", text => KubernetesName.IsLabel(text) ? text : null,
            "DNSEndpoint (externaldns.k8s.io/v1alpha1) of this namespace whose entries external-dns writes to a zone; "
            + "it must be there, without spec. Instead of ROUTE53_ZONE_ID. Needs POD_NAMESPACE and POD_UID.");
        var service = settings.OptionalValue("MASTER_SERVICE", "1..63 of a-z 0-9 -", text => KubernetesName.IsLabel(text) ? text : null,
            "Service without selector whose one EndpointSlice, of the same name, names the master. Needs POD_NAMESPACE and POD_UID.");
        var portName = settings.OptionalValue(
            "MASTER_SERVICE_PORT_NAME", "1..15 of a-z 0-9 -", text => text.Length <= 15 && KubernetesName.IsLabel(text) ? text : null,
            "Name of the port, as in the Service. Default: redis.") ?? "redis";
        var others = settings.OptionalValue(
            "PUBLISH_ADDRESSES", "host:port=address,…", text => ParseOthers(text) is { } list ? new Pairs(list) : null,
            "Announced and published address of every node: lets another sidecar publish in DNS a master whose own does not. Default: "
            + "what each node's sidecar has recorded beside the API server; elsewhere only a master's own sidecar publishes it.");
        var rankDelay = settings.Duration(
            "PUBLISH_RANK_DELAY", "PUBLISH_RANK_DELAY_MS", TimeSpan.FromSeconds(5), TimeSpan.FromMilliseconds(100), Minute,
            "A sidecar that is not the new master's looks after so long, times its rank, and writes only where the record is still wrong.");
        var backstop = settings.Duration(
            "ROUTE53_BACKSTOP", "ROUTE53_BACKSTOP_MS", Minute, TimeSpan.Zero, Hour,
            "At Route 53, whose calls are few, it looks so much later, up to twice: "
            + "a third of a thousand masters take a minute of an account's 5 calls a second, one write each.");
        var check = settings.Duration(
            "PUBLISH_CHECK", "PUBLISH_CHECK_MS", Minute, TimeSpan.FromSeconds(1), Hour,
            "Between two looks of the master's sidecar whether what it published still stands; in Route 53 it looks every 30m, "
            + "since an account has 5 calls a second for all its tenants.");
        string[] zones = [.. new[]
        { zone is null ? "" : "ROUTE53_ZONE_ID", dnsEndpoint is null ? "" : "DNS_ENDPOINT_NAME", zoneFile is null ? "" : "ZONE_FILE" }
            .Where(set => set.Length > 0)];
        if (name is not null && zones.Length == 0) settings.Fail("DNS_NAME is set without ROUTE53_ZONE_ID, DNS_ENDPOINT_NAME or ZONE_FILE");
        if (name is null && zones.Length > 0) settings.Fail($"{string.Join(" and ", zones)} is set without DNS_NAME");
        if (zone is not null && dnsEndpoint is not null)
            settings.Fail("ROUTE53_ZONE_ID and DNS_ENDPOINT_NAME are both set: external-dns never touches a record that another wrote, "
                + "so one of them would stay for ever as it is; set one");
        foreach (var kept in new[] { service is null ? "" : "MASTER_SERVICE", dnsEndpoint is null ? "" : "DNS_ENDPOINT_NAME" })
        {
            if (kept.Length > 0 && group is not null && group.Kubernetes is null)
                settings.Fail($"{kept} is set, which needs KUBERNETES_SERVICE_HOST, POD_NAMESPACE and POD_UID (downward API)");
        }

        return new PublishOptions
        {
            Address = explicitAddress ?? group?.PodAddress,
            RecordName = name,
            TtlSeconds = (int)ttl.TotalSeconds,
            ZoneFile = zoneFile,
            Route53 = zone is null ? null
                : endpoint is null ? new Route53Settings { HostedZoneId = zone }
                : new Route53Settings { HostedZoneId = zone, Endpoint = new Uri(endpoint) },
            DnsEndpoint = dnsEndpoint,
            MasterService = service,
            PortName = portName,
            Others = others?.List ?? [],
            RankDelay = rankDelay,
            Route53Backstop = backstop,
            CheckPeriod = check,
            Mistakes = [.. settings.Errors],
        };
    }

    private static ImmutableArray<(RedisEndpoint, string)>? ParseOthers(string text)
    {
        var list = ImmutableArray.CreateBuilder<(RedisEndpoint, string)>();
        foreach (var pair in text.Split([',', ' '], StringSplitOptions.RemoveEmptyEntries))
        {
            if (pair.Split('=') is not [var announced, var address] || !RedisEndpoint.TryParse(announced, 6379, out var endpoint)
                || !DnsTarget.TryParse(address, out var target))
                return null;
            list.Add((endpoint, target.Value));
        }

        return list.ToImmutable();
    }

    private sealed record Pairs(ImmutableArray<(RedisEndpoint, string)> List);
}
