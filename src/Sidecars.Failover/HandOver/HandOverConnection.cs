using System.Globalization;
using Sidecars.Core.Redis;

namespace Sidecars.Failover.HandOver;

/// <summary>
/// A connection to one process, verified by its run id, that changes it. IO only. What was sent on it can be called off: a fresh
/// connection kills it by <see cref="Id"/>, and after that what it carried is done or never will be.
/// </summary>
public sealed class HandOverConnection : IAsyncDisposable
{
    private readonly RedisClient _client;

    internal HandOverConnection(RedisClient client, long id) => (_client, Id) = (client, id);

    /// <summary>Redis' CLIENT ID of this connection.</summary>
    public long Id { get; }

    /// <summary>
    /// MULTI, commands, EXEC. Done where the <em>first</em> command was executed without an error: it is the one that changes the
    /// role, and Redis goes on after an error within a transaction.
    /// </summary>
    public async Task<StepOutcome> TransactAsync(IReadOnlyList<RespCommand> commands, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(commands);
        try
        {
            var replies = await _client.PipelineAsync(
                [RespCommand.Of("MULTI"), .. commands, RespCommand.Of("EXEC")], cancellation).ConfigureAwait(false);
            var executed = replies[^1];
            return !executed.IsError && executed.Items.Count == commands.Count && !executed.Items[0].IsError
                ? StepOutcome.Done
                : StepOutcome.Refused;
        }
        catch (RedisConnectionException)
        {
            return StepOutcome.Unknown;
        }
    }

    /// <summary>Commands in one write; Done where none was refused.</summary>
    public async Task<StepOutcome> SendAsync(IReadOnlyList<RespCommand> commands, CancellationToken cancellation)
    {
        try
        {
            var replies = await _client.PipelineAsync(commands, cancellation).ConfigureAwait(false);
            return replies.Any(r => r.IsError) ? StepOutcome.Refused : StepOutcome.Done;
        }
        catch (RedisConnectionException)
        {
            return StepOutcome.Unknown;
        }
    }

    /// <summary>Reads the current replication id and offset, and the priority of a replica; null: no answer.</summary>
    public async Task<(string ReplicationId, long Offset, long? Priority)?> OffsetAsync(CancellationToken cancellation)
    {
        try
        {
            var reply = await _client.CallAsync(cancellation, "INFO", "replication").ConfigureAwait(false);
            if (!InfoReply.TryParse(reply, out var info) || info.ReplicationId is not { } id) return null;
            return info.ReplicationOffset is { } offset ? (id, offset, info.ReplicaPriority) : null;
        }
        catch (RedisConnectionException)
        {
            return null;
        }
    }

    /// <summary>Reads the current <c>min-replicas-to-write</c>; null: no answer, or not readable.</summary>
    public async Task<long?> MinReplicasAsync(CancellationToken cancellation) =>
        (await ConfigAsync(HandOverClient.MinReplicas, cancellation).ConfigureAwait(false))?.MinReplicas;

    /// <summary>Reads the current <c>replica-priority</c>; null: no answer, or not readable.</summary>
    public async Task<int?> PriorityAsync(CancellationToken cancellation) =>
        (await ConfigAsync(HandOverClient.Priority, cancellation).ConfigureAwait(false))?.Priority;

    /// <summary>Reads the current ROLE; null: no answer.</summary>
    public async Task<RoleReply?> RoleAsync(CancellationToken cancellation)
    {
        try
        {
            return RoleReply.TryParse(await _client.CallAsync(cancellation, "ROLE").ConfigureAwait(false), out var role) ? role : null;
        }
        catch (RedisConnectionException)
        {
            return null;
        }
    }

    /// <summary>Closes another connection of the same server; false: no answer.</summary>
    public async Task<bool> KillAsync(long id, CancellationToken cancellation)
    {
        try
        {
            var reply = await _client.CallAsync(
                cancellation, "CLIENT", "KILL", "ID", id.ToString(CultureInfo.InvariantCulture)).ConfigureAwait(false);
            return !reply.IsError;
        }
        catch (RedisConnectionException)
        {
            return false;
        }
    }

    private async Task<ConfigReply?> ConfigAsync(string name, CancellationToken cancellation)
    {
        try
        {
            return new ConfigReply(await _client.CallAsync(cancellation, "CONFIG", "GET", name).ConfigureAwait(false));
        }
        catch (RedisConnectionException)
        {
            return null;
        }
    }

    /// <summary>Closes it.</summary>
    public ValueTask DisposeAsync() => _client.DisposeAsync();
}
