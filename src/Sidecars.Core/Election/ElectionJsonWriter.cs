using System.Text.Json;
using Sidecars.Core.Lineage;

namespace Sidecars.Core.Election;

/// <summary>
/// Record and evidence → JSON, alike in documents and in snapshots. By hand: without the serializer, here and in Kubernetes,
/// redis-bootstrap is 1.26 MB smaller.
/// </summary>
internal static class ElectionJsonWriter
{
    public static void Record(Utf8JsonWriter json, ElectionRecord record)
    {
        json.WriteStartObject("record");
        json.WriteNumber("term", record.Term);
        Text(json, "candidate", record.Candidate);
        Text(json, "candidate_uid", record.CandidateUid);
        Text(json, "candidate_incarnation", record.CandidateIncarnation);
        Text(json, "candidate_address", record.CandidateAddress?.ToString());
        Number(json, "empty_start_allowed_in_term", record.EmptyStartAllowedInTerm);
        Text(json, "trusted", record.Trusted);
        if (record.Word is { } word)
        {
            json.WriteStartObject("word");
            Word(json, word, "node");
            json.WriteEndObject();
        }

        json.WriteNumber("highest_epoch", record.HighestEpoch);
        if (record.LastServing is { } serving)
        {
            json.WriteStartObject("last_serving");
            json.WriteString("node", serving.Node);
            json.WriteString("uid", serving.Uid);
            json.WriteString("address", serving.Address.ToString());
            json.WriteString("token", serving.Token.ToString());
            LineageJson.WritePosition(json, new ReplicationPosition(serving.ReplicationId, serving.Offset));
            json.WriteEndObject();
        }

        if (record.InSync is { } inSync)
        {
            json.WriteStartArray("in_sync");
            foreach (var replica in inSync)
            {
                json.WriteStartObject();
                json.WriteString("node", replica.Node);
                json.WriteString("uid", replica.Uid);
                json.WriteNumber("offset", replica.Offset);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        LineageJson.WriteHistory(json, record.History);
        Text(json, "round", record.Round);
        json.WriteEndObject();
    }

    /// <summary>Writes the members of a person's word, between the braces.</summary>
    public static void Word(Utf8JsonWriter json, PersonsWord word, string node)
    {
        json.WriteString("kind", PersonsWord.Text(word.Kind));
        json.WriteString(node, word.Node);
        json.WriteNumber("term", word.Term);
    }

    /// <summary>Writes the members of evidence, between the braces.</summary>
    public static void Evidence(Utf8JsonWriter json, CandidateEvidence evidence)
    {
        json.WriteString("node", evidence.Node);
        json.WriteString("uid", evidence.Uid);
        json.WriteString("incarnation", evidence.Incarnation);
        json.WriteString("address", evidence.Address.ToString());
        json.WriteString("data", evidence.Data.ToString());
        Text(json, "filled", evidence.Filled?.ToString());
        if (evidence.Why.Length > 0) json.WriteString("why", evidence.Why);
        json.WriteNumber("data_bytes", evidence.DataBytes);
        json.WriteString("token", evidence.Token.ToString());
        json.WriteNumber("highest_epoch", evidence.HighestEpoch);
        if (evidence.Position is { } position)
        {
            json.WriteStartObject("position");
            LineageJson.WritePosition(json, position.At);
            json.WriteString("bound", position.Bound.ToString());
            json.WriteString("source", position.Source.ToString());
            json.WriteNumber("lower", position.Lower);
            json.WriteNumber("estimate", position.Estimate);
            Number(json, "upper", position.Upper);
            json.WriteEndObject();
        }

        Text(json, "still_of", evidence.StillOf?.ToString());
        Number(json, "earlier_offset", evidence.EarlierOffset);
        if (evidence.LastServing is { } serving) LineageJson.WriteLastServing(json, serving);
        LineageJson.WriteHistory(json, evidence.History);
        Number(json, "last_timestamp", evidence.LastTimestamp);
        if (evidence.RedisCount > 0) json.WriteNumber("redis_count", evidence.RedisCount);
        if (evidence.Live) json.WriteBoolean("live", true);
    }

    /// <summary>Left out where it is null.</summary>
    public static void Text(Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null) json.WriteString(name, value);
    }

    /// <summary>Left out where it is null.</summary>
    public static void Number(Utf8JsonWriter json, string name, long? value)
    {
        if (value is { } number) json.WriteNumber(name, number);
    }
}
