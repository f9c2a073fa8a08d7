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
    /// Delay before the sidecar of rank 1 checks whether the new master's own sidecar has published; rank n waits n times as long.
    /// </summary>
    public required TimeSpan RankDelay { get; init; }

    /// <summary>Extra delay of that check at Route 53: 1 to 2 times this value.</summary>
    public required TimeSpan Route53Backstop { get; init; }

    /// <summary>Interval of the read-only check for drift.</summary>
    public required TimeSpan CheckPeriod { get; init; }

    /// <summary>Mistakes; where there are any, nothing is published anywhere that they concern.</summary>
    public required ImmutableArray<string> Mistakes { get; init; }

    public static PublishOptions Read(SettingReader settings, GroupSettings? group)
    {
        var explicitAddress = settings.OptionalValue(
            "PUBLISH_ADDRESS", "IP address or name", text => DnsTarget.TryParse(text, out var target) ? target.Value : null,
            "Address at which clients outside reach this node: an IP address, or a name, which makes the DNS record a CNAME. Default: "
            + "POD_IP, else the announced address.");
        var name = settings.OptionalValue(
            "DNS_NAME", "name", text => DnsName.IsName(DnsName.Normalize(text)) ? DnsName.Normalize(text) : null,
            "DNS name that points at the master; a TXT record at _redis-master.<name> holds the token that orders writers. Needs "
            + "ROUTE53_ZONE_ID, DNS_ENDPOINT_NAME or ZONE_FILE. Unset: no DNS.");
        var ttl = settings.Duration(
            "DNS_TTL", "DNS_TTL_SECONDS", TimeSpan.FromSeconds(DnsPublication.DefaultTtlSeconds), TimeSpan.FromSeconds(1), Hour,
            "TTL of both DNS records.");
        var zoneFile = settings.OptionalPath("ZONE_FILE", "Zone file to keep the DNS records in.");
        var zone = settings.OptionalValue(
            "ROUTE53_ZONE_ID", "1..32 capital letters and digits", text => Route53Settings.IsZoneId(text) ? text : null,
            "Route 53 hosted zone, private or public. Credentials come from the environment, shared files, IRSA, EKS Pod Identity or "
            + "instance metadata.");
        var endpoint = settings.OptionalValue("ROUTE53_ENDPOINT", "URL",
            text => Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "https" or "http" ? text : null,
            "URL of the Route 53 API if it is not AWS' public one: a private endpoint, or a test server.");
        var dnsEndpoint = settings.OptionalValue(
            "DNS_ENDPOINT_NAME", "1..63 of a-z 0-9 -", text => KubernetesName.IsLabel(text) ? text : null,
            "DNSEndpoint (externaldns.k8s.io/v1alpha1) in this namespace, from which external-dns writes the DNS records to a zone. It "
            + "must exist, without a spec. Replaces ROUTE53_ZONE_ID. Needs POD_NAMESPACE and POD_UID.");
        var service = settings.OptionalValue("MASTER_SERVICE", "1..63 of a-z 0-9 -", text => KubernetesName.IsLabel(text) ? text : null,
            "Service without a selector whose only EndpointSlice, of the same name, points at the master. Needs POD_NAMESPACE and POD_UID. "
            + "Unset: no EndpointSlice.");
        var portName = settings.OptionalValue(
            "MASTER_SERVICE_PORT_NAME", "1..15 of a-z 0-9 -", text => text.Length <= 15 && KubernetesName.IsLabel(text) ? text : null,
            "Name of the Service's port. Default: redis.") ?? "redis";
        var others = settings.OptionalValue(
            "PUBLISH_ADDRESSES", "host:port=address,…", text => ParseOthers(text) is { } list ? new Pairs(list) : null,
            "Announced and published address of every node, so that another sidecar can publish a master in DNS if the master's own "
            + "sidecar does not. Default: what each sidecar recorded at the API server; outside a cluster, only a master's own sidecar "
            + "publishes it.");
        var rankDelay = settings.Duration(
            "PUBLISH_RANK_DELAY", "PUBLISH_RANK_DELAY_MS", TimeSpan.FromSeconds(5), TimeSpan.FromMilliseconds(100), Minute,
            "Delay, multiplied by rank, before a sidecar other than the new master's re-checks the record. It writes only if the record is "
            + "still wrong.");
        var backstop = settings.Duration(
            "ROUTE53_BACKSTOP", "ROUTE53_BACKSTOP_MS", Minute, TimeSpan.Zero, Hour,
            "Extra delay (1 to 2 times this value) of those re-checks at Route 53. The API allows an account 5 calls a second; the delay "
            + "leaves them to actual fail-overs.");
        var check = settings.Duration(
            "PUBLISH_CHECK", "PUBLISH_CHECK_MS", Minute, TimeSpan.FromSeconds(1), Hour,
            "How often the master's sidecar checks that what it published is still there. Route 53 is checked every 30m instead, since all "
            + "tenants of an account share 5 calls a second.");
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
