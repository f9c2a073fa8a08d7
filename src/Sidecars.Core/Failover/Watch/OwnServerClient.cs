using System.Globalization;
using Sidecars.Core.Redis;

namespace Sidecars.Core.Failover.Watch;

/// <summary>Asks and sets the server beside this process, each time on a new connection. IO only.</summary>
/// <param name="transport">To it.</param>
/// <param name="options">Credentials and deadlines.</param>
/// <param name="freshLag">Seconds within which a replica must have acknowledged to count.</param>
public sealed class OwnServerClient(Func<IRespTransport> transport, RedisClientOptions options, int freshLag)
{
    /// <summary>Opens the connection whose end tells of a death.</summary>
    /// <exception cref="RedisConnectionException">No connection.</exception>
    public Task<RedisClient> ConnectAsync(CancellationToken cancellation) => RedisClient.ConnectAsync(transport(), options, cancellation);

    /// <summary>Looks once; never <see cref="OwnServer.Dead"/>: one refusal is no proof, the server may not have started yet.</summary>
    public async Task<OwnServer> LookAsync(CancellationToken cancellation)
    {
        try
        {
            var client = await ConnectAsync(cancellation).ConfigureAwait(false);
            await using (client.ConfigureAwait(false))
            {
                var replies = await client.PipelineAsync(
                    [RespCommand.Of("INFO"), RespCommand.Of("CONFIG", "GET", "min-replicas-*")], cancellation).ConfigureAwait(false);
                return Read(replies[0], replies[1]);
            }
        }
        catch (RedisConnectionException e)
        {
            return new OwnServer.Silent(e.Message);
        }
    }

    /// <summary>
    /// Refuses or permits writes on a master whose run id is still <paramref name="runId"/>: sets both values and, to refuse, cuts the
    /// normal clients, so that none goes on with an old answer. Null where it is done, else why not.
    /// </summary>
    public async Task<string?> SetFenceAsync(string runId, long minReplicas, long maxLag, bool cutClients, CancellationToken cancellation)
    {
        try
        {
            var client = await ConnectAsync(cancellation).ConfigureAwait(false);
            await using (client.ConfigureAwait(false))
            {
                var info = await client.CallAsync(cancellation, "INFO", "server").ConfigureAwait(false);
                if (!InfoReply.TryParse(info, out var reply) || reply.RunId != runId) return "another process answers now";
                var set = await client.CallAsync(cancellation, "CONFIG", "SET", "min-replicas-to-write", Text(minReplicas), "min-replicas-max-lag", Text(maxLag)).ConfigureAwait(false);
                if (set.IsError) return $"CONFIG SET: {set.Text}";
                if (!cutClients) return null;
                var kill = await client.CallAsync(cancellation, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes").ConfigureAwait(false);
                return kill.IsError ? $"CLIENT KILL: {kill.Text}" : null;
            }
        }
        catch (RedisConnectionException e)
        {
            return e.Message;
        }
    }

    private OwnServer Read(RespValue infoReply, RespValue config)
    {
        if (!InfoReply.TryParse(infoReply, out var info) || info.RunId is not { Length: 40 } runId || info.IsMaster is not { } isMaster)
            return new OwnServer.Silent(infoReply.IsError ? $"it answers {infoReply.Text}" : "its INFO can't be read");
        return new OwnServer.Answers
        {
            RunId = runId,
            IsMaster = isMaster,
            IsLoading = info.LoadingInProgress ?? false,
            MasterAddress = info.MasterEndpoint,
            IsLinkUp = info.MasterLinkUp ?? false,
            FreshReplicas = info.Replicas.Count(r => r.State == "online" && r.LagSeconds <= freshLag),
            MinReplicas = Number(config, "min-replicas-to-write"),
            MaxLag = Number(config, "min-replicas-max-lag"),
        };
    }

    private static long? Number(RespValue map, string name)
    {
        for (var i = 0; i + 1 < map.Items.Count; i += 2)
        {
            var text = map.Items[i + 1].Text;
            if (map.Items[i].Text == name && text.All(char.IsAsciiDigit) && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return number;
        }

        return null;
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
