using System.Collections.Immutable;
using Sidecars.Core.Primitives;

namespace Sidecars.Failover.Passwords;

/// <summary>Whose passwords a <see cref="PasswordLoop"/> keeps, and how often it looks.</summary>
public sealed record PasswordSettings
{
    /// <summary>The group.</summary>
    public required ClusterId Cluster { get; init; }

    /// <summary>What Sentinels know the Redis beside this sidecar by; null: not known yet.</summary>
    public required Func<RedisEndpoint?> Address { get; init; }

    /// <summary>Where this sidecar reaches it.</summary>
    public required RedisEndpoint Own { get; init; }

    /// <summary>All Redis: names or addresses.</summary>
    public required ImmutableArray<RedisEndpoint> RedisHosts { get; init; }

    /// <summary>All Sentinels: names or addresses.</summary>
    public required ImmutableArray<RedisEndpoint> SentinelHosts { get; init; }

    /// <summary>Configured number of Redis.</summary>
    public required int RedisCount { get; init; }

    /// <summary>Configured number of Sentinels.</summary>
    public required int SentinelCount { get; init; }

    /// <summary>For each name.</summary>
    public required TimeSpan ResolveTimeout { get; init; }

    /// <summary>Decide, log and count; change nothing.</summary>
    public bool DryRun { get; init; }

    /// <summary>Between two looks at the files, and at the servers while a rotation lasts. Default 2 s.</summary>
    public TimeSpan Period { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Between two looks at the servers while nothing is due: one may have come back from older files. Default 30 s.</summary>
    public TimeSpan IdlePeriod { get; init; } = TimeSpan.FromSeconds(30);
}
