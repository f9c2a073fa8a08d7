using Sidecars.Core.Configuration;


namespace Sidecars.Bootstrap.Configuration;

/// <summary>
/// Settings of one redis-sentinel on top of the user's base file, which may also be the file that this Sentinel rewrote
/// before (its id, epochs and known servers then stay unless told otherwise). Pure.
/// </summary>
/// <remarks>
/// Sentinel rewrites its file, so it must be writable, and writes <c>auth-pass</c> and <c>sentinel-pass</c> back unquoted
/// (sentinel.c 7.0.15): with a space or a quote in a password it cannot start from what it wrote. The file is therefore
/// calculated anew at every start, and lines that Sentinel broke are dropped here by name.
/// </remarks>
public static class SentinelServerPlan
{
    /// <summary>Calculates the configuration.</summary>
    /// <param name="baseFile">The user's or the previous sentinel.conf; copied, not changed.</param>
    /// <param name="settings">The settings that overrule the base file.</param>
    public static ServerPlan Calculate(RedisConfigDocument baseFile, SentinelServerSettings settings)
    {
        var plan = new ServerPlanner(RedisConfigDocument.Of(baseFile.Lines));
        var master = settings.MasterName ?? settings.Cluster.MasterName;
        DropBrokenPasswords(plan.Document);
        plan.CheckBase();
        Check(plan, master, settings);
        plan.RunInForeground();
        plan.ListenOn(settings.Port, settings.Tls);
        plan.KeepReachable(settings.Announce);
        plan.Decide("dir", settings.RunDirectory);
        Announce(plan, settings);
        Monitor(plan, master, settings);
        Epochs(plan, master, settings);
        Known(plan, master, settings);
        Users(plan, master, settings);
        return plan.Build();
    }

    private static void Announce(ServerPlanner plan, SentinelServerSettings settings)
    {
        if (settings.MyId is { } id) plan.Decide("sentinel", "myid", id);
        plan.Decide("sentinel", "announce-ip", settings.Announce.Host);
        plan.Decide("sentinel", "announce-port", ServerPlanner.Number(settings.Announce.Port));
        // Names are resolved by a blocking call in the event loop: a slow DNS server puts Sentinel into TILT.
        plan.Document.SetDefault("sentinel", "resolve-hostnames", "no");
        plan.Document.SetDefault("sentinel", "deny-scripts-reconfig", "yes");
    }

    private static void Monitor(ServerPlanner plan, string master, SentinelServerSettings settings)
    {
        plan.Decide("sentinel", "monitor", master, settings.Master.Host, ServerPlanner.Number(settings.Master.Port),
            ServerPlanner.Number(settings.Quorum));
        plan.Decide("sentinel", "down-after-milliseconds", master, ServerPlanner.Number(settings.DownAfterMilliseconds));
        plan.Decide("sentinel", "failover-timeout", master, ServerPlanner.Number(settings.FailoverTimeoutMilliseconds));
        // One replica at a time resynchronises with the new master; the others go on serving reads.
        if (plan.Document.Lines.All(line => line.Key != $"sentinel parallel-syncs {master}"))
            plan.Decide("sentinel", "parallel-syncs", master, "1");
    }

    private static void Epochs(ServerPlanner plan, string master, SentinelServerSettings settings)
    {
        if (settings.ConfigEpoch is { } config) plan.Decide("sentinel", "config-epoch", master, ServerPlanner.Number(config));
        if (settings.CurrentEpoch is not { } current) return;
        // One more than is known: in that epoch this Sentinel may have voted before its state was lost.
        plan.Decide("sentinel", "current-epoch", ServerPlanner.Number(current + 1));
        plan.Decide("sentinel", "leader-epoch", master, ServerPlanner.Number(current + 1));
    }

    private static void Known(ServerPlanner plan, string master, SentinelServerSettings settings)
    {
        foreach (var replica in settings.KnownReplicas.Where(replica => replica != settings.Master))
            plan.Decide("sentinel", "known-replica", master, replica.Host, ServerPlanner.Number(replica.Port));
        // Peers list this address under the id that it had before, and Sentinel would take itself for another one.
        foreach (var peer in settings.KnownSentinels.Where(peer => peer.Id != settings.MyId && peer.Endpoint != settings.Announce))
            plan.Decide("sentinel", "known-sentinel", master, peer.Endpoint.Host, ServerPlanner.Number(peer.Endpoint.Port), peer.Id);
    }

    private static void Users(ServerPlanner plan, string master, SentinelServerSettings settings)
    {
        var access = new GroupAccess(settings.Cluster, settings.Secrets);
        plan.Decide("sentinel", "auth-user", master, access.Sentinel.User);
        plan.Decide("sentinel", "auth-pass", master, access.Sentinel.PasswordAtStart);
        plan.Decide("sentinel", "sentinel-user", access.Sentinel.User);
        plan.Decide("sentinel", "sentinel-pass", access.Sentinel.PasswordAtStart);
        plan.CheckDefaultUser(access, AclDocument.DefaultRules(plan.Document));
        if (plan.Document.AclFile is not null)
            plan.Problem(
                "aclfile in the base file of a Sentinel: write its users as user lines, beside which those of the group can stand");
        AclDocument.Merge(plan.Document, access.SentinelUsers, access.Default);
        // Whoever may publish a hello here may name any address as master (sentinel.c, sentinelPublishCommand). No client needs it.
        AclDocument.Deny(plan.Document, access.SentinelUsers, "-publish");
    }

    private static void Check(ServerPlanner plan, string master, SentinelServerSettings settings)
    {
        if (settings.MyId is { } id && !IsRunId(id)) plan.Problem("sentinel myid: must be 40 lower-case hex digits");
        foreach (var peer in settings.KnownSentinels.Where(peer => !IsRunId(peer.Id)))
            plan.Problem($"sentinel known-sentinel {peer.Endpoint}: its id must be 40 lower-case hex digits");
        foreach (var endpoint in settings.KnownReplicas.Append(settings.Master).Append(settings.Announce))
            if (!endpoint.IsAddress && !ResolvesNames(plan.Document))
                plan.Problem($"{endpoint} is a name, and sentinel resolve-hostnames is off: give an IP address");
        foreach (var line in plan.Document.All("sentinel")
            .Where(line => ConfigLine.Canonical(line.Text(0)) == "monitor" && line.Text(1) != master))
            plan.Problem(
                $"sentinel monitor {line.Text(1)} in the base file: this Sentinel is for {master} only; remove it or name the master so");
    }

    private static bool ResolvesNames(RedisConfigDocument document) =>
        document.Lines.LastOrDefault(line => line.Key == "sentinel resolve-hostnames") is { } line
        && string.Equals(line.Text(1), "yes", StringComparison.OrdinalIgnoreCase);

    private static bool IsRunId(string id) => id.Length == 40 && id.All(char.IsAsciiHexDigitLower);

    private static void DropBrokenPasswords(RedisConfigDocument document) => document.RemoveWhere(line =>
    {
        var text = line.Raw.Span.TrimStart(" \t"u8);
        return text.StartsWith("sentinel auth-pass "u8) || text.StartsWith("sentinel sentinel-pass "u8);
    });
}
