namespace Sidecars.Core.Redis;

/// <summary>Settings of a <see cref="RedisClient"/>.</summary>
public sealed record RedisClientOptions
{
    /// <summary>Tried in order until one is accepted; none: no AUTH is sent.</summary>
    public IReadOnlyList<RedisCredential> Credentials { get; init; } = [];

    /// <summary>
    /// For name, TCP and TLS together; 1 s. The address of a deleted pod may swallow packets, or answer a new socket only, so
    /// a short time and a fresh connection beat a long wait.
    /// </summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>From the write of a command (or pipeline) to its last reply; 1 s.</summary>
    public TimeSpan CommandTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The clock of every deadline.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>What a reply may cost.</summary>
    public RespLimits Limits { get; init; } = RespLimits.Default;

    /// <summary>Shown by CLIENT LIST; null for none. A server that refuses CLIENT SETNAME is connected all the same.</summary>
    public string? ClientName { get; init; }
}
