using System.Collections.Immutable;
using Sidecars.Core.Configuration;
using Sidecars.Core.Group;
using Sidecars.Core.Primitives;

namespace Sidecars.Failover.Passwords;

/// <summary>One user and the passwords that the files hold for it. <c>ToString</c> prints none.</summary>
/// <param name="User">Which.</param>
/// <param name="Name">Its name in the ACL.</param>
/// <param name="Secret">Current and previous.</param>
public sealed record WishedPassword(PasswordUser User, string Name, GroupSecret Secret)
{
    /// <summary>What a password with this SHA-256 is to these files.</summary>
    public PasswordAge AgeOf(string sha256, RetiredPasswords retired)
    {
        ArgumentNullException.ThrowIfNull(retired);
        if (sha256 == Secret.Current.Sha256Hex) return PasswordAge.Current;
        if (sha256 == Secret.Previous?.Sha256Hex) return PasswordAge.Previous;
        return retired.Contains(sha256) ? PasswordAge.Retired : PasswordAge.Other;
    }
}

/// <summary>What the files want of every server: users without a password are not in it.</summary>
/// <param name="OnRedis">Users of a Redis.</param>
/// <param name="OnSentinel">Users of a Sentinel.</param>
public sealed record PasswordWish(ImmutableArray<WishedPassword> OnRedis, ImmutableArray<WishedPassword> OnSentinel)
{
    /// <summary>The files hold a previous password that differs from the current one.</summary>
    public bool HasPrevious => OnRedis.Concat(OnSentinel).Any(w => w.Secret.Previous is { } previous && !previous.Equals(w.Secret.Current));

    /// <summary>From what was read.</summary>
    public static PasswordWish Of(ClusterId cluster, PasswordReading reading)
    {
        ArgumentNullException.ThrowIfNull(cluster);
        ArgumentNullException.ThrowIfNull(reading);
        return new PasswordWish(Users(cluster, reading.Redis, isSentinel: false), Users(cluster, reading.Sentinel, isSentinel: true));
    }

    private static ImmutableArray<WishedPassword> Users(ClusterId cluster, GroupSecrets secrets, bool isSentinel)
    {
        var users = ImmutableArray.CreateBuilder<WishedPassword>();
        Add(PasswordUser.Default, "default", secrets.Default);
        // A service user without a password of its own takes the default user's (GroupAccess).
        if (!isSentinel) Add(PasswordUser.Replication, cluster.ReplicationUser, secrets.Replication ?? secrets.Default);
        Add(PasswordUser.Sentinel, cluster.SentinelUser, secrets.Sentinel ?? secrets.Default);
        Add(PasswordUser.Sidecar, cluster.SidecarUser, secrets.Sidecar ?? secrets.Default);
        return users.ToImmutable();

        void Add(PasswordUser user, string name, GroupSecret? secret)
        {
            if (secret is not null) users.Add(new WishedPassword(user, name, secret));
        }
    }
}
