using Sidecars.Core.Redis;

namespace Sidecars.Backup.Archive;

/// <summary>Which server it is: all of them send a <c>redis_version</c>, which is the Redis that they are compatible with.</summary>
public static class ServerProduct
{
    /// <summary>Product and version; "" where it did not say.</summary>
    public static (string Product, string Version) Of(InfoReply info) =>
        info.ValkeyVersion is { } valkey ? ("Valkey", valkey)
        : info.Get("redict_version") is { } redict ? ("Redict", redict)
        : info.RedisVersion is { } redis ? ("Redis", redis)
        : ("", "");
}
