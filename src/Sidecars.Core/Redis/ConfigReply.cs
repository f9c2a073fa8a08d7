using System.Globalization;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Redis;

/// <summary>The reply of CONFIG GET: settings by name. One that is absent, refused or malformed is null: not known.</summary>
/// <param name="reply">The reply, an error too; null: not asked.</param>
public readonly struct ConfigReply(RespValue? reply)
{
    /// <summary><c>min-replicas-to-write</c>.</summary>
    public long? MinReplicas => GetInt64("min-replicas-to-write");

    /// <summary><c>min-replicas-max-lag</c>, seconds; 0 switches the check, and so any fence, off.</summary>
    public long? MaxLag => GetInt64("min-replicas-max-lag");

    /// <summary><c>replica-priority</c>; 0 is never promoted.</summary>
    public int? Priority => GetInt64("replica-priority") is { } priority ? (int)Math.Min(priority, int.MaxValue) : null;

    /// <summary><c>replica-announce-ip</c> and <c>-port</c>; null where nothing whole is announced (an empty address, port 0).</summary>
    public RedisEndpoint? Announced =>
        GetInt64("replica-announce-port") is { } port && ReplyText.TryEndpoint(Get("replica-announce-ip"), port, out var endpoint)
            ? endpoint
            : null;

    /// <summary>Returns a setting as sent, or null.</summary>
    public string? Get(string name) => ReplyText.ValueOf(reply, name);

    private long? GetInt64(string name) =>
        long.TryParse(Get(name), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
