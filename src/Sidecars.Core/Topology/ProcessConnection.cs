using Sidecars.Core.Redis;

namespace Sidecars.Core.Topology;

/// <summary>
/// A connection to one process: what was decided for it is done to it or to nobody, whatever answers at its address by then.
/// </summary>
/// <param name="Client">The connection; the holder closes it.</param>
/// <param name="Info">What the process said when it was opened.</param>
/// <param name="Replies">To the commands that were sent with the question.</param>
public sealed record ProcessConnection(RedisClient Client, InfoReply Info, IReadOnlyList<RespValue> Replies)
{
    /// <summary>Opens one; null, with the reason, where that process does not answer there.</summary>
    /// <param name="transport">To where it was.</param>
    /// <param name="options">Credentials and deadlines.</param>
    /// <param name="runId">The process.</param>
    /// <param name="info">INFO, of the sections that the caller needs, <c>server</c> among them.</param>
    /// <param name="more">Sent in the same write.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task<(ProcessConnection? Connection, string Why)> OpenAsync(
        IRespTransport transport, RedisClientOptions options, string runId, RespCommand info, RespCommand[] more,
        CancellationToken cancellation)
    {
        RedisClient? client = null;
        try
        {
            client = await RedisClient.ConnectAsync(transport, options, cancellation).ConfigureAwait(false);
            var replies = await client.PipelineAsync([info, .. more], cancellation).ConfigureAwait(false);
            if (!InfoReply.TryParse(replies[0], out var reply) || reply.RunId != runId)
                return (null, $"another process answers at {transport.Description} now");
            var opened = new ProcessConnection(client, reply, [.. replies.Skip(1)]);
            client = null;
            return (opened, "");
        }
        catch (RedisConnectionException e)
        {
            return (null, e.Message);
        }
        finally
        {
            if (client is not null) await client.DisposeAsync().ConfigureAwait(false);
        }
    }
}
