using System.Collections.Immutable;
using Sidecars.Core.Primitives;

namespace Sidecars.Failover.Passwords;

/// <summary>The next step of a rotation. Closed.</summary>
public abstract record PasswordDecision(string Code, string Reason) : IDecision
{
    /// <summary>The own Redis is to accept the current passwords of these users too.</summary>
    public sealed record AcceptOnRedis(ImmutableArray<PasswordUser> Users, string Reason) : PasswordDecision("accept-on-redis", Reason);

    /// <summary>A Sentinel is to accept the current passwords of these users too.</summary>
    public sealed record AcceptOnSentinel(RedisEndpoint Sentinel, ImmutableArray<PasswordUser> Users, string Reason)
        : PasswordDecision("accept-on-sentinel", Reason);

    /// <summary>The own Redis is to replicate with this password.</summary>
    public sealed record ReplicateWith(PasswordAge Password, string Code, string Reason) : PasswordDecision(Code, Reason);

    /// <summary>A Sentinel is to log in, to Redis and to other Sentinels, with the current password.</summary>
    public sealed record SentinelLogin(RedisEndpoint Sentinel, string Reason) : PasswordDecision("sentinel-login", Reason);

    /// <summary>The own Redis is to refuse the retired passwords of these users.</summary>
    public sealed record DropOnRedis(ImmutableArray<PasswordUser> Users, string Reason) : PasswordDecision("drop-on-redis", Reason);

    /// <summary>A Sentinel is to refuse the retired passwords of these users.</summary>
    public sealed record DropOnSentinel(RedisEndpoint Sentinel, ImmutableArray<PasswordUser> Users, string Reason)
        : PasswordDecision("drop-on-sentinel", Reason);

    /// <summary>Nothing is due: <c>settled</c>, or <c>ready</c> where the previous password may leave the Secret.</summary>
    public sealed record Keep(string Code, string Reason) : PasswordDecision(Code, Reason);

    /// <summary>Something is due, and evidence is missing.</summary>
    public sealed record Refuse(string Code, string Reason) : PasswordDecision(Code, Reason);
}
