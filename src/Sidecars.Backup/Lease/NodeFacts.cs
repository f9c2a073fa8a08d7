using System.Collections.Immutable;
using Sidecars.Backup.Archive;
using Sidecars.Core.Redis;
using Sidecars.Core.Topology;

namespace Sidecars.Backup.Lease;

/// <summary>Whether a server's files are current, and whether it should upload.</summary>
public enum NodeStanding
{
    /// <summary>It could not be asked.</summary>
    Unknown,

    /// <summary>A replica that follows its master.</summary>
    InSyncReplica,

    /// <summary>A master with replicas, any of which should upload in its place.</summary>
    Master,

    /// <summary>A master without replicas.</summary>
    LoneMaster,

    /// <summary>A replica without a link to its master, or in a full sync.</summary>
    NotInSync,

    /// <summary>Nobody listens there.</summary>
    Down,
}

/// <summary>One look at the server beside the uploader.</summary>
/// <param name="Standing">Its role and state.</param>
/// <param name="Version">Its version; "" where unknown.</param>
/// <param name="Databases">Keys per database; Fewest are those without an expiry.</param>
public sealed record NodeSnapshot(NodeStanding Standing, string Version, ImmutableArray<DatabaseCount> Databases)
{
    private const long MaxSilence = 86_400; // a silent link is closed long before (repl-timeout)

    /// <summary>The server could not be asked.</summary>
    public static NodeSnapshot Unknown { get; } = new(NodeStanding.Unknown, "", []);

    /// <summary>Nobody listens there.</summary>
    public static NodeSnapshot Down { get; } = new(NodeStanding.Down, "", []);

    /// <summary>Its product (<see cref="ServerProduct"/>); "" where unknown.</summary>
    public string Product { get; init; } = "";

    /// <summary>
    /// On a replica, the longest since it heard its master (<c>master_last_io_seconds_ago</c>, whole seconds); zero on a master.
    /// </summary>
    public TimeSpan HeardAgo { get; init; }

    /// <summary>Whether its files hold what the group acknowledges.</summary>
    public bool IsCurrent => Standing is NodeStanding.InSyncReplica or NodeStanding.Master or NodeStanding.LoneMaster;

    /// <summary>Takes the facts from a look at the node.</summary>
    public static NodeSnapshot Of(NodeLook look)
    {
        ArgumentNullException.ThrowIfNull(look);
        var (info, isReplica) = (look.Info, look.Role == NodeRole.Replica);
        var standing = info.LoadingInProgress != false ? NodeStanding.NotInSync
            : isReplica ? look is { MasterLinkUp: true, SyncInProgress: false } ? NodeStanding.InSyncReplica : NodeStanding.NotInSync
            : info.ConnectedReplicas > 0 ? NodeStanding.Master : NodeStanding.LoneMaster;
        var (product, version) = ServerProduct.Of(info);
        return new NodeSnapshot(
            standing, version, [.. info.Databases.Select(d => new DatabaseCount(d.Index, Math.Max(0, d.Keys - d.Expires), d.Keys))])
        {
            Product = product,
            HeardAgo = isReplica ? TimeSpan.FromSeconds(1 + Math.Min(look.Silence?.TotalSeconds ?? 0, MaxSilence)) : TimeSpan.Zero,
        };
    }

    /// <summary>Bounds that hold for both looks and all between them, as far as two looks can tell.</summary>
    public static ImmutableArray<DatabaseCount> Between(NodeSnapshot first, NodeSnapshot second)
    {
        if (first.Standing is NodeStanding.Unknown or NodeStanding.Down || second.Standing is NodeStanding.Unknown or NodeStanding.Down)
            return [];
        var indexes = first.Databases.Concat(second.Databases).Select(d => d.Index).Distinct().Order();
        return [.. indexes.Select(i => new DatabaseCount(
            i, Math.Min(Find(first, i).Fewest, Find(second, i).Fewest), Math.Max(Find(first, i).Most, Find(second, i).Most)))];
    }

    private static DatabaseCount Find(NodeSnapshot snapshot, int index) =>
        snapshot.Databases.FirstOrDefault(d => d.Index == index) ?? new DatabaseCount(index, 0, 0);
}

/// <summary>Asks the server beside the uploader, on a fresh connection each time; an answer within its time-out or none.</summary>
/// <param name="transport">The transport to the server.</param>
/// <param name="options">Log-in and time-outs.</param>
public sealed class NodeFacts(IRespTransport transport, RedisClientOptions options)
{
    /// <summary>Where it is asked, for messages.</summary>
    public string Server => transport.Description;

    /// <summary>
    /// One look; <see cref="NodeSnapshot.Unknown"/> where there is no answer, <see cref="NodeSnapshot.Down"/> where nobody listens.
    /// </summary>
    public async Task<NodeSnapshot> LookAsync(CancellationToken cancellation)
    {
        try
        {
            var (look, _, _) = await NodeClient.LookAsync(transport, options, withSettings: false, cancellation).ConfigureAwait(false);
            return look is not null ? NodeSnapshot.Of(look) : NodeSnapshot.Unknown;
        }
        catch (RedisConnectionException e)
        {
            return e.Failure == RedisFailure.Refused ? NodeSnapshot.Down : NodeSnapshot.Unknown;
        }
    }

    /// <summary>BGREWRITEAOF: the next base will be new. Null where the server took it; else what it said.</summary>
    public Task<string?> RewriteAsync(CancellationToken cancellation) => OrderAsync("BGREWRITEAOF", cancellation);

    /// <summary>BGSAVE. Null where the server took it; else what it said, as while another save or a rewrite runs.</summary>
    public Task<string?> SaveAsync(CancellationToken cancellation) => OrderAsync("BGSAVE", cancellation);

    /// <summary>How the last BGSAVE stands: null while it runs, and where the server could not be asked.</summary>
    public async Task<bool?> LastSaveSucceededAsync(CancellationToken cancellation)
    {
        try
        {
            await using var client = await RedisClient.ConnectAsync(transport, options, cancellation).ConfigureAwait(false);
            var reply = await client.CallAsync(cancellation, "INFO", "persistence").ConfigureAwait(false);
            return InfoReply.TryParse(reply, out var info) && info.RdbBgsaveInProgress == false
                ? info.Get("rdb_last_bgsave_status") == "ok"
                : null;
        }
        catch (RedisConnectionException)
        {
            return null;
        }
    }

    private async Task<string?> OrderAsync(string command, CancellationToken cancellation)
    {
        try
        {
            await using var client = await RedisClient.ConnectAsync(transport, options, cancellation).ConfigureAwait(false);
            var reply = await client.CallAsync(cancellation, command).ConfigureAwait(false);
            return reply.IsError ? reply.Text : null;
        }
        catch (RedisConnectionException e)
        {
            return e.Message;
        }
    }
}
