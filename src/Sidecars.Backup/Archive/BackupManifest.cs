using System.Collections.Immutable;
using System.Text.Json;
using Sidecars.Backup.Store;
using Sidecars.Backup.Store.Encryption;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;

namespace Sidecars.Backup.Archive;

/// <summary>The base file of a backup.</summary>
/// <param name="Name">As in the server's AOF directory; <c>.rdb</c> or <c>.aof</c> at its end says what it is.</param>
/// <param name="Length">Bytes.</param>
/// <param name="Sha256">64 hex digits, by <see cref="ContentHash"/>.</param>
public sealed record BaseFile(string Name, long Length, string Sha256);

/// <summary>Keys of one database when the backup was taken.</summary>
/// <param name="Index">The database.</param>
/// <param name="Fewest">Keys without an expiry, at the fewest while it was taken.</param>
/// <param name="Most">All keys, at the most.</param>
public sealed record DatabaseCount(int Index, long Fewest, long Most);

/// <summary>
/// One backup: a base, the place in the tail where it starts, and the place that it had reached when it was complete. Everything up to
/// <see cref="End"/> was in the store before this was written.
/// </summary>
public sealed record BackupManifest
{
    /// <summary>Version of the document.</summary>
    public const int DocumentFormat = 1;

    /// <summary>The tenant.</summary>
    public required ClusterId Cluster { get; init; }

    /// <summary><see cref="BackupLayout.BaseId"/>.</summary>
    public required string Id { get; init; }

    /// <summary>The unbroken stream that it belongs to.</summary>
    public required long Generation { get; init; }

    /// <summary>Name of the node that took it.</summary>
    public required string Node { get; init; }

    /// <summary>When it was complete, by the node's clock.</summary>
    public required DateTimeOffset CompletedAt { get; init; }

    /// <summary>
    /// All that was written before this time, by the node's clock, is in the base or in the tail up to <see cref="End"/>.
    /// </summary>
    public required DateTimeOffset CoveredUntil { get; init; }

    /// <summary>
    /// The server's product (<see cref="Archive.ServerProduct"/>); "" where it was not reachable, and where an older version wrote this.
    /// </summary>
    public string ServerProduct { get; init; } = "";

    /// <summary>The server's version; "" where it was not reachable.</summary>
    public required string ServerVersion { get; init; }

    /// <summary>The base; null where the AOF began with nothing.</summary>
    public required BaseFile? Base { get; init; }

    /// <summary>Second at which the base was begun: it holds all that came earlier, and nothing of the second after.</summary>
    public required long BaseTime { get; init; }

    /// <summary>The first byte of the tail that is not in the base.</summary>
    public required StreamPosition Start { get; init; }

    /// <summary>Of the chain at <see cref="Start"/>.</summary>
    public required ChainDigest StartDigest { get; init; }

    /// <summary>Where the tail was when the backup was complete.</summary>
    public required StreamPosition End { get; init; }

    /// <summary>Of the chain at <see cref="End"/>.</summary>
    public required ChainDigest EndDigest { get; init; }

    /// <summary>Sequence number of the base in the AOF; 0 without one.</summary>
    public required long BaseSequence { get; init; }

    /// <summary>The format of the base; null where it is commands, or there is none, and where an older version wrote this.</summary>
    public RdbFormat? Format { get; init; }

    /// <summary>For people: product and version, as far as they are known.</summary>
    public string Server =>
        ServerVersion.Length == 0 ? "an unknown server" : $"{(ServerProduct.Length == 0 ? "server" : ServerProduct)} {ServerVersion}";

    /// <summary>The end of the generation before this one, as far as it was known when this one began; null: none, or not known.</summary>
    public ChainMark? Before { get; init; }

    /// <summary>Key with which the base and its segments are encrypted, and their digests made; null: they are not.</summary>
    public string? KeyId { get; init; }

    /// <summary>The base is a snapshot of a server without AOF: no tail belongs to it, and it is a state by itself.</summary>
    public bool IsSnapshot { get; init; }

    /// <summary>Keys a database; none where the server was not reachable.</summary>
    public ImmutableArray<DatabaseCount> Databases { get; init; } = [];
}

/// <summary>Manifest ↔ <c>manifest.json</c>. Unknown fields are ignored, so that two neighbouring versions read each other's.</summary>
public static class BackupManifestDocument
{
    private const int MaxDatabases = 16_384; // as many as a server may be configured with, and more

