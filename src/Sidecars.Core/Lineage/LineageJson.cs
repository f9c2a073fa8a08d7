using System.Text.Json;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Lineage;

/// <summary>The parts that the marker, the election record and evidence have in common ↔ JSON.</summary>
internal static class LineageJson
{
    public static void WriteNode(Utf8JsonWriter json, string name, NodeIdentity node)
    {
        json.WriteStartObject(name);
        json.WriteString("name", node.Name);
        json.WriteString("uid", node.Uid);
        json.WriteEndObject();
    }

    public static void WritePosition(Utf8JsonWriter json, ReplicationPosition position)
    {
        json.WriteString("replication_id", position.Id.ToString());
        json.WriteNumber("offset", position.Offset);
    }

    public static void WriteLastServing(Utf8JsonWriter json, LastServing serving)
    {
        json.WriteStartObject("last_serving");
        WriteNode(json, "node", serving.Node);
        json.WriteString("token", serving.Token.ToString());
        json.WriteEndObject();
    }

    public static void WriteHistory(Utf8JsonWriter json, IReadOnlyList<LineageEntry> history)
    {
        json.WriteStartArray("history");
        foreach (var entry in history)
        {
            json.WriteStartObject();
            json.WriteString("replication_id", entry.Id.ToString());
            json.WriteNumber("start_offset", entry.StartOffset);
            json.WriteNumber("term", entry.Position.Term);
            json.WriteNumber("epoch", entry.Position.Epoch);
            json.WriteNumber("generation", entry.Position.Generation);
            WriteNode(json, "master", entry.Master);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    public static NodeIdentity Node(JsonFacts node) =>
        new(node.Text("name", NodeIdentity.MaxNameLength), node.Text("uid", NodeIdentity.MaxUidLength));

    public static FencingToken Token(JsonFacts item, string name)
    {
        if (!FencingToken.TryParse(item.Text(name, FencingToken.MaxTextLength), out var token)) item.Wrong(name);
        return token;
    }

    public static ReplicationId Id(JsonFacts item)
    {
        if (!ReplicationId.TryParse(item.Text("replication_id", ReplicationId.Length), out var id)) item.Wrong("replication_id");
        return id;
    }

    public static ReplicationPosition? OptionalPosition(JsonFacts item) =>
        item.OptionalText("replication_id", ReplicationId.Length) is null ? null : new ReplicationPosition(Id(item), item.Integer("offset"));

    public static LastServing? OptionalLastServing(JsonFacts item) =>
        item.OptionalObject("last_serving") is { } serving ? new LastServing(Node(serving.Object("node")), Token(serving, "token")) : null;

    /// <summary>At most <see cref="LineageHistory.MaxEntries"/>, ascending.</summary>
    public static LineageHistory History(JsonFacts item)
    {
        var entries = new List<LineageEntry>();
        foreach (var entry in item.Objects("history", LineageHistory.MaxEntries))
        {
            var position = new LineagePosition(entry.Integer("term"), entry.Integer("epoch"), entry.Integer("generation"));
            entries.Add(new LineageEntry(Id(entry), entry.Integer("start_offset"), position, Node(entry.Object("master"))));
        }

        if (item.Fault is not null) return LineageHistory.Empty;
        if (!LineageHistory.TryCreate(entries, out var history)) item.Wrong("history");
        return history;
    }
}
