using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Sidecars.Core.Primitives;
using Sidecars.Failover.Watch;

namespace Sidecars.Failover.Passwords;

/// <summary>The users of a group.</summary>
public enum PasswordUser
{
    /// <summary>Clients.</summary>
    Default,

    /// <summary><c>repl-&lt;id&gt;</c>.</summary>
    Replication,

    /// <summary><c>sentinel-&lt;id&gt;</c>.</summary>
    Sentinel,

    /// <summary><c>sidecar-&lt;id&gt;</c>.</summary>
    Sidecar,
}

/// <summary>A password in terms of this sidecar's files.</summary>
public enum PasswordAge
{
    /// <summary>The one to log in with.</summary>
    Current,

    /// <summary>The one before, which the files still hold.</summary>
    Previous,

    /// <summary>One that was current or previous in these files, and no longer is.</summary>
    Retired,

    /// <summary>One that these files never held: perhaps a newer one. It is left alone.</summary>
    Other,
}

/// <summary>Which passwords one user of one server accepts.</summary>
/// <param name="User">The user.</param>
/// <param name="Current">A login with it was made.</param>
/// <param name="Previous">Listed (<c>ACL GETUSER</c>).</param>
/// <param name="Retired">At least one is listed.</param>
public sealed record AcceptedPasswords(PasswordUser User, bool Current, bool Previous = false, bool Retired = false);

/// <summary>What was learned of one server. Closed.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "state")]
[JsonDerivedType(typeof(Known), "known")]
[JsonDerivedType(typeof(Unknown), "unknown")]
public abstract record ServerPasswords
{
    private ServerPasswords(RedisEndpoint endpoint) => Endpoint = endpoint;

    /// <summary>Where it was asked.</summary>
    public RedisEndpoint Endpoint { get; init; }

    /// <summary>It let this sidecar in.</summary>
    /// <param name="Endpoint">Where it was asked.</param>
    /// <param name="RunId">Its process.</param>
    /// <param name="Users">One for each user that has a password.</param>
    /// <param name="Sends">What it logs in to others with: <c>masterauth</c>, or Sentinel's <c>sentinel-pass</c>.</param>
    public sealed record Known(RedisEndpoint Endpoint, string RunId, ImmutableArray<AcceptedPasswords> Users, PasswordAge Sends)
        : ServerPasswords(Endpoint)
    {
        /// <summary>A Redis that says ROLE master.</summary>
        public bool IsMaster { get; init; }

        /// <summary>A replica's master, as it is announced.</summary>
        public RedisEndpoint? Master { get; init; }

        /// <summary>A replica's link is up.</summary>
        public bool IsLinkUp { get; init; }
    }

    /// <summary>Anything else: silent, another's, or with users that this version can't read.</summary>
    public sealed record Unknown(RedisEndpoint Endpoint, string Why) : ServerPasswords(Endpoint);
}

/// <summary>Everything that decides the next step of a rotation. Holds no password and no hash of one.</summary>
public sealed record PasswordFacts
{
    /// <summary>Announced address of the Redis beside this sidecar; null: not known yet.</summary>
    public RedisEndpoint? Address { get; init; }

    /// <summary>Why the password files can't be used; null: they can.</summary>
    public string? FilesProblem { get; init; }

    /// <summary>The files hold a previous password: both are to be accepted.</summary>
    public required bool HasPrevious { get; init; }

    /// <summary>The Redis beside this sidecar.</summary>
    public required ServerPasswords Own { get; init; }

    /// <summary>All configured Redis, the own one among them.</summary>
    public required ImmutableArray<ServerPasswords> Redis { get; init; }

    /// <summary>All Sentinels.</summary>
    public required ImmutableArray<ServerPasswords> Sentinels { get; init; }

    /// <summary>Configured number of Redis.</summary>
    public required int RedisCount { get; init; }

    /// <summary>Configured number of Sentinels.</summary>
    public required int SentinelCount { get; init; }

    /// <summary>Whom the Sentinels name.</summary>
    public required QuorumFacts Quorum { get; init; }
}