    /// <summary>Writes the document.</summary>
    public static byte[] Write(BackupManifest manifest) => JsonDocuments.Write(json =>
    {
        json.WriteNumber("format", BackupManifest.DocumentFormat);
        json.WriteString("cluster", manifest.Cluster.Value);
        json.WriteString("id", manifest.Id);
        json.WriteNumber("generation", manifest.Generation);
        json.WriteString("node", manifest.Node);
        json.WriteNumber("completed_ms", manifest.CompletedAt.ToUnixTimeMilliseconds());
        json.WriteNumber("covered_ms", Math.Max(0, manifest.CoveredUntil.ToUnixTimeMilliseconds()));
        if (manifest.ServerProduct.Length > 0) json.WriteString("server_product", manifest.ServerProduct);
        if (manifest.ServerVersion.Length > 0) json.WriteString("server_version", manifest.ServerVersion);
        if (manifest.Base is { } file)
        {
            json.WriteStartObject("base");
            json.WriteString("name", file.Name);
            json.WriteNumber("length", file.Length);
            json.WriteString("sha256", file.Sha256);
            json.WriteEndObject();
        }

        if (manifest.Format is { } rdb)
        {
            json.WriteStartObject("rdb");
            json.WriteString("family", rdb.Family);
            json.WriteNumber("version", rdb.Version);
            json.WriteEndObject();
        }

        if (manifest.IsSnapshot) json.WriteBoolean("snapshot", true);
        if (manifest.KeyId is { } key) json.WriteString("key_id", key);
        json.WriteNumber("base_sequence", manifest.BaseSequence);
        json.WriteNumber("base_time", manifest.BaseTime);
        JsonDocuments.WritePosition(json, "start", manifest.Start, manifest.StartDigest);
        JsonDocuments.WritePosition(json, "end", manifest.End, manifest.EndDigest);
        if (manifest.Before is { } before) JsonDocuments.WritePosition(json, "before", before.At, before.Digest, before.Generation);
        json.WriteStartArray("databases");
        foreach (var database in manifest.Databases)
        {
            json.WriteStartObject();
            json.WriteNumber("index", database.Index);
            json.WriteNumber("fewest", database.Fewest);
            json.WriteNumber("most", database.Most);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    /// <summary>Reads the document; never throws.</summary>
    public static DiskFact<BackupManifest> Read(ReadOnlySpan<byte> utf8)
    {
        if (!JsonFacts.TryParse(utf8, out var root, out var fault)) return DiskFact<BackupManifest>.Unreadable(fault);
        if (root.Integer("format") != BackupManifest.DocumentFormat) root.Wrong("format");
        if (!ClusterId.TryParse(root.Text("cluster", ClusterId.MaxLength), out var cluster)) root.Wrong("cluster");
        var id = root.Text("id", 64);
        if (!BackupLayout.IsBaseId(id)) root.Wrong("id");
        BaseFile? file = null;
        if (root.OptionalObject("base") is { } described)
        {
            file = new BaseFile(described.Text("name", 255), described.Integer("length"), described.Text("sha256", 64));
            if (!ObjectKey.IsPart(file.Name)) described.Wrong("name");
            if (!ChainDigest.TryParse(file.Sha256, out _)) described.Wrong("sha256");
        }

        var generation = root.Integer("generation");
        var start = JsonDocuments.ReadMark(root.Object("start"), generation);
        var end = JsonDocuments.ReadMark(root.Object("end"), generation);
        if (end.At < start.At) root.Wrong("end");
        var databases = ImmutableArray.CreateBuilder<DatabaseCount>();
        foreach (var database in root.Objects("databases", MaxDatabases))
            databases.Add(new DatabaseCount(
                (int)Math.Min(database.Integer("index"), int.MaxValue), database.Integer("fewest"), database.Integer("most")));
        var manifest = new BackupManifest
        {
            Cluster = cluster!,
            Id = id,
            Generation = generation,
            Node = root.Text("node", 253),
            CompletedAt = JsonDocuments.ReadTime(root, "completed_ms"),
            CoveredUntil = JsonDocuments.ReadTime(root, "covered_ms"),
            ServerProduct = root.OptionalText("server_product", 64) ?? "",
            Format = root.OptionalObject("rdb") is { } rdb
                ? new RdbFormat(rdb.Text("family", 16), (int)rdb.Integer("version", int.MaxValue))
                : null,
            ServerVersion = root.OptionalText("server_version", 64) ?? "",
            Base = file,
            IsSnapshot = root.OptionalTruth("snapshot"),
            KeyId = root.OptionalText("key_id", ObjectCipher.KeyIdBytes * 2),
            BaseSequence = root.Integer("base_sequence"),
            BaseTime = root.Integer("base_time"),
            Start = start.At,
            StartDigest = start.Digest,
            End = end.At,
            EndDigest = end.Digest,
            Before = root.OptionalObject("before") is { } before ? JsonDocuments.ReadMark(before, before.Integer("generation")) : null,
            Databases = databases.ToImmutable(),
        };
        return root.Fault is { } wrong ? DiskFact<BackupManifest>.Unreadable(wrong) : DiskFact<BackupManifest>.Known(manifest);
    }
}

/// <summary>What the documents of this namespace have in common.</summary>
internal static class JsonDocuments
{
    private const long LatestMilliseconds = 253_402_300_799_999; // end of year 9999: what DateTimeOffset takes

    /// <summary>Writes a document indented: people read it.</summary>
    public static byte[] Write(Action<Utf8JsonWriter> fields) => JsonText.Object(fields, indented: true).ToArray();

    public static void WritePosition(Utf8JsonWriter json, string name, StreamPosition position, ChainDigest digest, long? generation = null)
    {
        json.WriteStartObject(name);
        if (generation is { } of) json.WriteNumber("generation", of);
        json.WriteNumber("sequence", position.Sequence);
        json.WriteNumber("offset", position.Offset);
        json.WriteString("digest", digest.ToString());
        json.WriteEndObject();
    }

    public static ChainMark ReadMark(JsonFacts found, long generation)
    {
        if (!ChainDigest.TryParse(found.Text("digest", ChainDigest.Length), out var digest)) found.Wrong("digest");
        return new ChainMark(generation, new StreamPosition(found.Integer("sequence"), found.Integer("offset")), digest);
    }

    public static DateTimeOffset ReadTime(JsonFacts root, string name)
    {
        var milliseconds = root.Integer(name);
        if (milliseconds > LatestMilliseconds) root.Wrong(name);
        return DateTimeOffset.FromUnixTimeMilliseconds(Math.Min(milliseconds, LatestMilliseconds));
    }
}
