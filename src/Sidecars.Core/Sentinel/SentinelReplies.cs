using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;

namespace Sidecars.Core.Sentinel;

/// <summary>
/// Replies of Sentinel's commands → types. Nothing here throws on bad input. Field names and types are those of
/// <c>addReplySentinelRedisInstance</c> in Redis' sentinel.c: flat name/value arrays in RESP2, maps in RESP3.
/// </summary>
public static class SentinelReplies
{
    /// <summary>Parses the reply to <c>SENTINEL MYID</c>: 40 hex digits.</summary>
    public static bool TryParseMyId(RespValue reply, [NotNullWhen(true)] out string? myId)
    {
        var text = reply.Kind is RespKind.BulkString or RespKind.SimpleString ? reply.Text : "";
        myId = text.Length == 40 && text.All(char.IsAsciiHexDigit) ? text : null;
        return myId is not null;
    }

    /// <summary>
    /// <c>SENTINEL GET-MASTER-ADDR-BY-NAME</c>: two strings, or null where the name is unknown (then <paramref name="address"/> is null).
    /// </summary>
    public static bool TryParseAddress(RespValue reply, out RedisEndpoint? address)
    {
        address = null;
        if (reply.IsNull) return true;
        if (reply.Kind != RespKind.Array || reply.Items.Count != 2) return false;
        address = Endpoint(reply.Items[0].Text, reply.Items[1].Text);
        return address is not null;
    }

    /// <summary><c>SENTINEL MASTER name</c>. The address is the one given, see <see cref="SentinelMaster.Address"/>.</summary>
    public static bool TryParseMaster(RespValue reply, RedisEndpoint address, [NotNullWhen(true)] out SentinelMaster? master)
    {
        master = null;
        if (!TryFields(reply, out var fields) || !fields.TryGetValue("flags", out var flags)) return false;
        if (!TryEpoch(fields, "config-epoch", out var epoch)) return false;
        TryNumber(fields, "quorum", out var quorum);
        master = new SentinelMaster
        {
            Address = address,
            Monitored = Endpoint(fields.GetValueOrDefault("ip", ""), fields.GetValueOrDefault("port", "")),
            FailoverState = fields.GetValueOrDefault("failover-state", ""),
            RunId = fields.GetValueOrDefault("runid", ""),
            Flags = flags,
            ConfigEpoch = epoch,
            Quorum = (int)Math.Clamp(quorum, 0, int.MaxValue),
            RoleReported = fields.GetValueOrDefault("role-reported", ""),
        };
        return true;
    }

    /// <summary><c>SENTINEL REPLICAS name</c>. An item without a usable address is left out: it can't be promoted either.</summary>
    public static bool TryParseReplicas(RespValue reply, out ImmutableArray<SentinelReplica> replicas)
    {
        replicas = [];
        if (reply.Kind is not (RespKind.Array or RespKind.Set)) return false;
        var result = ImmutableArray.CreateBuilder<SentinelReplica>(reply.Items.Count);
        foreach (var item in reply.Items)
        {
            if (!TryFields(item, out var fields)) return false;
            if (Endpoint(fields.GetValueOrDefault("ip", ""), fields.GetValueOrDefault("port", "")) is not { } address) continue;
            TryNumber(fields, "slave-priority", out var priority);
            TryNumber(fields, "slave-repl-offset", out var offset);
            result.Add(new SentinelReplica
            {
                Address = address,
                RunId = fields.GetValueOrDefault("runid", ""),
                Flags = fields.GetValueOrDefault("flags", ""),
                Priority = (int)Math.Clamp(priority, 0, int.MaxValue),
                Offset = offset,
                MasterLinkStatus = fields.GetValueOrDefault("master-link-status", ""),
            });
        }

        replicas = result.ToImmutable();
        return true;
    }

    /// <summary><c>SENTINEL SENTINELS name</c>. An item without id or address is left out.</summary>
    public static bool TryParseOthers(RespValue reply, out ImmutableArray<SentinelPeer> others)
    {
        others = [];
        if (reply.Kind is not (RespKind.Array or RespKind.Set)) return false;
        var result = ImmutableArray.CreateBuilder<SentinelPeer>(reply.Items.Count);
        foreach (var item in reply.Items)
        {
            if (!TryFields(item, out var fields)) return false;
            if (Endpoint(fields.GetValueOrDefault("ip", ""), fields.GetValueOrDefault("port", "")) is not { } address) continue;
            var id = fields.GetValueOrDefault("runid", "");
            if (id.Length == 0) continue;
            TryEpoch(fields, "voted-leader-epoch", out var voted);
            result.Add(
                new SentinelPeer { Address = address, MyId = id, Flags = fields.GetValueOrDefault("flags", ""), VotedEpoch = voted });
        }

        others = result.ToImmutable();
        return true;
    }

    private static bool TryFields(RespValue reply, out Dictionary<string, string> fields)
    {
        fields = [];
        if (reply.Kind is not (RespKind.Array or RespKind.Map) || reply.Items.Count % 2 != 0) return false;
        for (var i = 0; i < reply.Items.Count; i += 2) fields[reply.Items[i].Text] = reply.Items[i + 1].Text;
        return true;
    }

    private static bool TryNumber(Dictionary<string, string> fields, string name, out long value)
    {
        value = 0;
        return fields.TryGetValue(name, out var text)
            && long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);
    }

    // Sentinel counts without a sign, takes any number from a hello, and shows it with one (addReplyBulkLongLong): what is below 0 is
    // beyond a long. That is beyond reason, and still an answer.
    private static bool TryEpoch(Dictionary<string, string> fields, string name, out long epoch)
    {
        var isNumber = TryNumber(fields, name, out epoch);
        if (epoch < 0) epoch = long.MaxValue;
        return isNumber;
    }

    // Sentinel shows port 0 and an empty ip for what it has not resolved.
    private static RedisEndpoint? Endpoint(string host, string portText) =>
        int.TryParse(portText, NumberStyles.None, CultureInfo.InvariantCulture, out var port)
        && (!host.Contains(':', StringComparison.Ordinal) || System.Net.IPAddress.TryParse(host, out _))
        && RedisEndpoint.TryParse(host, port, out var endpoint)
            ? endpoint
            : null;
}
