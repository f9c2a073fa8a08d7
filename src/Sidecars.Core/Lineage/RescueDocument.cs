using System.Buffers;
using System.Text.Json;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Lineage;

/// <summary>Rescue ↔ <c>rescue.json</c> in its directory. Versioned and tolerant as <see cref="MarkerDocument"/>.</summary>
public static class RescueDocument
{
    /// <summary>Largest document that is read: as many files as an AOF of thousands of increments has.</summary>
    public const int MaxBytes = 4 * 1024 * 1024;

    private const int MaxFiles = 20_000;

    /// <summary>Writes the document; the name is the directory's and not in it.</summary>
    public static byte[] Write(Rescue rescue)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteNumber("format", 1);
            json.WriteString("reason", rescue.Reason);
            json.WriteString("token", rescue.Token.ToString());
            json.WriteString("from_name", rescue.From.Name);
            json.WriteString("from_uid", rescue.From.Uid);
            json.WriteBoolean("intact", rescue.Intact);
            if (rescue.Position is { } position)
            {
                json.WriteString("replication_id", position.Id.ToString());
                json.WriteNumber("offset", position.Offset);
            }

            json.WriteStartArray("files");
            foreach (var file in rescue.Files)
            {
                json.WriteStartObject();
                json.WriteString("name", file.Name);
                json.WriteNumber("length", file.Length);
                json.WriteNumber("changed_ticks", file.ChangedTicks);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Reads the document; never throws.</summary>
    public static DiskFact<Rescue> Read(string name, ReadOnlySpan<byte> utf8)
    {
        if (!JsonFacts.TryParse(utf8, out var root, out var fault)) return DiskFact<Rescue>.Unreadable(fault);
        var reason = root.Text("reason", 4096);
        if (!FencingToken.TryParse(root.Text("token", FencingToken.MaxTextLength), out var token)) root.Wrong("token");
        var from = new NodeIdentity(root.Text("from_name", NodeIdentity.MaxNameLength), root.Text("from_uid", NodeIdentity.MaxUidLength));
        var intact = root.Truth("intact");
        ReplicationPosition? position = null;
        if (root.OptionalText("replication_id", ReplicationId.Length) is { } text)
        {
            if (!ReplicationId.TryParse(text, out var id)) root.Wrong("replication_id");
            position = new ReplicationPosition(id, root.Integer("offset"));
        }

        var files = new List<RescuedFile>();
        foreach (var file in root.Objects("files", MaxFiles))
            files.Add(new RescuedFile(file.Text("name", 1024), file.Integer("length"), file.Integer("changed_ticks")));
        return root.Fault is { } wrong
            ? DiskFact<Rescue>.Unreadable(wrong)
            : DiskFact<Rescue>.Known(new Rescue(name, reason, token, from, intact, files) { Position = position });
    }
}
