using Sidecars.Backup.Archive;
using Sidecars.Backup.Upload;
using Sidecars.Core.Primitives;

namespace Sidecars.Backup.Lease;

/// <summary>Whether this node should become the uploader.</summary>
/// <param name="Take">Take the lease now.</param>
/// <param name="Code">Stable, for machines.</param>
/// <param name="Reason">The reason, for people.</param>
public sealed record UploaderPolicy(bool Take, string Code, string Reason)
{
    /// <summary>
    /// A replica before the master, since reading and a rewrite cost; the master when none came forward for a lease's life more. Changing
    /// the uploader costs a base, so one that has the lease keeps it whatever its role.
    /// </summary>
    /// <param name="node">This node.</param>
    /// <param name="standing">The state of its server.</param>
    /// <param name="lease">As read; null where there has never been one.</param>
    /// <param name="unchanged">How long it has been the same, by this node's monotonic clock.</param>
    /// <param name="life">See <see cref="UploaderOptions.LeaseLife"/>.</param>
    public static UploaderPolicy Decide(string node, NodeStanding standing, UploaderLease? lease, TimeSpan unchanged, TimeSpan life)
    {
        if (standing == NodeStanding.Unknown) return new UploaderPolicy(false, "server_unknown", "the server beside it does not answer");
        if (standing is NodeStanding.NotInSync or NodeStanding.Down)
            return new UploaderPolicy(false, "not_in_sync", "the server beside it is not up, loads, or has no link to its master");
        if (lease?.Holder == node) return new UploaderPolicy(true, "own_lease", "the lease is this node's, from before a restart");
        var isFree = lease is null || lease.Holder.Length == 0;
        if (!isFree && unchanged < life) return new UploaderPolicy(false, "held", $"{lease!.Holder} uploads");
        if (standing != NodeStanding.Master)
            return new UploaderPolicy(
                true, "free", isFree ? "nobody uploads" : $"{lease!.Holder} has not renewed for {DurationText.About(unchanged)}");
        return unchanged < (isFree ? life : life * 2)
            ? new UploaderPolicy(false, "replica_first", "a replica is given the time to take the lease")
            : new UploaderPolicy(true, "no_replica", "no replica took the lease");
    }

    /// <summary>
    /// Whether the holder gives the lease back: its files do not grow while the group goes on elsewhere. A server that hangs, or refuses
    /// the log-in, is no reason: its files may grow all the same.
    /// </summary>
    /// <param name="standing">The state of its server.</param>
    /// <param name="since">How long it has been no server to upload from.</param>
    /// <param name="limit">See <see cref="UploaderOptions.OutOfSync"/>.</param>
    public static bool GivesBack(NodeStanding standing, TimeSpan since, TimeSpan limit) =>
        standing is NodeStanding.NotInSync or NodeStanding.Down && since >= limit;
}
