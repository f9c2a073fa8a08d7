using System.Collections.Immutable;
using Sidecars.Core.Redis;

namespace Sidecars.Core.Backup;

/// <summary>What a server is, as far as uploading goes.</summary>
public enum NodeStanding
{
    /// <summary>It could not be asked.</summary>
    Unknown,

    /// <summary>A replica that follows its master.</summary>
    InSyncReplica,

    /// <summary>A master with replicas, any of which should upload rather.</summary>
    Master,

    /// <summary>A master without replicas.</summary>
    LoneMaster,

    /// <summary>A replica without its master, or one that is being filled.</summary>
    NotInSync,
}

/// <summary>One look at the server beside the uploader.</summary>
/// <param name="Standing">What it is.</param>
/// <param name="Version">Its version; "" where unknown.</param>
/// <param name="Databases">Keys a database; Fewest are those without expiry.</param>
public sealed record NodeSnapshot(NodeStanding Standing, string Version, ImmutableArray<DatabaseCount> Databases)
{
    /// <summary>The server could not be asked.</summary>
    public static NodeSnapshot Unknown { get; } = new(NodeStanding.Unknown, "", []);

    /// <summary>Reads INFO.</summary>
    public static NodeSnapshot Of(InfoReply info)
    {
        var standing = info.IsMaster switch
        {
            _ when info.LoadingInProgress != false => NodeStanding.NotInSync,
            true => info.ConnectedReplicas > 0 ? NodeStanding.Master : NodeStanding.LoneMaster,
            false => info is { MasterLinkUp: true, MasterSyncInProgress: not true } ? NodeStanding.InSyncReplica : NodeStanding.NotInSync,
            _ => NodeStanding.Unknown,
        };
        return new NodeSnapshot(standing, info.ValkeyVersion ?? info.RedisVersion ?? "", [.. info.Databases.Select(d => new DatabaseCount(d.Index, Math.Max(0, d.Keys - d.Expires), d.Keys))]);
    }

    /// <summary>Bounds that hold for both looks and all between them, as far as two looks can tell.</summary>
    public static ImmutableArray<DatabaseCount> Between(NodeSnapshot first, NodeSnapshot second)
    {
        if (first.Standing == NodeStanding.Unknown || second.Standing == NodeStanding.Unknown) return [];
        var indexes = first.Databases.Concat(second.Databases).Select(d => d.Index).Distinct().Order();
        return [.. indexes.Select(i => new DatabaseCount(i, Math.Min(Find(first, i).Fewest, Find(second, i).Fewest), Math.Max(Find(first, i).Most, Find(second, i).Most)))];
    }

    private static DatabaseCount Find(NodeSnapshot snapshot, int index) => snapshot.Databases.FirstOrDefault(d => d.Index == index) ?? new DatabaseCount(index, 0, 0);
}

/// <summary>Asks the server beside the uploader, on a fresh connection each time; an answer within its time-out or none.</summary>
/// <param name="transport">Where it is.</param>
/// <param name="options">Log-in and time-outs.</param>
public sealed class NodeFacts(IRespTransport transport, RedisClientOptions options)
{
    /// <summary>One look; <see cref="NodeSnapshot.Unknown"/> where there is no answer.</summary>
    public async Task<NodeSnapshot> LookAsync(CancellationToken cancellation)
    {
        try
        {
            await using var client = await RedisClient.ConnectAsync(transport, options, cancellation).ConfigureAwait(false);
            var reply = await client.CallAsync(cancellation, "INFO").ConfigureAwait(false);
            return InfoReply.TryParse(reply, out var info) ? NodeSnapshot.Of(info) : NodeSnapshot.Unknown;
        }
        catch (RedisConnectionException)
        {
            return NodeSnapshot.Unknown;
        }
    }

    /// <summary>BGREWRITEAOF: the next base will be new. False where the server did not take it.</summary>
    public async Task<bool> RewriteAsync(CancellationToken cancellation)
    {
        try
        {
            await using var client = await RedisClient.ConnectAsync(transport, options, cancellation).ConfigureAwait(false);
            return !(await client.CallAsync(cancellation, "BGREWRITEAOF").ConfigureAwait(false)).IsError;
        }
        catch (RedisConnectionException)
        {
            return false;
        }
    }
}
