using System.Text.Json;

namespace Sidecars.Core.Election;

/// <summary>
/// Snapshots as they stand in the log, and back: a logged decision can be taken again from its snapshot, long after the
/// fact, and must come out the same.
/// </summary>
public static class SnapshotDocument
{
    /// <summary>One line of JSON.</summary>
    public static string Write(BootstrapSnapshot snapshot) => JsonSerializer.Serialize(snapshot, PlainJson.Context.BootstrapSnapshot);

    /// <summary>One line of JSON.</summary>
    public static string Write(MonitorSnapshot snapshot) => JsonSerializer.Serialize(snapshot, PlainJson.Context.MonitorSnapshot);

    /// <summary>Reads a logged snapshot of a starting Redis; null with a reason for anything else.</summary>
    public static BootstrapSnapshot? TryReadBootstrap(string json, out string why)
    {
        try
        {
            why = "";
            return JsonSerializer.Deserialize(json, PlainJson.Context.BootstrapSnapshot);
        }
        catch (JsonException e)
        {
            why = e.Message;
            return null;
        }
    }
}
