using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Sidecars.Core.Group;
using Sidecars.Core.Redis;

namespace Sidecars.Failover.Passwords;

/// <summary>The reply of <c>ACL GETUSER</c>, as far as it is about passwords (acl.c, aclCommand; Redis 7.0).</summary>
/// <param name="TakesAny">Flag <c>nopass</c>: any password is accepted.</param>
/// <param name="Hashes">SHA-256 of each accepted password, 64 lower-case hex digits.</param>
public sealed record AclUserReply(bool TakesAny, ImmutableHashSet<string> Hashes)
{
    /// <summary>Reads it; false for errors, for a user that does not exist (null), and for what is malformed.</summary>
    public static bool TryParse(RespValue reply, [NotNullWhen(true)] out AclUserReply? user)
    {
        user = null;
        if (reply.Kind is not (RespKind.Array or RespKind.Map) || reply.Items.Count % 2 != 0) return false;
        RespValue? flags = null, passwords = null;
        for (var i = 0; i < reply.Items.Count; i += 2)
        {
            if (!ReplyText.TryText(reply.Items[i], out var name)) return false;
            if (name == "flags") flags = reply.Items[i + 1];
            if (name == "passwords") passwords = reply.Items[i + 1];
        }

        if (flags is not { IsAggregate: true } || passwords is not { IsAggregate: true }) return false;
        if (passwords.Items.Any(item => !RetiredPasswords.IsHash(item.Text))) return false;
        user = new AclUserReply(flags.Items.Any(flag => flag.Text == "nopass"), [.. passwords.Items.Select(item => item.Text)]);
        return true;
    }
}
