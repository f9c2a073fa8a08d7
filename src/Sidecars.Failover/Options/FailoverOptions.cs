using System.Collections;
using Sidecars.Core.Group;
using Sidecars.Core.Hosting;
using Sidecars.Core.Primitives;
using Sidecars.Failover.Watch;

namespace Sidecars.Failover.Options;

/// <summary>All settings of redis-failover. The only file of this executable that reads the environment.</summary>
internal sealed record FailoverOptions
{
    /// <summary>Section of what <c>run</c> alone reads.</summary>
    public const string RunSection = "Sidecar";

    /// <summary>Section of what <c>status</c> alone reads.</summary>
    public const string StatusSection = "Status";

    /// <summary>Section of what <c>run</c> and <c>status</c> read.</summary>
    public const string PublishSection = "Publishing (a mistake here stops publishing alone)";

    /// <summary>What it shares with the other containers of the pod.</summary>
    public required GroupSettings Group { get; init; }

    /// <summary>Reads the password files again.</summary>
    public required Func<PasswordReading> ReadPasswords { get; init; }

    /// <summary>The Redis beside this process.</summary>
    public required RedisEndpoint Redis { get; init; }

    /// <summary>Where the master is published.</summary>
    public required PublishOptions Publish { get; init; }

    /// <summary>Label the own pod with the role of its Redis.</summary>
    public required bool RoleLabel { get; init; }

    /// <summary>Why the label can't be set; null: nothing is wrong.</summary>
    public required string? RoleLabelMistake { get; init; }

    /// <summary>Decide, log and count; change nothing.</summary>
    public required bool DryRun { get; init; }

    /// <summary>Poll interval per Sentinel while no event comes.</summary>
    public required TimeSpan WatchPeriod { get; init; }

    /// <summary>What Sentinels' INFO-PERIOD is set to; null: it is left as it is.</summary>
    public required TimeSpan? SentinelInfoPeriod { get; init; }

    /// <summary>Port of metrics and health; 0: disabled.</summary>
    public required int MetricsPort { get; init; }

    /// <summary>The backup store, for <c>status</c> alone; null: none is configured here.</summary>
    public required string? BackupStore { get; init; }

    /// <summary>The terminal may get colours: <c>NO_COLOR</c> is not set, and <c>TERM</c> is not <c>dumb</c>.</summary>
    public required bool Colors { get; init; }

    /// <summary>Reads the variables for Main.</summary>
    public static IReadOnlyDictionary<string, string> ProcessEnvironment()
    {
#pragma warning disable RS0030 // the one place of this executable that reads the environment
        return Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
            .ToDictionary(e => (string)e.Key, e => (string?)e.Value ?? "", StringComparer.Ordinal);
#pragma warning restore RS0030
    }

    /// <summary>Reads everything; null where <see cref="SettingReader.Errors"/> of <paramref name="settings"/> is not empty.</summary>
    /// <param name="settings">Without these there is no sidecar.</param>
    /// <param name="publishing">Mistakes in these stop publishing alone: marker and fence must not depend on the name of a zone.</param>
    public static FailoverOptions? Read(SettingReader settings, SettingReader publishing)
    {
        var group = GroupSettings.Read(settings, isSentinel: false);
        settings.Section(SettingSections.Addresses);
        var redis = settings.OptionalEndpoint(
            "REDIS_HOST", group?.RedisPort ?? 6379, "Address of this pod's Redis. Default: 127.0.0.1 and REDIS_PORT.");
        settings.Section(RunSection);
        var dryRun = settings.Flag("DRY_RUN", false,
            "Shadow mode for fence, publishing, fail-over at a process death and repairs: decide, log and count, but change nothing. The "
            + "marker and the group's record are still written.");
        var watch = settings.Duration(
            "WATCH_PERIOD", "WATCH_PERIOD_MS", TimeSpan.FromSeconds(1), TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(5),
            "Poll interval per Sentinel. Sentinel's pub/sub events trigger an earlier poll.");
        var infoPeriod = ReadInfoPeriod(settings);
        var metricsPort = settings.Port("METRICS_PORT", 9120, "Port of /metrics and /healthz. 0: disabled.", min: 0);
        settings.Section(StatusSection);
        var backup = settings.OptionalText(
            "BACKUP_STORE", "Where redis-backup keeps its backups. If it is a directory, status shows the last backup and the last drill.");
        var noColor = settings.OptionalText("NO_COLOR", "If set to anything, status prints without colours.");
        var terminal = settings.OptionalText("TERM", "Type of the terminal. If it is dumb, status prints without colours.");
        publishing.Section(PublishSection);
        var publish = PublishOptions.Read(publishing, group);
        // After those have taken their mistakes: a label is no reason to stop publishing.
        var roleLabel = publishing.Flag("ROLE_LABEL", false,
            "Label this pod with sidecars.redis/role (master or replica), for people to read: no selector uses it. Needs POD_NAMESPACE, "
            + "POD_UID and permission to patch pods/status. A mistake here disables the label only.");
        if (roleLabel && group is not null && group.Kubernetes is null)
            publishing.Fail("ROLE_LABEL is set, which needs KUBERNETES_SERVICE_HOST, POD_NAMESPACE and POD_UID (downward API)");
        if (group is null || settings.Errors.Count > 0) return null;
        return new FailoverOptions
        {
            Group = group,
            ReadPasswords = () => GroupSettings.ReadPasswords(settings.Again()),
            Redis = redis ?? new RedisEndpoint("127.0.0.1", group.RedisPort),
            Publish = publish,
            RoleLabel = roleLabel,
            RoleLabelMistake = publishing.Errors.Skip(publish.Mistakes.Length).FirstOrDefault(),
            DryRun = dryRun,
            WatchPeriod = watch,
            SentinelInfoPeriod = infoPeriod,
            MetricsPort = metricsPort,
            BackupStore = backup,
            Colors = noColor is null && terminal != "dumb",
        };
    }

    private static TimeSpan? ReadInfoPeriod(SettingReader settings)
    {
        var period = settings.Duration(
            "SENTINEL_INFO_PERIOD", "SENTINEL_INFO_PERIOD_MS", InfoPeriod.Default, TimeSpan.Zero, TimeSpan.FromSeconds(10),
            "How often each Sentinel asks each Redis for INFO, set with SENTINEL DEBUG INFO-PERIOD and jittered by ±50ms. Sentinel's own "
            + "failover compares replica offsets that are at most this old. From 300ms; 0 keeps Sentinel's own 10s.");
        // Sentinel promotes nobody whose answer is older than three periods.
        if (period > TimeSpan.Zero && period < TimeSpan.FromMilliseconds(300))
            settings.Fail($"SENTINEL_INFO_PERIOD is '{DurationText.Of(period)}'; it must be 0 or from 300ms to 10s: "
                + "a replica that is silent for three periods can't be promoted");
        return period == TimeSpan.Zero ? null : period;
    }
}
