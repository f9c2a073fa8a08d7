using System.Text.Json;
using Sidecars.Core.Hosting;

namespace Sidecars.TestKit.Processes;

/// <summary>The heartbeat of a process that waits, as a person reads it.</summary>
public static class Heartbeats
{
    /// <summary>What the file says; null where there is none yet.</summary>
    public static HeartbeatDocument? TryRead(string path)
    {
        if (!File.Exists(path)) return null;
        using var json = JsonDocument.Parse(File.ReadAllBytes(path));
        var root = json.RootElement;
        return new HeartbeatDocument
        {
            Version = root.GetProperty("version").GetInt32(),
            Component = root.GetProperty("component").GetString()!,
            Pid = root.GetProperty("pid").GetInt32(),
            Code = root.GetProperty("code").GetString()!,
            Reason = root.GetProperty("reason").GetString()!,
            Since = root.GetProperty("since").GetDateTimeOffset(),
            WrittenAt = root.GetProperty("written_at").GetDateTimeOffset(),
            WaitingFor = [.. root.GetProperty("waiting_for").EnumerateArray().Select(name => name.GetString()!)],
        };
    }
}
