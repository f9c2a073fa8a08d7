namespace Sidecars.Core.Lineage;

/// <summary>What an RDB file says of itself before its first key.</summary>
/// <param name="Product"><c>REDIS</c> or <c>VALKEY</c>.</param>
/// <param name="Version">RDB version: 10 for Redis 7.0, 80 for Valkey 9.</param>
public sealed record RdbHeader(string Product, int Version)
{
    /// <summary><c>redis-ver</c> (or <c>valkey-ver</c>): the server that wrote the file.</summary>
    public string? ServerVersion { get; init; }

    /// <summary><c>ctime</c>: seconds since 1970 by the writer's clock, when the save began.</summary>
    public long? CreatedSeconds { get; init; }

    /// <summary><c>used-mem</c> in bytes when the save began.</summary>
    public long? UsedMemory { get; init; }

    /// <summary><c>repl-stream-db</c>: the database that the replication stream had selected.</summary>
    public long? ReplicationDatabase { get; init; }

    /// <summary>
    /// <c>repl-id</c> with <c>repl-offset</c>: the point in the stream that the file holds. Only there when the writer had a backlog or a
    /// master; never in the base file of an AOF (rdbPopulateSaveInfo in rdb.c; rewriteAppendOnlyFile in aof.c passes none).
    /// </summary>
    public ReplicationPosition? Position { get; init; }

    /// <summary><c>aof-base</c>: the file is the base of a multi-part AOF.</summary>
    public bool IsAofBase { get; init; }

    /// <summary>The first opcode after the auxiliary fields is EOF: a valid dataset of no keys and no functions.</summary>
    public bool HasNoKeys { get; init; }
}
