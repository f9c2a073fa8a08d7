namespace Sidecars.Core.Backup;

/// <summary>Settings of an uploader.</summary>
public sealed record UploaderOptions
{
    /// <summary>This node's name: stable over restarts.</summary>
    public required string Node { get; init; }

    /// <summary>How often the tail is shipped while there is something to ship; 1 s.</summary>
    public TimeSpan Flush { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How often the AOF directory is looked at; a new file is opened by then. 250 ms: far below the time between two rewrites.</summary>
    public TimeSpan Look { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Bytes after which a segment is cut; 4 MiB.</summary>
    public long SegmentBytes { get; init; } = 4 << 20;

    /// <summary>Time between two bases; 24 h.</summary>
    public TimeSpan BaseInterval { get; init; } = TimeSpan.FromHours(24);

    /// <summary>Ask the server for a rewrite before a scheduled base, so that it is new; otherwise the last one is taken as it is.</summary>
    public bool Rewrite { get; init; } = true;

    /// <summary>How often the lease is renewed; 30 s. Each is one request.</summary>
    public TimeSpan Renew { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A lease that has not changed for so long, as seen from here, may be taken; 90 s.</summary>
    public TimeSpan LeaseLife { get; init; } = TimeSpan.FromSeconds(90);

    /// <summary>Bytes on disk that may wait for the store; beyond it the stream is given up, so that the disk does not fill. 1 GiB.</summary>
    public long MaxPendingBytes { get; init; } = 1L << 30;

    /// <summary>Bound of the drain after SIGTERM; 10 s.</summary>
    public TimeSpan DrainLimit { get; init; } = TimeSpan.FromSeconds(10);
}

/// <summary>Whether this node should become the uploader.</summary>
/// <param name="Take">Take the lease now.</param>
/// <param name="Code">For machines.</param>
/// <param name="Reason">For people.</param>
public sealed record UploaderPolicy(bool Take, string Code, string Reason)
{
    /// <summary>
    /// A replica before the master, since reading and a rewrite cost; the master when none came forward for a lease's life more. Changing the
    /// uploader costs a base, so one that has the lease keeps it whatever its role.
    /// </summary>
    /// <param name="node">This node.</param>
    /// <param name="standing">What its server is.</param>
    /// <param name="lease">As read; null where there has never been one.</param>
    /// <param name="unchanged">How long it has been the same, by this node's monotonic clock.</param>
    /// <param name="life">See <see cref="UploaderOptions.LeaseLife"/>.</param>
    public static UploaderPolicy Decide(string node, NodeStanding standing, UploaderLease? lease, TimeSpan unchanged, TimeSpan life)
    {
        if (standing == NodeStanding.Unknown) return new UploaderPolicy(false, "server_unknown", "the server beside it does not answer");
        if (standing == NodeStanding.NotInSync) return new UploaderPolicy(false, "not_in_sync", "the server beside it loads, or has no link to its master");
        if (lease?.Holder == node) return new UploaderPolicy(true, "own_lease", "the lease is this node's, from before a restart");
        var isFree = lease is null || lease.Holder.Length == 0;
        if (!isFree && unchanged < life) return new UploaderPolicy(false, "held", $"{lease!.Holder} uploads");
        if (standing != NodeStanding.Master) return new UploaderPolicy(true, "free", isFree ? "nobody uploads" : $"{lease!.Holder} has not renewed for {unchanged.TotalSeconds:0} s");
        return unchanged < (isFree ? life : life * 2)
            ? new UploaderPolicy(false, "replica_first", "a replica is given the time to take the lease")
            : new UploaderPolicy(true, "no_replica", "no replica took the lease");
    }
}
