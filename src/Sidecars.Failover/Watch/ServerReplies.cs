using Sidecars.Core.Redis;

namespace Sidecars.Failover.Watch;

/// <summary>What the server beside this process answered to one look: everything that any loop of the sidecar reads of it.</summary>
/// <param name="Info">INFO.</param>
/// <param name="Settings">The settings of <see cref="SettingsCommand"/>, names and values.</param>
public sealed record ServerReplies(RespValue Info, RespValue Settings)
{
    /// <summary>The settings that are asked for.</summary>
    public static RespCommand SettingsCommand { get; } = RespCommand.Of("CONFIG", "GET", "replica-priority", "min-replicas-to-write", "min-replicas-max-lag", "replica-announce-ip", "replica-announce-port");
}
