using System.Collections.Immutable;

namespace Sidecars.Failover.Passwords;

/// <summary>
/// The next step of a rotation of passwords, one at a time. Pure. Accepting more passwords needs no evidence. Before another one is
/// used, every server at which it may be used must accept it. Accepting fewer needs proof that no server still depends on the old one.
/// </summary>
public static class PasswordPolicy
{
    /// <summary>Decides.</summary>
    public static PasswordDecision Decide(PasswordFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        if (facts.FilesProblem is { } problem) return new PasswordDecision.Refuse("files-unreadable", problem);
        if (facts.Own is not ServerPasswords.Known own)
            return new PasswordDecision.Refuse("own-unknown", ((ServerPasswords.Unknown)facts.Own).Why);
        var behind = Users(own, user => !user.Current);
        if (!behind.IsEmpty)
            return new PasswordDecision.AcceptOnRedis(behind, "the files hold a password that this Redis does not accept yet");
        return Replicate(facts, own) ?? (IsActor(facts, own) ? AtSentinels(facts) : null) ?? Finish(facts, own);
    }

    // Any Redis may be the next master, so all of them must take the password before it is used.
    private static PasswordDecision.ReplicateWith? Replicate(PasswordFacts facts, ServerPasswords.Known own)
    {
        var isOld = own.Sends is PasswordAge.Previous or PasswordAge.Retired;
        if (isOld && MissingRedis(facts, PasswordUser.Replication) is null)
            return new PasswordDecision.ReplicateWith(PasswordAge.Current, "replicate-with-current", "every Redis accepts it");
        // A server that came back from older files than the others: what its master takes now is what counts.
        if (own.IsMaster || own.IsLinkUp || own.Master is not { } address) return null;
        if (facts.Redis.OfType<ServerPasswords.Known>().FirstOrDefault(r => r.Endpoint == address && r.IsMaster) is not { } master)
            return null;
        var taken = master.Users.FirstOrDefault(u => u.User == PasswordUser.Replication);
        return taken switch
        {
            { Current: true, Previous: false } when isOld => new PasswordDecision.ReplicateWith(
                PasswordAge.Current, "link-needs-current", $"the link is down, and {address} accepts this one only"),
            { Current: false, Previous: true } when own.Sends == PasswordAge.Current => new PasswordDecision.ReplicateWith(
                PasswordAge.Previous, "link-needs-previous", $"the link is down, and {address} does not accept the current one yet"),
            _ => null,
        };
    }

    // One actor: a change of login makes a Sentinel connect anew to all it knows.
    private static bool IsActor(PasswordFacts facts, ServerPasswords.Known own) =>
        own.IsMaster && facts.Address is { } address && facts.Quorum.Named == address && !facts.Quorum.IsFailingOver;

    private static PasswordDecision? AtSentinels(PasswordFacts facts)
    {
        var known = facts.Sentinels.OfType<ServerPasswords.Known>().OrderBy(s => s.RunId, StringComparer.Ordinal).ToList();
        foreach (var sentinel in known)
        {
            var behind = Users(sentinel, user => !user.Current);
            if (!behind.IsEmpty)
                return new PasswordDecision.AcceptOnSentinel(
                    sentinel.Endpoint, behind, $"{sentinel.Endpoint} does not accept the current password of each user yet");
        }

        if (known.Find(s => s.Sends is PasswordAge.Previous or PasswordAge.Retired) is not { } old) return null;
        var missing = MissingRedis(facts, PasswordUser.Sentinel) ?? MissingSentinel(facts, PasswordUser.Sentinel);
        return missing ?? (PasswordDecision)new PasswordDecision.SentinelLogin(old.Endpoint, "every Redis and every Sentinel accepts it");
    }

    private static PasswordDecision Finish(PasswordFacts facts, ServerPasswords.Known own)
    {
        if (facts.HasPrevious)
            return Missing(facts) ?? (PasswordDecision)new PasswordDecision.Keep(
                "ready", "every Redis and every Sentinel accepts and uses the current passwords: the previous ones may leave the Secret");
        var retired = Users(own, user => user.Retired);
        var sentinel =
            IsActor(facts, own) ? facts.Sentinels.OfType<ServerPasswords.Known>().FirstOrDefault(s => s.Users.Any(u => u.Retired)) : null;
        if (retired.IsEmpty && sentinel is null) return new PasswordDecision.Keep("settled", "this Redis accepts what the files hold");
        if (Missing(facts) is { } missing) return missing;
        const string why = "the files no longer hold it, and every Redis and every Sentinel accepts and uses the current one";
        return retired.IsEmpty
            ? new PasswordDecision.DropOnSentinel(sentinel!.Endpoint, Users(sentinel, u => u.Retired), why)
            : new PasswordDecision.DropOnRedis(retired, why);
    }

    // What stands in the way of the end of the old passwords; null: nothing.
    private static PasswordDecision.Refuse? Missing(PasswordFacts facts)
    {
        if ((MissingRedis(facts, null) ?? MissingSentinel(facts, null)) is { } behind) return behind;
        if (facts.Redis.OfType<ServerPasswords.Known>().FirstOrDefault(r => r.Sends != PasswordAge.Current) is { } redis)
            return new PasswordDecision.Refuse(
                "masterauth-behind", $"{redis.Endpoint} replicates with another password than the current one");
        return facts.Sentinels.OfType<ServerPasswords.Known>().FirstOrDefault(s => s.Sends != PasswordAge.Current) is { } sentinel
            ? new PasswordDecision.Refuse(
                "sentinel-login-behind", $"{sentinel.Endpoint} logs in with another password than the current one")
            : null;
    }

    private static PasswordDecision.Refuse? MissingRedis(PasswordFacts facts, PasswordUser? user) =>
        Missing("redis", facts.Redis, facts.RedisCount, user);

    private static PasswordDecision.Refuse? MissingSentinel(PasswordFacts facts, PasswordUser? user) =>
        Missing("sentinel", facts.Sentinels, facts.SentinelCount, user);

    private static PasswordDecision.Refuse? Missing(string kind, ImmutableArray<ServerPasswords> servers, int count, PasswordUser? user)
    {
        if (servers.OfType<ServerPasswords.Unknown>().FirstOrDefault() is { } unknown)
            return new PasswordDecision.Refuse(kind + "-unknown", $"{unknown.Endpoint}: {unknown.Why}");
        // By process: two addresses may lead to one server.
        var seen = servers.OfType<ServerPasswords.Known>().Select(s => s.RunId).Distinct().Count();
        if (seen < count) return new PasswordDecision.Refuse(kind + "-missing", $"{seen} of {count} were seen");
        var behind = servers.OfType<ServerPasswords.Known>()
            .FirstOrDefault(s => s.Users.Any(u => !u.Current && (user is null || u.User == user)));
        return behind is null
            ? null
            : new PasswordDecision.Refuse(kind + "-behind", $"{behind.Endpoint} does not accept the current passwords yet");
    }

    private static ImmutableArray<PasswordUser> Users(ServerPasswords.Known server, Func<AcceptedPasswords, bool> which) =>
        [.. server.Users.Where(which).Select(u => u.User)];
}
