using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Redis;

/// <summary>A <c>slaveN</c> line of a master's INFO.</summary>
/// <param name="Endpoint">Where it announces to listen; null where that is no address.</param>
/// <param name="State"><c>online</c>, <c>wait_bgsave</c>, <c>send_bulk</c> …</param>
/// <param name="Offset">Bytes acknowledged.</param>
/// <param name="LagSeconds">Whole seconds since its last acknowledgement; null where not sent.</param>
public sealed record InfoReplica(RedisEndpoint? Endpoint, string State, long Offset, long? LagSeconds);

/// <summary>A <c>dbN</c> line.</summary>
/// <param name="Index">N.</param>
/// <param name="Keys">Keys, expired ones not yet removed included.</param>
/// <param name="Expires">Keys with an expiry.</param>
public sealed record InfoDatabase(int Index, long Keys, long Expires);

/// <summary>
/// The reply of INFO: fields by name, and those in use with a type. A field that is absent or malformed is null: unknown, which
/// never means zero. https://redis.io/docs/latest/commands/info/.
/// </summary>
public sealed class InfoReply
{
    // INFO everything of Redis 7 has some 700 lines; without a bound 64 MiB of short lines would become gigabytes of fields.
    private const int MaxFields = 8192;
    private readonly Dictionary<string, string> _fields;

    /// <summary>Nothing is known.</summary>
    public static InfoReply Empty { get; } = new([]);

    private InfoReply(Dictionary<string, string> fields) => _fields = fields;

    /// <summary>All fields (the first 8,192).</summary>
    public IReadOnlyDictionary<string, string> Fields => _fields;

    /// <summary>40 hex digits, new at each start of the process.</summary>
    public string? RunId => Get("run_id");

    /// <summary><c>process_id</c>, in the PID namespace of the server.</summary>
    public int? ProcessId => GetInt64("process_id") is { } id and > 0 and <= int.MaxValue ? (int)id : null;

    /// <summary><c>used_memory_rss</c>, bytes.</summary>
    public long? UsedMemoryRss => GetInt64("used_memory_rss") is { } bytes and >= 0 ? bytes : null;

    /// <summary>True for <c>role:master</c>, false for <c>role:slave</c>, null for anything else (a Sentinel).</summary>
    public bool? IsMaster => Get("role") switch { "master" => true, "slave" => false, _ => null };

    /// <summary><c>master_replid</c>: the history that the data belongs to.</summary>
    public string? ReplicationId => Get("master_replid");

    /// <summary><c>master_replid2</c>: the history before the last promotion; null where there is none (all zeros).</summary>
    public string? ReplicationId2 => Get("master_replid2") is { } id && id.Trim('0').Length > 0 ? id : null;

    /// <summary><c>second_repl_offset</c>: where <see cref="ReplicationId2"/> ends; null where there is none (-1).</summary>
    public long? SecondReplicationOffset => GetInt64("second_repl_offset") is { } offset and >= 0 ? offset : null;

    /// <summary><c>master_repl_offset</c>: bytes of the replication stream, on master and replica.</summary>
    public long? MasterReplOffset => GetInt64("master_repl_offset");

    /// <summary><c>slave_repl_offset</c>: bytes received; replicas only.</summary>
    public long? SlaveReplOffset => GetInt64("slave_repl_offset");

    /// <summary>Where its data are in the replication stream: received on a replica, written on a master.</summary>
    public long? ReplicationOffset => IsMaster == false ? SlaveReplOffset ?? MasterReplOffset : MasterReplOffset;

    /// <summary><c>master_last_io_seconds_ago</c>; null on a master, and while the link is down (-1).</summary>
    public TimeSpan? MasterSilence =>
        GetInt64("master_last_io_seconds_ago") is { } seconds and >= 0 and <= int.MaxValue ? TimeSpan.FromSeconds(seconds) : null;

    /// <summary><c>master_failover_state</c>: Redis' own FAILOVER runs here.</summary>
    public bool IsFailingOver => Get("master_failover_state") is not (null or "no-failover");

    /// <summary><c>master_link_status</c>; replicas only.</summary>
    public bool? MasterLinkUp => Get("master_link_status") switch { "up" => true, "down" => false, _ => null };

    /// <summary><c>master_host</c>; replicas only.</summary>
    public string? MasterHost => Get("master_host");

    /// <summary><c>master_port</c>; replicas only.</summary>
    public long? MasterPort => GetInt64("master_port");

    /// <summary>Host and port of the master; null on a master, or where they are no address.</summary>
    public RedisEndpoint? MasterEndpoint =>
        MasterPort is { } port && ReplyText.TryEndpoint(MasterHost, port, out var endpoint) ? endpoint : null;

    /// <summary><c>master_sync_in_progress</c>: a full copy is being received.</summary>
    public bool? MasterSyncInProgress => GetTruth("master_sync_in_progress");

    /// <summary><c>loading</c>: the data set is being read from disk.</summary>
    public bool? LoadingInProgress => GetTruth("loading");

    /// <summary><c>aof_rewrite_in_progress</c>.</summary>
    public bool? AofRewriteInProgress => GetTruth("aof_rewrite_in_progress");

    /// <summary>
    /// An AOF rewrite runs or is scheduled. After a full copy the disk holds the data set before it until the rewrite ends: killed then, a
    /// server comes back with that (measured: 10 keys of 200,000).
    /// </summary>
    public bool IsRewriting => AofRewriteInProgress == true || GetTruth("aof_rewrite_scheduled") == true;

