using System.Collections;
using System.Collections.Immutable;
using Sidecars.Core.Group;
using Sidecars.Core.Hosting;
using Sidecars.Core.Lineage;

namespace Sidecars.Bootstrap.Options;

/// <summary>What is to be started.</summary>
internal enum ServerMode
{
    Redis,
    Sentinel,
}

/// <summary>All settings of redis-bootstrap. The only file of this executable that reads the environment.</summary>
internal sealed record BootstrapOptions
{
    private const string ServerSection = "Server";

    // Below the longest that a timer of .NET takes, 49 days.
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(30);

    public required ServerMode Mode { get; init; }

    /// <summary>What it shares with the other containers of the pod.</summary>
    public required GroupSettings Group { get; init; }

    public required string NodeUid { get; init; }

    public required int Port { get; init; }

    public required string? BaseConfig { get; init; }

    public required string ServerBinary { get; init; }

    public required ImmutableArray<string> ServerArguments { get; init; }

    public required Uri ElectorUrl { get; init; }

    public required TimeSpan LastMasterWait { get; init; }

    /// <summary>Null: an election never goes on without what it waits for.</summary>
    public required TimeSpan? UncleanElectionAfter { get; init; }

    public required bool RestoreOnEmpty { get; init; }

    public required string RestoreCommand { get; init; }

    /// <summary>0: data are given up without a copy.</summary>
    public required int RescueMaxCount { get; init; }

    /// <summary>Null: half of the volume.</summary>
    public required long? RescueMaxBytes { get; init; }

    public required int? SentinelSlot { get; init; }

    public required TimeSpan RetryMax { get; init; }

    public required TimeSpan? WaitDeadline { get; init; }

    /// <summary>Reads the variables for Main.</summary>
    public static IReadOnlyDictionary<string, string> ProcessEnvironment()
    {
#pragma warning disable RS0030 // the one place of this executable that reads the environment
        return Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
            .ToDictionary(e => (string)e.Key, e => (string?)e.Value ?? "", StringComparer.Ordinal);
#pragma warning restore RS0030
    }

