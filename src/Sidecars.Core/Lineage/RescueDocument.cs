namespace Sidecars.Core.Lineage;

/// <summary>Rescue ↔ <c>rescue.json</c> in its directory. Versioned and tolerant as <see cref="MarkerDocument"/>.</summary>
public static class RescueDocument
{
    /// <summary>Largest document that is read: as many files as an AOF of thousands of increments has.</summary>
    public const int MaxBytes = 4 * 1024 * 1024;

    private const int MaxFiles = 20_000;

    /// <summary>Writes the document; the name is the directory's and not in it.</summary>
    public static byte[] Write(Rescue rescue) => JsonText.Object(
        json =>
        {
            json.WriteNumber("format", 1);
            json.WriteNumber("sequence", rescue.Sequence);
            json.WriteString("reason", rescue.Reason);
            json.WriteString("token", rescue.Token.ToString());
            json.WriteString("from_name", rescue.From.Name);
            json.WriteString("from_uid", rescue.From.Uid);
            json.WriteBoolean("intact", rescue.Intact);
            if (rescue.Position is { } position) LineageJson.WritePosition(json, position);
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
        },
        indented: true).ToArray();

    /// <summary>Reads the document; never throws.</summary>
    public static DiskFact<Rescue> Read(string name, ReadOnlySpan<byte> utf8)
    {
        if (!JsonFacts.TryParse(utf8, out var root, out var fault)) return DiskFact<Rescue>.Unreadable(fault);
        var sequence = root.OptionalInteger("sequence", JsonFacts.MaxExact) ?? 0;
        var reason = root.Text("reason", 4096);
        var token = LineageJson.Token(root, "token");
        var from = new NodeIdentity(root.Text("from_name", NodeIdentity.MaxNameLength), root.Text("from_uid", NodeIdentity.MaxUidLength));
        var intact = root.Truth("intact");
        var position = LineageJson.OptionalPosition(root);
        var files = new List<RescuedFile>();
        foreach (var file in root.Objects("files", MaxFiles))
            files.Add(new RescuedFile(file.Text("name", 1024), file.Integer("length"), file.Integer("changed_ticks")));
        return root.Fault is { } wrong
            ? DiskFact<Rescue>.Unreadable(wrong)
            : DiskFact<Rescue>.Known(new Rescue(name, reason, token, from, intact, files) { Position = position, Sequence = sequence });
    }
}