    /// <summary><c>aof_buffer_length</c>; with the AOF on only.</summary>
    public long? AofBufferLength => GetInt64("aof_buffer_length") is { } bytes and >= 0 ? bytes : null;

    /// <summary><c>aof_current_size</c>, bytes of all AOF files; with the AOF on only.</summary>
    public long? AofCurrentSize => GetInt64("aof_current_size") is { } bytes and >= 0 ? bytes : null;

    /// <summary><c>rdb_bgsave_in_progress</c>.</summary>
    public bool? RdbBgsaveInProgress => GetTruth("rdb_bgsave_in_progress");

    /// <summary><c>connected_slaves</c>.</summary>
    public long? ConnectedReplicas => GetInt64("connected_slaves");

    /// <summary><c>min_slaves_good_slaves</c>; only there while both <c>min-replicas</c> settings are above 0.</summary>
    public long? GoodReplicas => GetInt64("min_slaves_good_slaves");

    /// <summary><c>repl_backlog_active</c>. A master that started from an AOF has none until a replica asks for its stream.</summary>
    public bool? BacklogActive => GetTruth("repl_backlog_active");

    /// <summary><c>slave_priority</c>; 0 is never promoted. Replicas only.</summary>
    public long? ReplicaPriority => GetInt64("slave_priority") ?? GetInt64("replica_priority");

    /// <summary><c>redis_version</c>; Valkey sends the version of Redis it is compatible with.</summary>
    public string? RedisVersion => Get("redis_version");

    /// <summary><c>valkey_version</c>; null on Redis.</summary>
    public string? ValkeyVersion => Get("valkey_version");

    /// <summary><c>redis_mode</c>: <c>standalone</c>, <c>sentinel</c> or <c>cluster</c>.</summary>
    public string? Mode => Get("redis_mode");

    /// <summary>The <c>slaveN</c> lines, by N; malformed ones are left out.</summary>
    public IReadOnlyList<InfoReplica> Replicas => [.. Numbered("slave").Select(ParseReplica).OfType<InfoReplica>()];

    /// <summary>The <c>dbN</c> lines, by N; a database without keys has none.</summary>
    public IReadOnlyList<InfoDatabase> Databases => [.. Numbered("db").Select(ParseDatabase).OfType<InfoDatabase>()];

    /// <summary>Reads a reply; false where it is no string (an error, a null).</summary>
    public static bool TryParse(RespValue reply, [NotNullWhen(true)] out InfoReply? info)
    {
        info = reply.Kind is RespKind.BulkString or RespKind.VerbatimString ? Parse(reply.Bytes.Span) : null;
        return info is not null;
    }

    /// <summary>Reads the text of INFO. Lines that are no <c>name:value</c> are ignored; of a name given twice the first counts.</summary>
    public static InfoReply Parse(ReadOnlySpan<byte> text)
    {
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var range in text.Split((byte)'\n'))
        {
            var line = text[range].TrimEnd((byte)'\r');
            var colon = line.IndexOf((byte)':');
            if (colon <= 0 || line[0] == '#') continue;
            if (fields.Count == MaxFields) break;
            fields.TryAdd(Encoding.UTF8.GetString(line[..colon]), Encoding.UTF8.GetString(line[(colon + 1)..]));
        }

        return new InfoReply(fields);
    }

    /// <summary>Returns a field as sent, or null.</summary>
    public string? Get(string name) => _fields.GetValueOrDefault(name);

    /// <summary>Returns a field as a whole number, or null.</summary>
    public long? GetInt64(string name) => ReplyText.TryInt64(Get(name), out var number) ? number : null;

    private static InfoReplica? ParseReplica((int Index, string Text) line)
    {
        var parts = Parts(line.Text);
        if (!parts.TryGetValue("ip", out var host) || !ReplyText.TryInt64(parts.GetValueOrDefault("port"), out var port)) return null;
        if (!parts.TryGetValue("state", out var state) || !ReplyText.TryInt64(parts.GetValueOrDefault("offset"), out var offset))
            return null;
        return new InfoReplica(
            ReplyText.TryEndpoint(host, port, out var endpoint) ? endpoint : null,
            state,
            offset,
            ReplyText.TryInt64(parts.GetValueOrDefault("lag"), out var lag) ? lag : null);
    }

    private static InfoDatabase? ParseDatabase((int Index, string Text) line)
    {
        var parts = Parts(line.Text);
        return ReplyText.TryInt64(parts.GetValueOrDefault("keys"), out var keys)
            && ReplyText.TryInt64(parts.GetValueOrDefault("expires"), out var expires)
            ? new InfoDatabase(line.Index, keys, expires)
            : null;
    }

    // a=1,b=2
    private static Dictionary<string, string> Parts(string text)
    {
        var parts = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var part in text.Split(','))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0) parts.TryAdd(part[..equals], part[(equals + 1)..]);
        }

        return parts;
    }

    private bool? GetTruth(string name) => Get(name) switch { "1" => true, "0" => false, _ => null };

    private List<(int Index, string Text)> Numbered(string prefix)
    {
        var found = new List<(int Index, string Text)>();
        foreach (var (name, text) in _fields)
        {
            if (name.StartsWith(prefix, StringComparison.Ordinal)
                && int.TryParse(name.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var index))
                found.Add((index, text));
        }

        found.Sort((a, b) => a.Index.CompareTo(b.Index));
        return found;
    }
}
