using Sidecars.Backup.Retention;

namespace Sidecars.Backup.Upload;

/// <summary>Settings of an uploader.</summary>
public sealed record UploaderOptions
{
    /// <summary>This node's name: stable over restarts.</summary>
    public required string Node { get; init; }

    /// <summary>How often the tail is shipped while there is something to ship; 1 s.</summary>
    public TimeSpan Flush { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How often the AOF directory is looked at; a new file is opened by then. 250 ms: far below the time between two rewrites.
    /// </summary>
    public TimeSpan Look { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Bytes after which a segment is cut; 4 MiB.</summary>
    public long SegmentBytes { get; init; } = 4 << 20;

    /// <summary>Time between two bases; 24 h.</summary>
    public TimeSpan BaseInterval { get; init; } = TimeSpan.FromHours(24);

    /// <summary>
    /// A base is taken before <see cref="BaseInterval"/> where the tail since the last one is longer than so many times that; 4.
    /// </summary>
    public int BaseTailFactor { get; init; } = 4;

    /// <summary>And longer than so many bytes: 256 MiB, which a restore replays in seconds, whatever the base.</summary>
    public long BaseTailBytes { get; init; } = 256L << 20;

    /// <summary>At most one base in this time for a long tail: each costs the server a fork; 1 h.</summary>
    public TimeSpan BaseLeast { get; init; } = TimeSpan.FromHours(1);

    /// <summary>
    /// How often what lies in the store is looked through; 6 h. A walk is a request for every 1,000 segments of the recovery window: of a
    /// group that writes in every second, four walks a day are 3 % of the requests that shipping costs.
    /// </summary>
    public TimeSpan Walk { get; init; } = TimeSpan.FromHours(6);

    /// <summary>What is kept: what is missing of it is told.</summary>
    public RetentionRules Retention { get; init; } = new(TimeSpan.FromDays(7), 7, 4, 12);

    /// <summary>The server has no AOF: snapshots are all that there is to ship.</summary>
    public bool Snapshots { get; init; }

    /// <summary>
    /// Ask the server for a rewrite (with <see cref="Snapshots"/>: a save) before a scheduled base, so that it is new; otherwise the last
    /// one is taken as it is.
    /// </summary>
    public bool Rewrite { get; init; } = true;

    /// <summary>How often the lease is renewed; 30 s. Each is one request.</summary>
    public TimeSpan Renew { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A lease that has not changed for so long, as seen from here, may be taken; 90 s.</summary>
    public TimeSpan LeaseLife { get; init; } = TimeSpan.FromSeconds(90);

    /// <summary>
    /// A server that is down, loads, or has no link to its master for so long costs its uploader the lease; 30 s, longer than a failover.
    /// </summary>
    public TimeSpan OutOfSync { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Bytes on disk that may wait for the store; beyond it the stream is given up, so that the disk does not fill. 1 GiB.
    /// </summary>
    public long MaxPendingBytes { get; init; } = 1L << 30;

    /// <summary>Bound of the drain after SIGTERM; 10 s.</summary>
    public TimeSpan DrainLimit { get; init; } = TimeSpan.FromSeconds(10);
}
