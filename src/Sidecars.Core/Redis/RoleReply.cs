using System.Diagnostics.CodeAnalysis;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Redis;

/// <summary>State of a replica's link to its master, as ROLE words it (replication.c, roleCommand).</summary>
public enum ReplicaLink
{
    /// <summary>A word this version does not know.</summary>
    Unknown,

    /// <summary><c>none</c>.</summary>
    None,

    /// <summary><c>connect</c>: has to connect yet.</summary>
    Connect,

    /// <summary><c>connecting</c>.</summary>
    Connecting,

    /// <summary><c>handshake</c>.</summary>
    Handshake,

    /// <summary><c>sync</c>: receives a full copy; its data is neither old nor new.</summary>
    Sync,

    /// <summary><c>connected</c>: the only state in which the offset follows the master's.</summary>
    Connected,
}

/// <summary>A replica in a master's ROLE.</summary>
/// <param name="Endpoint">Where it announces to listen; null where that is no address (a tool that announces port 0).</param>
/// <param name="Offset">Bytes of the replication stream that it has acknowledged; the master learns it once a second.</param>
public sealed record RoleReplica(RedisEndpoint? Endpoint, long Offset);

/// <summary>
/// The reply of ROLE: one of <see cref="Master"/>, <see cref="Replica"/>, <see cref="Sentinel"/>.
/// https://redis.io/docs/latest/commands/role/.
/// </summary>
public abstract record RoleReply
{
    private RoleReply()
    {
    }

    /// <summary>Reads a reply. False for errors, nulls, wrong types or too few items; items past the known ones are ignored.</summary>
    public static bool TryParse(RespValue reply, [NotNullWhen(true)] out RoleReply? role)
    {
        role = null;
        if (reply.Kind != RespKind.Array || reply.Items.Count == 0 || !ReplyText.TryText(reply.Items[0], out var name)) return false;
        role = name switch
        {
            "master" => ParseMaster(reply.Items),
            "slave" => ParseReplica(reply.Items),
            "sentinel" => ParseSentinel(reply.Items),
            _ => null,
        };
        return role is not null;
    }

    private static Master? ParseMaster(IReadOnlyList<RespValue> items)
    {
        if (items.Count < 3 || !ReplyText.TryInt64(items[1], out var offset) || items[2].Kind != RespKind.Array) return null;
        var replicas = new List<RoleReplica>();
        foreach (var item in items[2].Items)
        {
            if (item.Kind != RespKind.Array || item.Items.Count < 3) return null;
            if (!ReplyText.TryText(item.Items[0], out var host) || !ReplyText.TryInt64(item.Items[1], out var port)
                || !ReplyText.TryInt64(item.Items[2], out var acknowledged))
                return null;
            replicas.Add(new RoleReplica(ReplyText.TryEndpoint(host, port, out var endpoint) ? endpoint : null, acknowledged));
        }

        return new Master(offset, replicas);
    }

    private static Replica? ParseReplica(IReadOnlyList<RespValue> items)
    {
        if (items.Count < 5 || !ReplyText.TryText(items[1], out var host) || !ReplyText.TryInt64(items[2], out var port)) return null;
        if (!ReplyText.TryText(items[3], out var state) || !ReplyText.TryInt64(items[4], out var offset)) return null;
        if (!ReplyText.TryEndpoint(host, port, out var master)) return null;
        var link = state switch
        {
            "none" => ReplicaLink.None,
            "connect" => ReplicaLink.Connect,
            "connecting" => ReplicaLink.Connecting,
            "handshake" => ReplicaLink.Handshake,
            "sync" => ReplicaLink.Sync,
            "connected" => ReplicaLink.Connected,
            _ => ReplicaLink.Unknown,
        };
        return new Replica(master, link, offset);
    }

    private static Sentinel? ParseSentinel(IReadOnlyList<RespValue> items)
    {
        if (items.Count < 2 || items[1].Kind != RespKind.Array) return null;
        var names = new List<string>();
        foreach (var item in items[1].Items)
        {
            if (!ReplyText.TryText(item, out var name)) return null;
            names.Add(name);
        }

        return new Sentinel(names);
    }

    /// <summary>Accepts writes, unless fenced.</summary>
    /// <param name="Offset">Bytes of the replication stream written so far.</param>
    /// <param name="Replicas">Those online.</param>
    public sealed record Master(long Offset, IReadOnlyList<RoleReplica> Replicas) : RoleReply;

    /// <summary>Follows a master.</summary>
    /// <param name="Of">The master it was told to follow.</param>
    /// <param name="Link">How far it got.</param>
    /// <param name="Offset">Bytes of the replication stream received; -1 while it has none.</param>
    public sealed record Replica(RedisEndpoint Of, ReplicaLink Link, long Offset) : RoleReply;

    /// <summary>A Sentinel.</summary>
    /// <param name="MasterNames">The masters it monitors.</param>
    public sealed record Sentinel(IReadOnlyList<string> MasterNames) : RoleReply;
}
