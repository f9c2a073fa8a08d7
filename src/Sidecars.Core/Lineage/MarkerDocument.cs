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

    /// <summary>Longest DNS name; an address with its port is shorter.</summary>
    private const int MaxHostLength = 253;

    /// <summary>Longest file name (NAME_MAX).</summary>
    private const int MaxFileNameLength = 255;

    /// <summary>Writes one UTF-8 object, indented: people read it at 3 a.m.</summary>
    public static byte[] Write(Marker marker) => JsonText.Object(json => Members(json, marker), indented: true).ToArray();

    /// <summary>Reads a marker; never throws.</summary>
    public static DiskFact<Marker> Read(ReadOnlySpan<byte> utf8) =>
        JsonFacts.TryParse(utf8, out var root, out var fault) ? ReadRoot(root) : DiskFact<Marker>.Unreadable(fault);

    private static void Members(Utf8JsonWriter json, Marker marker)
    {
        json.WriteNumber("format", Marker.CurrentFormat);
        json.WriteString("cluster", marker.Cluster.Value);
        LineageJson.WriteNode(json, "node", marker.Node);
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
            LineageJson.WritePosition(json, position);
            if (marker.EarlierOffset is { } earlier) json.WriteNumber("earlier_offset", earlier);
            if (marker.StillOf is { } before) json.WriteString("still_of", before.ToString());
        }

        if (marker.Aof is { } aof)
        {
            json.WriteStartObject("aof");
            json.WriteString("file", aof.File);
            json.WriteNumber("length", aof.Length);
            json.WriteBoolean("exact", aof.Exact);
            if (aof.Total is { } total) json.WriteNumber("total", total);
            json.WriteEndObject();
        }

        if (marker.Announced is { } announced)
        {
            json.WriteStartObject("announced");
            json.WriteString("setting", announced.Setting);
            json.WriteString("address", announced.Address.ToString());
            json.WriteEndObject();
        }

        if (marker.LastServing is { } serving) LineageJson.WriteLastServing(json, serving);
        LineageJson.WriteHistory(json, marker.History);
        if (marker.WrittenAt is { } writtenAt) json.WriteString("written_at", writtenAt);
    }

    private static DiskFact<Marker> ReadRoot(JsonFacts root)
    {
        var format = root.Integer("format");
        if (format is < 1 or > int.MaxValue) root.Wrong("format");
        var cluster = ClusterId.TryParse(root.Text("cluster", ClusterId.MaxLength), out var id) ? id : null;
        if (cluster is null) root.Wrong("cluster");
        var node = LineageJson.Node(root.Object("node"));
        var bootId = root.Text("boot_id", MaxBootIdLength);
        var token = LineageJson.Token(root, "token");
        var role = Role(root);
        var highestEpoch = root.Integer("highest_epoch");
        var fullSync = root.Truth("full_sync_in_progress");
        var rewrite = root.Truth("aof_rewrite_in_progress");
        var history = LineageJson.History(root);
        var linkUp = root.OptionalTruth("master_link_up");
        var runId = root.OptionalText("run_id", ReplicationId.Length);
        var position = LineageJson.OptionalPosition(root);
        var stillOf = LineageJson.OptionalId(root, "still_of");
        var aof = root.OptionalObject("aof") is { } a
            ? new AofMark(a.Text("file", MaxFileNameLength), a.Integer("length"), a.OptionalTruth("exact"), a.OptionalInteger("total"))
            : null;
        var earlier = root.OptionalInteger("earlier_offset");
        var serving = LineageJson.OptionalLastServing(root);
        var announced = root.OptionalObject("announced") is { } said ? Announced(said) : null;
        var writtenAt = root.OptionalText("written_at", 64);
        if (root.Fault is { } wrong) return DiskFact<Marker>.Unreadable(wrong);
        return DiskFact<Marker>.Known(new Marker(cluster!, node, bootId, token, history, role, highestEpoch)
        {
            Format = (int)format,
            RunId = runId,
            Position = position,
            StillOf = stillOf,
            MasterLinkUp = linkUp,
            FullSyncInProgress = fullSync,
            AofRewriteInProgress = rewrite,
            Aof = aof,
            EarlierOffset = earlier,
            LastServing = serving,
            Announced = announced,
            WrittenAt = writtenAt,
        });
    }

    private static AnnouncedAddress? Announced(JsonFacts said)
    {
        var setting = said.Text("setting", MaxHostLength);
        // Without a port of its own the text is no address that this code wrote.
        if (RedisEndpoint.TryParse(said.Text("address", MaxHostLength), 1, out var address) && address.IsAddress)
            return new AnnouncedAddress(setting, address);
        said.Wrong("address");
        return null;
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

    private static string RoleText(MarkerRole role) =>
        role switch { MarkerRole.Master => "master", MarkerRole.Replica => "replica", _ => "unknown" };
}
