using System.Text.Json.Serialization;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;

namespace Sidecars.Core.Topology;

/// <summary>
/// What one Redis said of itself: INFO and its settings, in one exchange on one fresh connection (<see cref="NodeClient.LookAsync"/>). What
/// decisions are taken from is a property here, and is logged with them; everything else is in <see cref="Info"/>, so that a new field of
/// INFO is one property there. Null: it did not say, or was not asked.
/// </summary>
public sealed record NodeLook
{
    /// <summary>Hex digits of a run id.</summary>
    public const int RunIdLength = 40;

    /// <summary>Identity of the process, 40 hex digits. An address is not a process: two addresses with one run id are one node.</summary>
    public required string RunId { get; init; }

    /// <summary>Its role.</summary>
    public required NodeRole Role { get; init; }

    /// <summary>Replication id of its data set.</summary>
    public string ReplicationId { get; init; } = "";

    /// <summary>Replication id before its last promotion, "" where there is none.</summary>
    public string PreviousReplicationId { get; init; } = "";

    /// <summary>Offset at which <see cref="PreviousReplicationId"/> ended; null where there is none.</summary>
    public long? PreviousEnded { get; init; }

    /// <summary>Replication offset in bytes; comparable within one <see cref="ReplicationId"/> only.</summary>
    public long? Offset { get; init; }

    /// <summary>True while it loads its data set from disk.</summary>
    public bool Loading { get; init; }

    /// <summary>The master it follows; null for a master, and where that is no address to connect to.</summary>
    public RedisEndpoint? MasterAddress { get; init; }

    /// <summary>True while its link to the master is up.</summary>
    public bool MasterLinkUp { get; init; }

    /// <summary>Since it heard from its master; null on a master, or while the link is down.</summary>
    public TimeSpan? Silence { get; init; }

    /// <summary>True while it receives a full copy: its own data set is not complete then.</summary>
    public bool SyncInProgress { get; init; }

    /// <summary><see cref="InfoReply.IsRewriting"/>.</summary>
    public bool Rewriting { get; init; }

    /// <summary>Redis' own FAILOVER runs here; it refuses REPLICAOF meanwhile.</summary>
    public bool FailingOver { get; init; }

    /// <summary><c>replica-announce-ip</c> and <c>-port</c>, where it has them: what it is called by replicas and Sentinels.</summary>
    public RedisEndpoint? Announced { get; init; }

    /// <summary><c>replica-priority</c>; 0 is never promoted.</summary>
    public int? Priority { get; init; }

    /// <summary><c>min-replicas-to-write</c>.</summary>
    public long? MinReplicas { get; init; }

    /// <summary><c>min-replicas-max-lag</c>, seconds; 0 switches the check, and so any fence, off.</summary>
    public long? MaxLag { get; init; }

    /// <summary>Replicas that are attached and acknowledged within <see cref="MaxLag"/>.</summary>
    public int Attached { get; init; }

    /// <summary>Keys over all databases.</summary>
    public long Keys { get; init; }

    /// <summary>All of INFO.</summary>
    [JsonIgnore]
    public InfoReply Info { get; init; } = InfoReply.Empty;

    /// <summary>INFO, which a look begins with.</summary>
    public static RespCommand InfoCommand { get; } = RespCommand.Of("INFO");

    /// <summary>The settings that are asked for after it.</summary>
    public static RespCommand SettingsCommand { get; } = RespCommand.Of(
        "CONFIG", "GET", "replica-priority", "min-replicas-to-write", "min-replicas-max-lag", "replica-announce-ip",
        "replica-announce-port");

    /// <summary>
    /// Reads the replies. Nothing can be used where INFO is an error, or does not say which process answers, and in which role.
    /// </summary>
    /// <param name="infoReply">Of <see cref="InfoCommand"/>.</param>
    /// <param name="settingsReply">Of <see cref="SettingsCommand"/>; an error leaves the settings unknown. Null: not asked.</param>
    public static NodeReading Of(RespValue infoReply, RespValue? settingsReply)
    {
        ArgumentNullException.ThrowIfNull(infoReply);
        if (infoReply.IsError) return new NodeReading(null, $"it answers {infoReply.Text}", infoReply.Text);
        if (!InfoReply.TryParse(infoReply, out var info)) return new NodeReading(null, "its INFO can't be read");
        if (info.Mode == "sentinel") return new NodeReading(null, "it is a Sentinel, no Redis");
        return info is { RunId: { Length: RunIdLength } runId, IsMaster: { } isMaster }
            ? new NodeReading(Read(info, runId, isMaster ? NodeRole.Master : NodeRole.Replica, new ConfigReply(settingsReply)), "")
            : new NodeReading(null, "its INFO has no run_id or role");
    }

    private static NodeLook Read(InfoReply info, string runId, NodeRole role, ConfigReply settings) => new()
    {
        RunId = runId,
        Role = role,
        ReplicationId = info.ReplicationId ?? "",
        PreviousReplicationId = info.ReplicationId2 ?? "",
        PreviousEnded = info.SecondReplicationOffset,
        Offset = info.ReplicationOffset,
        Loading = info.LoadingInProgress ?? false,
        MasterAddress = info.MasterEndpoint,
        MasterLinkUp = info.MasterLinkUp ?? false,
        Silence = info.MasterSilence,
        SyncInProgress = info.MasterSyncInProgress ?? false,
        Rewriting = info.IsRewriting,
        FailingOver = info.IsFailingOver,
        Announced = settings.Announced,
        Priority = settings.Priority,
        MinReplicas = settings.MinReplicas,
        MaxLag = settings.MaxLag,
        Attached = info.Replicas.Count(r => r.State == "online" && (settings.MaxLag == 0 || r.LagSeconds <= settings.MaxLag)),
        Keys = info.Databases.Sum(d => d.Keys),
        Info = info,
    };
}

/// <summary>What came of a look that was answered.</summary>
/// <param name="Look">What the server said; null: that can't be used.</param>
/// <param name="Why">Why not, in words.</param>
/// <param name="Error">The error that it answered; null: none.</param>
public readonly record struct NodeReading(NodeLook? Look, string Why, string? Error = null);