    /// <summary>Reads everything; null where <see cref="SettingReader.Errors"/> is not empty.</summary>
    /// <param name="mode">From the command line; null to let <c>SENTINEL</c> decide (the word <c>start</c>).</param>
    /// <param name="serverArguments">Passed on to the server after its configuration file.</param>
    /// <param name="settings">The variables.</param>
    public static BootstrapOptions? Read(ServerMode? mode, ImmutableArray<string> serverArguments, SettingReader settings)
    {
        settings.Section(ServerSection);
        var isSentinel = settings.Flag("SENTINEL", false, "What 'redis-bootstrap start' starts. true: Sentinel; false: Redis.");
        var actual = mode ?? (isSentinel ? ServerMode.Sentinel : ServerMode.Redis);
        var group = GroupSettings.Read(settings, actual == ServerMode.Sentinel);
        settings.Section(ServerSection);
        var redisBase = settings.OptionalFile("REDIS_BASE_CONFIG",
            "A redis.conf to build on. Directives that redis-bootstrap does not set itself are kept.");
        var sentinelBase = settings.OptionalFile("SENTINEL_BASE_CONFIG", "A sentinel.conf to build on.");
        var redisBinary = settings.Path("REDIS_SERVER_BIN", "redis-server", "Redis executable; looked up in PATH if it has no slash.");
        var sentinelBinary = settings.Path("REDIS_SENTINEL_BIN", "redis-sentinel",
            "Sentinel executable; looked up in PATH if it has no slash.");
        settings.Section(SettingSections.Election);
        var electorUrl = ReadElectorUrl(settings);
        var lastMasterWait = settings.Duration(
            "LAST_MASTER_WAIT", "LAST_MASTER_WAIT_MS", TimeSpan.FromSeconds(10), TimeSpan.Zero, LongestWait,
            "How long an election waits for the last serving master if all replicas that were in sync with it are there: its disk may hold "
            + "writes that it acknowledged but never sent.");
        var unclean = settings.OptionalDuration(
            "UNCLEAN_ELECTION_AFTER", "UNCLEAN_ELECTION_AFTER_MS", TimeSpan.FromSeconds(1), LongestWait,
            "How long an election waits for a node or disk that may hold newer data before it takes the best of the others. Writes may be "
            + "lost for good. Unset: it waits for ever.");
        settings.Section("Data");
        var restoreOnEmpty = settings.Flag("RESTORE_ON_EMPTY", false,
            "If every disk of a durable group was emptied, the node that wins the election restores the newest backup before it serves. "
            + "Uses RESTORE_COMMAND and the BACKUP_ settings of redis-backup.");
        var restoreCommand = settings.Path(
            "RESTORE_COMMAND", "redis-backup", "The redis-backup to restore with; looked up in PATH if it has no slash.");
        var rescueCount = settings.Integer("RESCUE_MAX_COUNT", RescueLimits.DefaultMaxCount, 0, 100,
            "How many rescues to keep; the oldest are deleted. Before data are overwritten that the master may lack, they are hard-linked "
            + "into DATA_DIR/.sidecar/rescue. 0: overwrite without a copy.");
        var rescueMegabytes = settings.OptionalInteger("RESCUE_MAX_MB", 1, int.MaxValue,
            "Size limit of all rescues together, in MiB. If data do not fit, the node waits. Default: half of the volume.");
        settings.Section(SettingSections.Sentinel);
        var slot = settings.OptionalInteger("SENTINEL_SLOT", 0, 30,
            "Identity of this Sentinel: its id is the SHA-1 of cluster id and slot. Default: with POD_UID and POD_NAMESPACE, a slot "
            + "claimed in the Lease <LEASE_NAME>-sentinels; elsewhere Sentinel picks an id at its first start.");
        settings.Section("Waiting");
        var retryMax = settings.Duration(
            "RETRY_MAX", "RETRY_MAX_MS", TimeSpan.FromSeconds(1), TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1),
            "Longest pause between two polls of the group. Pauses start at 100ms, double, and are jittered.");
        var deadline = settings.OptionalDuration(
            "WAIT_DEADLINE", "WAIT_DEADLINE_MS", TimeSpan.FromMilliseconds(1), LongestWait,
            "Exit with code 1 if no role is found in this time. Unset: it waits for ever; a waiting node is alive, and its evidence "
            + "counts.");

        if (group is null || settings.Errors.Count > 0) return null;
        return new BootstrapOptions
        {
            Mode = actual,
            Group = group,
            NodeUid = group.PodUid ?? Guid.NewGuid().ToString("N"),
            Port = actual == ServerMode.Redis ? group.RedisPort : group.SentinelPort,
            BaseConfig = actual == ServerMode.Redis ? redisBase : sentinelBase,
            ServerBinary = actual == ServerMode.Redis ? redisBinary : sentinelBinary,
            // A link of another name than redis-sentinel (Redict's, Valkey's older ones) does not start as a Sentinel by itself.
            ServerArguments = actual == ServerMode.Redis ? serverArguments : ["--sentinel", .. serverArguments],
            ElectorUrl = electorUrl,
            LastMasterWait = lastMasterWait,
            UncleanElectionAfter = unclean,
            RestoreOnEmpty = restoreOnEmpty,
            RestoreCommand = restoreCommand,
            RescueMaxCount = rescueCount,
            RescueMaxBytes = rescueMegabytes is { } megabytes ? (long)megabytes << 20 : null,
            SentinelSlot = slot,
            RetryMax = retryMax,
            WaitDeadline = deadline,
        };
    }

    private static Uri ReadElectorUrl(SettingReader settings)
    {
        const string Default = "http://localhost:4040/";
        var url = settings.Text("ELECTOR_URL", Default, "With ELECTION=elector: URL that answers {\"name\": \"<leader>\"}.");
        if (Uri.TryCreate(url, UriKind.Absolute, out var parsed) && parsed.Scheme == Uri.UriSchemeHttp) return parsed;
        settings.Fail($"ELECTOR_URL is '{url}'; it must be an http:// URL");
        return new Uri(Default);
    }
}
