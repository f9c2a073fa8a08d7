using System.Collections.Immutable;
using Sidecars.Aws.Route53;
using Sidecars.Core.DnsRecords;
using Sidecars.Core.Hosting;
using Sidecars.Core.Kubernetes;

namespace Sidecars.Failover;

/// <summary>Where the master is published, and as what.</summary>
internal sealed record PublishOptions
{
    /// <summary>What this node is published as; null: not known before the announced address is.</summary>
    public required string? Address { get; init; }

    /// <summary>The name in the zone; null: no DNS.</summary>
    public required string? RecordName { get; init; }

    public required int TtlSeconds { get; init; }

    /// <summary>Null: no zone file.</summary>
    public required string? ZoneFile { get; init; }

    /// <summary>Null: no Route 53.</summary>
    public required Route53Settings? Route53 { get; init; }

    /// <summary>The selectorless Service; null: no EndpointSlice.</summary>
    public required string? MasterService { get; init; }

    /// <summary>Name of the port in Service and slice.</summary>
    public required string PortName { get; init; }

    /// <summary>Key of the pod's label; null: none.</summary>
    public required string? PodLabel { get; init; }

    /// <summary>How long the sidecar of rank 1 waits before it looks whether the new master's own has published; rank n waits n times so long.</summary>
    public required TimeSpan RankDelay { get; init; }

    /// <summary>Read-only look for drift.</summary>
    public required TimeSpan CheckPeriod { get; init; }

    /// <summary>Mistakes; where there are any, nothing is published anywhere that they concern.</summary>
    public required ImmutableArray<string> Mistakes { get; init; }

    public static PublishOptions Read(SettingReader settings, GroupSettings? group)
    {
        var address = settings.OptionalValue("PUBLISH_ADDRESS", "IP address or name", text => DnsTarget.TryParse(text, out var target) ? target.Value : null,
            "What clients outside reach this node at; a name makes the record a CNAME. Default: POD_IP, else the announced address.") ?? group?.PodAddress;
        var name = settings.OptionalValue("DNS_NAME", "name", text => DnsName.IsName(DnsName.Normalize(text)) ? DnsName.Normalize(text) : null,
            "The record that names the master, with a TXT record of ours at _redis-master.<name>. Needs ZONE_FILE or ROUTE53_ZONE_ID.");
        var ttl = settings.Integer("DNS_TTL_SECONDS", DnsPublication.DefaultTtlSeconds, 1, 3600, "Life of both records in resolvers.");
        var zoneFile = settings.OptionalPath("ZONE_FILE", "A zone file to keep the records in.");
        var zone = settings.OptionalValue("ROUTE53_ZONE_ID", "1..32 capital letters and digits", text => Route53Settings.IsZoneId(text) ? text : null,
            "The hosted zone, private or public. Credentials: environment, shared files, IRSA, EKS Pod Identity, instance metadata.");
        var endpoint = settings.OptionalValue("ROUTE53_ENDPOINT", "URL", text => Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "https" or "http" ? text : null,
            "Another API endpoint than AWS' own: a private one, or a test's.");
        var service = settings.OptionalValue("MASTER_SERVICE", "1..63 of a-z 0-9 -", text => KubernetesName.IsLabel(text) ? text : null,
            "Service without selector whose one EndpointSlice, of the same name, names the master. Needs POD_NAMESPACE and POD_UID.");
        var portName = settings.OptionalValue("MASTER_SERVICE_PORT_NAME", "1..15 of a-z 0-9 -", text => text.Length <= 15 && KubernetesName.IsLabel(text) ? text : null,
            "Name of the port, as in the Service. Default: redis.") ?? "redis";
        var label = settings.OptionalValue("POD_LABEL", "label key", text => text.Length <= 63 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '/') ? text : null,
            "Label of this pod that is kept at master or replica, for people's eyes. Needs the right to patch pods/status. Default: none.");
        var rankDelay = settings.Milliseconds("PUBLISH_RANK_DELAY_MS", 5000, 100, 60_000, "A sidecar that is not the new master's looks after so long, times its rank, and writes only where the record is still wrong.");
        var check = settings.Milliseconds("PUBLISH_CHECK_MS", 60_000, 1000, 3_600_000, "Between two looks of the master's sidecar whether the record still stands.");
        if (name is not null && zoneFile is null && zone is null) settings.Fail("DNS_NAME is set without ZONE_FILE or ROUTE53_ZONE_ID");
        if (name is null && (zoneFile ?? zone) is not null) settings.Fail("ZONE_FILE or ROUTE53_ZONE_ID is set without DNS_NAME");
        if (service is not null && group is not null && group.Kubernetes is null) settings.Fail("MASTER_SERVICE is set, which needs KUBERNETES_SERVICE_HOST, POD_NAMESPACE and POD_UID (downward API)");
        return new PublishOptions
        {
            Address = address,
            RecordName = name,
            TtlSeconds = ttl,
            ZoneFile = zoneFile,
            Route53 = zone is null ? null : endpoint is null ? new Route53Settings { HostedZoneId = zone } : new Route53Settings { HostedZoneId = zone, Endpoint = new Uri(endpoint) },
            MasterService = service,
            PortName = portName,
            PodLabel = label,
            RankDelay = rankDelay,
            CheckPeriod = check,
            Mistakes = [.. settings.Errors],
        };
    }
}
