using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Sidecars.Core.Election;
using Sidecars.Core.Lineage;

namespace Sidecars.Bootstrap.Election;

/// <summary>
/// Snapshots as they stand in the log, and back: a logged decision can be taken again from its snapshot, long after the
/// fact, and must come out the same. Executables that only log write by hand; the source-generated reader is not in them.
/// </summary>
public static class SnapshotDocument
{
    /// <summary>Writes the snapshot as one line of JSON.</summary>
    public static string Write(BootstrapSnapshot snapshot) => JsonText.OfObject(json =>
    {
        json.WriteStartObject("me");
        ElectionJsonWriter.Evidence(json, snapshot.Me);
        json.WriteEndObject();
        json.WriteNumber("redis_count", snapshot.RedisCount);
        json.WriteNumber("sentinel_count", snapshot.SentinelCount);
        json.WriteString("durability", snapshot.Durability.ToString());
        SnapshotJsonWriter.Sentinels(json, "sentinels", snapshot.Sentinels);
        SnapshotJsonWriter.Nodes(json, "peers", snapshot.Peers);
        SnapshotJsonWriter.Election(json, "election", snapshot.Election);
        SnapshotJsonWriter.Time(json, "election_waited_for", snapshot.ElectionWaitedFor);
        SnapshotJsonWriter.Time(json, "last_master_wait", snapshot.LastMasterWait);
        SnapshotJsonWriter.Time(json, "unclean_election_after", snapshot.UncleanElectionAfter);
        json.WriteBoolean("restores_backups", snapshot.RestoresBackups);
        ElectionJsonWriter.Text(json, "telling_denied", snapshot.TellingDenied);
        SnapshotJsonWriter.Time(json, "split_for", snapshot.SplitFor);
        ElectionJsonWriter.Text(json, "succession_failed", snapshot.SuccessionFailed);
        SnapshotJsonWriter.Time(json, "silent_for", snapshot.SilentFor);
    });

    /// <summary>Writes the snapshot as one line of JSON.</summary>
    public static string Write(MonitorSnapshot snapshot) => JsonText.OfObject(json =>
    {
        json.WriteNumber("redis_count", snapshot.RedisCount);
        json.WriteNumber("sentinel_count", snapshot.SentinelCount);
        SnapshotJsonWriter.Sentinels(json, "sentinels", snapshot.Sentinels);
        SnapshotJsonWriter.Nodes(json, "nodes", snapshot.Nodes);
        if (snapshot.Remembered is { } remembered)
        {
            json.WriteStartObject("remembered");
            json.WriteString("address", remembered.Address.ToString());
            json.WriteNumber("epoch", remembered.Epoch);
            json.WriteEndObject();
        }

        SnapshotJsonWriter.KeptEpoch(json, "kept_epoch", snapshot.KeptEpoch);
    });

    /// <summary>Reads a logged snapshot of a starting Redis; null with a reason for anything else.</summary>
    public static BootstrapSnapshot? TryReadBootstrap(string json, out string why) =>
        TryRead(json, ElectionJson.Default.BootstrapSnapshot, out why);

    /// <summary>Reads a logged snapshot of a starting Sentinel; null with a reason for anything else.</summary>
    public static MonitorSnapshot? TryReadMonitor(string json, out string why) =>
        TryRead(json, ElectionJson.Default.MonitorSnapshot, out why);

    private static T? TryRead<T>(string json, JsonTypeInfo<T> type, out string why)
        where T : class
    {
        try
        {
            why = "";
            return JsonSerializer.Deserialize(json, type);
        }
        catch (JsonException e)
        {
            why = e.Message;
            return null;
        }
    }
}
