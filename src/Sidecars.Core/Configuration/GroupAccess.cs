using Sidecars.Core.Primitives;

namespace Sidecars.Core.Configuration;

/// <summary>A password of the group, and during a rotation the one before it, which is still accepted.</summary>
/// <param name="Current">What we log in with.</param>
/// <param name="Previous">Also accepted by servers; null outside a rotation.</param>
public sealed record GroupSecret(Secret Current, Secret? Previous = null);

/// <summary>The passwords of one group; each is optional. <c>ToString</c> prints none.</summary>
public sealed record GroupSecrets
{
    /// <summary>
    /// Of the <c>default</c> user: ordinary clients. Null leaves that user as the base file has it (Redis' own default: open).
    /// </summary>
    public GroupSecret? Default { get; init; }

    /// <summary>Of replicas at their master; null: as <see cref="Default"/>.</summary>
    public GroupSecret? Replication { get; init; }

    /// <summary>Of Sentinels, at Redis and at each other; null: as <see cref="Default"/>.</summary>
    public GroupSecret? Sentinel { get; init; }

    /// <summary>Of the sidecars, at Redis and at Sentinel; null: as <see cref="Default"/>.</summary>
    public GroupSecret? Sidecar { get; init; }
}

/// <summary>
/// Who logs in as whom in one group, and what each may do. The users' names hold the cluster id, so that a server of another
/// group answers WRONGPASS, with or without passwords. A service user without a password of its own takes the default
/// user's; only where that has none either is it open (<c>nopass</c>), as the whole server then is.
/// </summary>
public sealed class GroupAccess(ClusterId cluster, GroupSecrets secrets)
{
    // PSYNC's own needs (replication.c: AUTH, PING, REPLCONF, PSYNC, SYNC of old servers).
    private const string ReplicationRules = "resetkeys resetchannels -@all +ping +replconf +psync +sync";

    // sentinel.c 7.0: link (PING, CLIENT SETNAME), INFO, hello (PUBLISH, SUBSCRIBE), promotion in one MULTI (SLAVEOF, CONFIG
    // REWRITE, CLIENT KILL), SCRIPT KILL for a busy server. REPLICAOF, ROLE and FAILOVER: what newer servers send instead.
    private const string SentinelRules =
        "resetkeys resetchannels &__sentinel__:hello -@all +ping +info +role +publish +subscribe +multi +exec"
            + " +slaveof +replicaof +failover +config|rewrite +client|setname +client|kill +script|kill";

    // No data command at all. acl|setuser (rotation) and config|set make this user an administrator of settings nonetheless.
    // PUBLISH and SUBSCRIBE on channels of our own: sidecars of 0.1.0, beside these during an upgrade.
    private const string SidecarRules =
        "resetkeys resetchannels &__sidecars__:* -@all +publish +subscribe +unsubscribe +ping +info +role +client +multi +exec "
        + "+discard +wait"
            + " +config|get +config|set +config|rewrite +replicaof +slaveof +failover +bgsave +bgrewriteaof +lastsave +dbsize +shutdown"
            + " +acl|whoami +acl|getuser +acl|setuser +acl|save +acl|load";

    // Sentinel to Sentinel (sentinel.c 7.0): hello by PUBLISH, votes by SENTINEL is-master-down-by-addr.
    private const string SentinelPeerRules = "resetkeys resetchannels &__sentinel__:hello -@all +ping +info +role +publish +subscribe"
        + " +client|setname +sentinel|is-master-down-by-addr";

    // Everything but REMOVE, MONITOR and the fault injections: those repair nothing. DEBUG sets INFO-PERIOD (SentinelWatch). PUBLISH, which
    // Sentinel takes on its hello channel only, and is-master-down-by-addr: how it is told (Sentinel/Leadership).
    private const string SentinelSidecarRules =
        "resetkeys resetchannels &* -@all +ping +info +role +client +publish +subscribe +psubscribe +unsubscribe +punsubscribe"
            + " +sentinel|is-master-down-by-addr +sentinel|master +sentinel|masters +sentinel|replicas +sentinel|slaves "
            + "+sentinel|sentinels +sentinel|myid"
            + " +sentinel|get-master-addr-by-name +sentinel|ckquorum +sentinel|failover +sentinel|reset +sentinel|flushconfig"
            + " +sentinel|set +sentinel|config +sentinel|info-cache +sentinel|debug +shutdown +acl|whoami +acl|getuser +acl|setuser";

