using System.Buffers;
using System.Text.Json;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Lineage;

/// <summary>
/// Marker ↔ JSON. Fields that are not known are skipped, so that neighbouring versions of the executables read each other. What a
/// decision cannot do without (<c>format cluster node boot_id token history role highest_epoch full_sync_in_progress
/// aof_rewrite_in_progress</c>) must be there with its type, in any version.
/// </summary>
public static class MarkerDocument
{
    /// <summary>Longest boot id: a UUID has 36 characters.</summary>
    private const int MaxBootIdLength = 64;

    /// <summary>Longest file name (NAME_MAX).</summary>
    private const int MaxFileNameLength = 255;

    /// <summary>Written as one UTF-8 object, indented: people read it at 3 a.m.</summary>
    public static byte[] Write(Marker marker)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteNumber("format", Marker.CurrentFormat);
            json.WriteString("cluster", marker.Cluster.Value);
            WriteNode(json, "node", marker.Node);
            json.WriteString("boot_id", marker.BootId);
            json.WriteString("token", marker.Token.ToString());
            json.WriteString("role", RoleText(marker.Role));
            json.WriteNumber("highest_epoch", marker.HighestEpoch);
            json.WriteBoolean("master_link_up", marker.MasterLinkUp);
            json.WriteBoolean("full_sync_in_progress", marker.FullSyncInProgress);
            json.WriteBoolean("aof_rewrite_in_progress", marker.AofRewriteInProgress);
            if (marker.RunId is { } runId) json.WriteString("run_id", runId);
            if (marker.Position is { } position)
            {
                json.WriteString("replication_id", position.Id.ToString());
                json.WriteNumber("offset", position.Offset);
                if (marker.EarlierOffset is { } earlier) json.WriteNumber("earlier_offset", earlier);
            }

            if (marker.Aof is { } aof)
            {
                json.WriteStartObject("aof");
                json.WriteString("file", aof.File);
                json.WriteNumber("length", aof.Length);
                json.WriteBoolean("exact", aof.Exact);
                json.WriteEndObject();
            }

            if (marker.LastServing is { } serving)
            {
                json.WriteStartObject("last_serving");
                WriteNode(json, "node", serving.Node);
                json.WriteString("token", serving.Token.ToString());
                json.WriteEndObject();
            }

            json.WriteStartArray("history");
            foreach (var entry in marker.History) WriteEntry(json, entry);
            json.WriteEndArray();
            if (marker.WrittenAt is { } writtenAt) json.WriteString("written_at", writtenAt);
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Reads a marker; never throws.</summary>
    public static DiskFact<Marker> Read(ReadOnlySpan<byte> utf8) =>
        JsonFacts.TryParse(utf8, out var root, out var fault) ? ReadRoot(root) : DiskFact<Marker>.Unreadable(fault);

    private static DiskFact<Marker> ReadRoot(JsonFacts root)
    {
        var format = root.Integer("format");
        if (format is < 1 or > int.MaxValue) root.Wrong("format");
        var cluster = ClusterId.TryParse(root.Text("cluster", ClusterId.MaxLength), out var id) ? id : null;
        if (cluster is null) root.Wrong("cluster");
        var node = Node(root.Object("node"));
        var bootId = root.Text("boot_id", MaxBootIdLength);
        var token = Token(root, "token");
        var role = Role(root);
        var highestEpoch = root.Integer("highest_epoch");
        var fullSync = root.Truth("full_sync_in_progress");
        var rewrite = root.Truth("aof_rewrite_in_progress");
        var history = History(root);
        var linkUp = root.OptionalTruth("master_link_up");
        var runId = root.OptionalText("run_id", ReplicationId.Length);
        var position = Position(root);
        var aof = root.OptionalObject("aof") is { } a ? new AofMark(a.Text("file", MaxFileNameLength), a.Integer("length"), a.OptionalTruth("exact")) : null;
        var earlier = root.OptionalInteger("earlier_offset");
        var serving = root.OptionalObject("last_serving") is { } s ? new LastServing(Node(s.Object("node")), Token(s, "token")) : null;
        var writtenAt = root.OptionalText("written_at", 64);
        if (root.Fault is { } wrong) return DiskFact<Marker>.Unreadable(wrong);
        return DiskFact<Marker>.Known(new Marker(cluster!, node, bootId, token, history, role, highestEpoch)
        {
            Format = (int)format,
            RunId = runId,
            Position = position,
            MasterLinkUp = linkUp,
            FullSyncInProgress = fullSync,
            AofRewriteInProgress = rewrite,
            Aof = aof,
            EarlierOffset = earlier,
            LastServing = serving,
            WrittenAt = writtenAt,
        });
    }

    private static MarkerRole Role(JsonFacts root)
    {
        switch (root.Text("role", 16))
        {
            case "master": return MarkerRole.Master;
            case "replica": return MarkerRole.Replica;
            case "unknown": return MarkerRole.Unknown;
            default:
                root.Wrong("role");
                return MarkerRole.Unknown;
        }
    }

    private static ReplicationPosition? Position(JsonFacts root)
    {
        if (root.OptionalText("replication_id", ReplicationId.Length) is not { } text) return null;
        if (!ReplicationId.TryParse(text, out var id)) root.Wrong("replication_id");
        return new ReplicationPosition(id, root.Integer("offset"));
    }

    private static LineageHistory History(JsonFacts root)
    {
        var entries = new List<LineageEntry>();
        foreach (var item in root.Objects("history", LineageHistory.MaxEntries))
        {
            if (!ReplicationId.TryParse(item.Text("replication_id", ReplicationId.Length), out var id)) item.Wrong("replication_id");
            var position = new LineagePosition(item.Integer("term"), item.Integer("epoch"), item.Integer("generation"));
            entries.Add(new LineageEntry(id, item.Integer("start_offset"), position, Node(item.Object("master"))));
        }

        if (root.Fault is not null) return LineageHistory.Empty;
        if (!LineageHistory.TryCreate(entries, out var history)) root.Wrong("history");
        return history;
    }

    private static NodeIdentity Node(JsonFacts node) =>
        new(node.Text("name", NodeIdentity.MaxNameLength), node.Text("uid", NodeIdentity.MaxUidLength));

    private static FencingToken Token(JsonFacts item, string name)
    {
        if (!FencingToken.TryParse(item.Text(name, FencingToken.MaxTextLength), out var token)) item.Wrong(name);
        return token;
    }

    private static void WriteEntry(Utf8JsonWriter json, LineageEntry entry)
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

    private static void WriteNode(Utf8JsonWriter json, string name, NodeIdentity node)
    {
        json.WriteStartObject(name);
        json.WriteString("name", node.Name);
        json.WriteString("uid", node.Uid);
        json.WriteEndObject();
    }

    private static string RoleText(MarkerRole role) => role switch { MarkerRole.Master => "master", MarkerRole.Replica => "replica", _ => "unknown" };
}
