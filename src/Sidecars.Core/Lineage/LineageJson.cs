using System.Text.Json;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Lineage;

/// <summary>The parts that the marker, the election record and evidence have in common ↔ JSON.</summary>
internal static class LineageJson
{
    private const int MaxAddressLength = 300; // a name of 253 characters, brackets, a port
    private const int NoPort = 0x10000; // no port is as high: a text without one is refused

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
        new(node.Name("name", NodeIdentity.MaxNameLength), node.Name("uid", NodeIdentity.MaxUidLength));

    public static FencingToken Token(JsonFacts item, string name)
    {
        if (!FencingToken.TryParse(item.Text(name, FencingToken.MaxTextLength), out var token)) item.Wrong(name);
        return token;
    }

    public static ReplicationId Id(JsonFacts item, string name = "replication_id")
    {
        if (!ReplicationId.TryParse(item.Text(name, ReplicationId.Length), out var id)) item.Wrong(name);
        return id;
    }

    /// <summary>As <see cref="Id"/>; null where it is missing or null.</summary>
    public static ReplicationId? OptionalId(JsonFacts item, string name) =>
        item.OptionalText(name, ReplicationId.Length) is null ? null : Id(item, name);

    /// <summary>An address with its port: without one it is none that this code wrote.</summary>
    public static RedisEndpoint Address(JsonFacts item, string name)
    {
        if (RedisEndpoint.TryParse(item.Name(name, MaxAddressLength), NoPort, out var endpoint)) return endpoint;
        item.Wrong(name, "is no address with a port");
        return new RedisEndpoint("0.0.0.0", 6379);
    }

    public static RedisEndpoint? OptionalAddress(JsonFacts item, string name) =>
        item.OptionalText(name, MaxAddressLength) is null ? null : Address(item, name);

    public static ReplicationPosition? OptionalPosition(JsonFacts item) =>
        item.OptionalText("replication_id", ReplicationId.Length) is null
            ? null
            : new ReplicationPosition(Id(item), item.Integer("offset"));

    public static LastServing? OptionalLastServing(JsonFacts item) =>
        item.OptionalObject("last_serving") is { } serving ? new LastServing(Node(serving.Object("node")), Token(serving, "token")) : null;

    /// <summary>Reads at most <see cref="LineageHistory.MaxEntries"/>, ascending.</summary>
    public static LineageHistory History(JsonFacts item) => History(
        item.Objects("history", LineageHistory.MaxEntries),
        entry => new LineageEntry(
            Id(entry), entry.Integer("start_offset"),
            new LineagePosition(entry.Integer("term"), entry.Integer("epoch"), entry.Integer("generation")),
            Node(entry.Object("master"))),
        item);

    /// <summary>Entries, ascending; where they are not, <paramref name="parent"/> is wrong.</summary>
    public static LineageHistory History(IEnumerable<JsonFacts> items, Func<JsonFacts, LineageEntry> read, JsonFacts parent)
    {
        var entries = items.Select(read).ToList();
        if (parent.Fault is not null) return LineageHistory.Empty;
        if (!LineageHistory.TryCreate(entries, out var history)) parent.Wrong("history", "does not ascend");
        return history;
    }
}
