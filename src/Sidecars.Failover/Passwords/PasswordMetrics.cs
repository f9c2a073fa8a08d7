using Sidecars.Core.Configuration;
using Sidecars.Core.Group;
using Sidecars.Core.Primitives;
using Sidecars.Failover.Decisions;
using Sidecars.Telemetry;

namespace Sidecars.Failover.Passwords;

/// <summary>
/// What is shown of the passwords of one sidecar. Refusals are counted where all decisions are (<see cref="IDecisionSink"/>).
/// </summary>
internal sealed class PasswordMetrics
{
    private readonly ClusterId _cluster;

    public PasswordMetrics(ClusterId cluster, MetricSet metrics)
    {
        _cluster = cluster;
        metrics.Gauge(
            "sidecars_password_fingerprint_info",
            "1 for each secret, with the fingerprint of the current password in this sidecar's files.",
            Fingerprints, "fingerprint", "secret");
        metrics.Gauge(
            "sidecars_password_previous",
            "1 while the password files of this sidecar hold a previous password beside the current one.",
            () => HasPrevious ? 1 : 0);
        metrics.Gauge(
            "sidecars_password_ready",
            "1 if the last look at the passwords found nothing to do; during a rotation, the previous password may then leave the Secret.",
            () => IsReady ? 1 : 0);
    }

    public PasswordReading? Reading { get; set; }

    public bool HasPrevious { get; set; }

    public bool IsReady { get; set; }

    /// <summary>Secrets by the names of their keys, with current and previous password.</summary>
    public static IEnumerable<(string Name, GroupSecret Secret)> Secrets(PasswordReading reading)
    {
        (string Name, GroupSecret? Secret)[] all =
        [
            ("redis-password", reading.Redis.Default),
            ("replication-password", reading.Redis.Replication),
            ("sentinel-auth-password", reading.Redis.Sentinel),
            ("sidecar-password", reading.Redis.Sidecar),
            ("sentinel-password", reading.Sentinel.Default),
        ];
        foreach (var (name, secret) in all)
            if (secret is not null) yield return (name, secret);
    }

    private IEnumerable<Sample> Fingerprints() =>
        Reading is { } reading
            ? Secrets(reading).Select(s => new Sample(1, PasswordFingerprint.Of(_cluster, s.Secret.Current), s.Name))
            : [];
}
