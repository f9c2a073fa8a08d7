using System.Text.Json;
using Sidecars.Core.Hosting;
using Sidecars.Core.Primitives;

namespace Sidecars.Failover.Status;

/// <summary>Reads the heartbeat of a redis-bootstrap that waits in the same pod. IO only.</summary>
internal static class WaitReader
{
    /// <summary>Null: it does not wait, or this container does not see its directory.</summary>
    /// <param name="directory"><c>CONFIG_DIR</c>.</param>
    /// <param name="now">UTC, of the same host as the writer's.</param>
    public static BootstrapWait? Read(string directory, DateTimeOffset now)
    {
        try
        {
            var bytes = BoundedFile.Read(Path.Combine(directory, HeartbeatFile.Name), HeartbeatDocument.MaxBytes);
            return JsonSerializer.Deserialize(bytes, StatusJson.Default.HeartbeatDocument) is { } beat
                && (now - beat.WrittenAt).Duration() <= HeartbeatFile.MaxAge
                ? new BootstrapWait(beat.Code, beat.Reason, [.. beat.WaitingFor], now - beat.Since)
                : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }
}
