using System.Globalization;
using System.Text.Json;
using Sidecars.Core.Election;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;
using static Sidecars.Core.Election.ElectionJsonWriter;

namespace Sidecars.Bootstrap.Election;

/// <summary>
/// The observations in a snapshot → JSON. "state", which names the case of a closed type, comes first: the reader needs it there.
/// What is computed from other members is left out.
/// </summary>
internal static class SnapshotJsonWriter
{
    public static void Sentinels(Utf8JsonWriter json, string name, IReadOnlyList<SentinelObservation> sentinels)
    {
        json.WriteStartArray(name);
        foreach (var sentinel in sentinels)
        {
            json.WriteStartObject();
            json.WriteString("state",
                sentinel switch { SentinelObservation.Known => "known", SentinelObservation.Unknown => "unknown", _ => "unreachable" });
            json.WriteString("endpoint", sentinel.Endpoint.ToString());
            if (sentinel is SentinelObservation.Known known) View(json, known.View);
            Text(json, "why", (sentinel as SentinelObservation.Unknown)?.Why ?? (sentinel as SentinelObservation.Unreachable)?.Why);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    public static void Nodes(Utf8JsonWriter json, string name, IReadOnlyList<NodeObservation> nodes)
    {
        json.WriteStartArray(name);
        foreach (var node in nodes)
        {
            json.WriteStartObject();
            json.WriteString(
                "state", node switch { NodeObservation.Known => "known", NodeObservation.Unknown => "unknown", _ => "unreachable" });
            json.WriteString("endpoint", node.Endpoint.ToString());
            if (node is NodeObservation.Known known) View(json, known.View);
            if (node is NodeObservation.Unknown unknown) json.WriteBoolean("login_refused", unknown.LoginRefused);
            Text(json, "why", (node as NodeObservation.Unknown)?.Why ?? (node as NodeObservation.Unreachable)?.Why);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    public static void Election(Utf8JsonWriter json, string name, ElectionObservation? election)
    {
        if (election is null) return;
        json.WriteStartObject(name);
        json.WriteString("state", election is ElectionObservation.Known ? "known" : "unavailable");
        if (election is ElectionObservation.Known { View: var view })
        {
            json.WriteStartObject("view");
            Record(json, view.Record);
            json.WriteString("version", view.Version);
            json.WriteBoolean("candidate_alive", view.CandidateAlive);
            json.WriteStartArray("evidence");
            foreach (var evidence in view.Evidence)
            {
                json.WriteStartObject();
                Evidence(json, evidence);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteBoolean("carries_evidence", view.CarriesEvidence);
            json.WriteEndObject();
        }

        Text(json, "why", (election as ElectionObservation.Unavailable)?.Why);
        json.WriteEndObject();
    }

    public static void KeptEpoch(Utf8JsonWriter json, string name, EpochReading? reading)
    {
        if (reading is null) return;
        json.WriteStartObject(name);
        json.WriteString("state", reading is EpochReading.Known ? "known" : "unavailable");
        if (reading is EpochReading.Known known)
        {
            json.WriteNumber("epoch", known.Epoch);
            Text(json, "master", known.Master?.ToString());
        }

        Text(json, "why", (reading as EpochReading.Unavailable)?.Why);
        json.WriteEndObject();
    }

    public static void Time(Utf8JsonWriter json, string name, TimeSpan? time) =>
        Text(json, name, time?.ToString("c", CultureInfo.InvariantCulture));

    private static void View(Utf8JsonWriter json, SentinelView view)
    {
        json.WriteStartObject("view");
        json.WriteString("my_id", view.MyId);
        json.WriteBoolean("tilt", view.Tilt);
        if (view.Master is { } master)
        {
            json.WriteStartObject("master");
            json.WriteString("address", master.Address.ToString());
            if (master.Monitored is { } monitored) json.WriteString("monitored", monitored.ToString());
            if (master.FailoverState.Length > 0) json.WriteString("failover_state", master.FailoverState);
            json.WriteString("run_id", master.RunId);
            json.WriteString("flags", master.Flags);
            json.WriteNumber("config_epoch", master.ConfigEpoch);
            json.WriteNumber("quorum", master.Quorum);
            json.WriteString("role_reported", master.RoleReported);
            json.WriteEndObject();
        }

        json.WriteStartArray("replicas");
        foreach (var replica in view.Replicas)
        {
            json.WriteStartObject();
            json.WriteString("address", replica.Address.ToString());
            json.WriteString("flags", replica.Flags);
            json.WriteNumber("priority", replica.Priority);
            json.WriteNumber("offset", replica.Offset);
            json.WriteString("master_link_status", replica.MasterLinkStatus);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("others");
        foreach (var other in view.Others)
        {
            json.WriteStartObject();
            json.WriteString("address", other.Address.ToString());
            json.WriteString("my_id", other.MyId);
            json.WriteString("flags", other.Flags);
            if (other.VotedEpoch != 0) json.WriteNumber("voted_epoch", other.VotedEpoch);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void View(Utf8JsonWriter json, NodeLook view)
    {
        json.WriteStartObject("view");
        json.WriteString("run_id", view.RunId);
        json.WriteString("role", view.Role.ToString());
        json.WriteString("replication_id", view.ReplicationId);
        json.WriteString("previous_replication_id", view.PreviousReplicationId);
        Number(json, "previous_ended", view.PreviousEnded);
        Number(json, "offset", view.Offset);
        Number(json, "priority", view.Priority);
        json.WriteBoolean("loading", view.Loading);
        Text(json, "master_address", view.MasterAddress?.ToString());
        json.WriteBoolean("master_link_up", view.MasterLinkUp);
        json.WriteBoolean("sync_in_progress", view.SyncInProgress);
        Text(json, "announced", view.Announced?.ToString());
        json.WriteNumber("keys", view.Keys);
        json.WriteEndObject();
    }
}
