using Sidecars.Core.Configuration;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;

namespace Sidecars.Bootstrap.Configuration;

/// <summary>
/// Settings of one redis-server on top of the user's base file. Decided here whatever the base says: port, announce,
/// role, dir, logins, TLS, durability, and the fence (min-replicas), on which safety rests. Everything else that is shipped
/// stands before the user's lines and gives way to them. Pure.
/// </summary>
public static class RedisServerPlan
{
    private const string AclFileName = "users.acl";

    // Shipped, each with its reason. A later line of the user's wins.
    private static readonly string[][] Shipped =
    [
        ["repl-timeout", "10"], // at 60 s a replica was seen hanging for the whole minute behind a ClusterIP
        ["repl-ping-replica-period", "2"], // five pings fit into that timeout
        ["repl-diskless-sync", "yes"],
        ["repl-diskless-sync-delay", "0"], // writes are refused until a replica is back: no waiting for a second one
        ["repl-backlog-ttl", "0"], // a master without replicas would change its replication id
        ["aof-timestamp-enabled", "yes"], // restore to a point in time
        ["appendfsync", "everysec"],
    ];

    // Sentinel and the sidecars fail without these.
    private static readonly HashSet<string> Needed = new(StringComparer.OrdinalIgnoreCase)
    {
        "acl", "auth", "bgrewriteaof", "bgsave", "client", "config", "exec", "failover", "info", "multi", "ping", "psync", "publish",
        "replconf", "replicaof", "role", "script", "slaveof", "subscribe", "sync", "wait",
    };

    /// <summary>Calculates the configuration.</summary>
    /// <param name="baseFile">The user's redis.conf with includes loaded; empty bytes where there is none. Copied, not changed.</param>
    /// <param name="baseAclFile">Content of the file that the base's <c>aclfile</c> names; null where it names none.</param>
    /// <param name="settings">The settings that overrule the base file.</param>
    public static ServerPlan Calculate(RedisConfigDocument baseFile, byte[]? baseAclFile, RedisServerSettings settings)
    {
        var plan = new ServerPlanner(RedisConfigDocument.Of(baseFile.Lines));
        plan.CheckBase();
        CheckCommands(plan);
        Ship(plan.Document, settings);
        plan.RunInForeground();
        plan.ListenOn(settings.Port, settings.Tls);
        plan.KeepReachable(settings.Announce);
        plan.Decide("dir", settings.DataDirectory);
        plan.Decide("replica-announce-ip", settings.Announce.Host);
        plan.Decide("replica-announce-port", ServerPlanner.Number(settings.Announce.Port));
        if (settings.ReplicaPriority is { } priority) plan.Decide("replica-priority", ServerPlanner.Number(priority));
        if (settings.UnixSocket is { } socket) plan.Decide("unixsocket", socket);
        if (settings.Follow is { } master) plan.Decide("replicaof", master.Host, ServerPlanner.Number(master.Port));
        else plan.Drop("replicaof");
        Persist(plan, settings.Durability);
        plan.Decide("min-replicas-to-write",
            ServerPlanner.Number(settings.StartsFenced ? WriteFence.StepDown : WriteRequirement.MinReplicasToWrite(settings.RedisCount)));
        plan.Decide("min-replicas-max-lag", ServerPlanner.Number(WriteRequirement.MinReplicasMaxLag(settings.DownAfterMilliseconds)));
        return plan.Build(SetUsers(plan, baseAclFile, settings));
    }

    private static void Ship(RedisConfigDocument document, RedisServerSettings settings)
    {
        // SetDefault puts a line on top, so the last comes first.
        for (var i = Shipped.Length - 1; i >= 0; i--) document.SetDefault(Shipped[i][0], Shipped[i][1]);
        // With AOF, no snapshots unless the user asks for them: periodic ones cost a fork, and one at the shutdown takes as long as the
        // dataset is large and is never loaded. It even does harm: a dump that is newer than the AOF is also what an interrupted full
        // sync leaves, and in the second after a switch no marker knows its replication id yet: a whole group that was stopped in that
        // second waited for a person. The AOF is flushed and synced whatever this says (finishShutdown in server.c).
        if (settings.Durability == Durability.Aof) document.SetDefault("save", "");
        // "force": without it Redis 7.0 refuses SIGTERM while the AOF is first written.
        document.SetDefault("shutdown-on-sigterm", settings.Durability == Durability.Rdb ? ["save", "force"] : ["nosave", "force"]);
    }

    private static void Persist(ServerPlanner plan, Durability durability)
    {
        plan.Decide("appendonly", durability == Durability.Aof ? "yes" : "no");
        if (durability == Durability.None) plan.Decide("save", "");
    }

    private static void CheckCommands(ServerPlanner plan)
    {
        foreach (var line in plan.Document.All("rename-command").Where(line => Needed.Contains(line.Text(0))))
            plan.Problem(
                $"rename-command {line.Text(0)}: replication, Sentinel and the sidecars need it; restrict the default user by ACL instead");
        if (string.Equals(plan.Document.Get("cluster-enabled"), "yes", StringComparison.OrdinalIgnoreCase))
            plan.Problem(
                "cluster-enabled yes: Redis Cluster does its own failover; Sentinel and these executables are for groups without it");
    }

    private static byte[]? SetUsers(ServerPlanner plan, byte[]? baseAclFile, RedisServerSettings settings)
    {
        var access = new GroupAccess(settings.Cluster, settings.Secrets);
        plan.Decide("masteruser", access.Replication.User);
        plan.Decide("masterauth", access.Replication.PasswordAtStart);
        if (plan.Document.AclFile is not { } path)
        {
            plan.CheckDefaultUser(access, AclDocument.DefaultRules(plan.Document));
            AclDocument.Merge(plan.Document, access.RedisUsers, access.Default);
            return null;
        }

        if (plan.Document.Contains("user"))
            plan.Problem("aclfile and user lines in one configuration: Redis refuses both; move the users to the ACL file");
        if (baseAclFile is not { } file)
        {
            plan.Problem($"aclfile {path}: not loaded, so that its users are unknown");
            return null;
        }

        plan.CheckDefaultUser(access, AclDocument.DefaultRules(file));
        plan.Decide("aclfile", Path.Combine(settings.RunDirectory, AclFileName));
        return AclDocument.Merge(file, access.RedisUsers, access.Default ?? RequirePass(plan));
    }

    // An ACL file without the default user would silently undo requirepass.
    private static GroupSecret? RequirePass(ServerPlanner plan)
    {
        var line = plan.Document.All("requirepass").LastOrDefault();
        if (line is null || line.Text(0).Length == 0) return null;
        if (Secret.TryParse(line.Bytes(0).Span, out var secret, out var problem)) return new GroupSecret(secret);
        plan.Problem("requirepass of the base file " + problem);
        return null;
    }
}
