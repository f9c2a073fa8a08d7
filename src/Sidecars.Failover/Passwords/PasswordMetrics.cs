using System.Diagnostics.Metrics;
using Sidecars.Core.Configuration;
using Sidecars.Core.Hosting;
using Sidecars.Core.Primitives;
using Sidecars.Failover.Decisions;

namespace Sidecars.Failover.Passwords;

/// <summary>What is shown of the passwords of one sidecar. Refusals are counted where all decisions are (<see cref="IDecisionSink"/>).</summary>
internal sealed class PasswordMetrics
{
    private readonly ClusterId _cluster;

    public PasswordMetrics(ClusterId cluster, Meter meter)
    {
        _cluster = cluster;
        meter.CreateObservableGauge("sidecars_password_fingerprint_info", Fingerprints, null, "1 for each secret, with the fingerprint of the current password in this sidecar's files.");
        meter.CreateObservableGauge("sidecars_password_previous", () => HasPrevious ? 1 : 0, null, "1 while the files hold a previous password.");
        meter.CreateObservableGauge("sidecars_password_ready", () => IsReady ? 1 : 0, null, "1 where the last look found nothing due: with a previous password in the files, it may leave the Secret.");
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

    private IEnumerable<Measurement<int>> Fingerprints() => Reading is not { } reading ? [] :
    [
        .. Secrets(reading).Select(s => new Measurement<int>(1, new("secret", s.Name), new("fingerprint", PasswordFingerprint.Of(_cluster, s.Secret.Current)))),
    ];
}