    /// <summary>Replicas, at their master: Redis' <c>masteruser</c> and <c>masterauth</c>.</summary>
    public GroupLogin Replication { get; } = Login(cluster.ReplicationUser, secrets.Replication ?? secrets.Default);

    /// <summary>Sentinels, at Redis and at each other.</summary>
    public GroupLogin Sentinel { get; } = Login(cluster.SentinelUser, secrets.Sentinel ?? secrets.Default);

    /// <summary>Sidecars and bootstrap, at Redis and at Sentinel.</summary>
    public GroupLogin Sidecar { get; } = Login(cluster.SidecarUser, secrets.Sidecar ?? secrets.Default);

    /// <summary>Ordinary clients; null where the setting is not given.</summary>
    public GroupSecret? Default => secrets.Default;

    /// <summary>True where a service user has neither its own nor the default user's password.</summary>
    public bool HasOpenUser => Replication.IsOpen || Sentinel.IsOpen || Sidecar.IsOpen;

    /// <summary>The words of the <c>user</c> lines of a Redis, the first being the name.</summary>
    public IReadOnlyList<IReadOnlyList<string>> RedisUsers =>
        [Replication.Rules(ReplicationRules), Sentinel.Rules(SentinelRules), Sidecar.Rules(SidecarRules)];

    /// <summary>The words of the <c>user</c> lines of a Sentinel, the first being the name.</summary>
    public IReadOnlyList<IReadOnlyList<string>> SentinelUsers => [Sentinel.Rules(SentinelPeerRules), Sidecar.Rules(SentinelSidecarRules)];

    private static GroupLogin Login(string user, GroupSecret? secret) => new(user, secret);
}

/// <summary>One user of the group. <c>ToString</c> prints the name only.</summary>
public sealed class GroupLogin(string user, GroupSecret? secret)
{
    /// <summary>The ACL user.</summary>
    public string User { get; } = user;

    /// <summary>
    /// What is sent in AUTH. Never empty: without a password it is the user's name, since Redis and Sentinel send AUTH, and
    /// with it the identity, only where they have a password to send; <c>nopass</c> accepts any.
    /// </summary>
    public string Password { get; } = secret?.Current.Value ?? user;

    /// <summary>The password before the rotation, to be tried second; null outside one.</summary>
    public string? PreviousPassword { get; } = secret?.Previous?.Value;

    /// <summary>
    /// What a server logs in with from its start: during a rotation still the previous password, since every server accepts that until
    /// its end, and files reach machines up to minutes apart. A Sentinel that is refused once stays deaf to that server: it does not log
    /// in again while the connection stands. The sidecars change it once all accept the current one.
    /// </summary>
    public string PasswordAtStart => PreviousPassword ?? Password;

    /// <summary>True without any password (<c>nopass</c>).</summary>
    public bool IsOpen => secret is null;

    /// <summary>The user's name only.</summary>
    public override string ToString() => User;

    /// <summary>
    /// Name and ACL rules; passwords as <c>#sha256</c>, which needs no quoting in any file and shows nobody the password.
    /// </summary>
    internal IReadOnlyList<string> Rules(string permissions) => [User, "on", .. Passwords(secret), .. permissions.Split(' ')];

    internal static IEnumerable<string> Passwords(GroupSecret? secret)
    {
        if (secret is null) return ["nopass"];
        return secret.Previous is null
            ? ["#" + secret.Current.Sha256Hex]
            : ["#" + secret.Current.Sha256Hex, "#" + secret.Previous.Sha256Hex];
    }
}
