using System.Globalization;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;

namespace Sidecars.Core.Topology;

/// <summary>Asks one Redis for its role. IO only: what it means is decided elsewhere.</summary>
/// <param name="transport">Makes the transport to an address (TCP, or TLS where configured).</param>
/// <param name="options">Credentials of our group and deadlines.</param>
public sealed class NodeClient(Func<RedisEndpoint, IRespTransport> transport, RedisClientOptions options)
{
    /// <summary>
    /// Connects anew (a connection outlives its process behind a stable address), logs in, and reads ROLE and INFO.
    /// Never throws for what a server does; <see cref="OperationCanceledException"/> only for <paramref name="cancellation"/>.
    /// </summary>
    public async Task<NodeObservation> ObserveAsync(RedisEndpoint endpoint, CancellationToken cancellation)
    {
        try
        {
            var client = await RedisClient.ConnectAsync(transport(endpoint), options, cancellation).ConfigureAwait(false);
            await using (client.ConfigureAwait(false))
            {
                var replies = await client.PipelineAsync(
                    [RespCommand.Of("ROLE"), RespCommand.Of("INFO"), RespCommand.Of("CONFIG", "GET", "replica-announce-*")], cancellation).ConfigureAwait(false);
                return Read(endpoint, replies[0], replies[1], replies[2]);
            }
        }
        catch (RedisConnectionException e)
        {
            if (e.IsNoConnection) return new NodeObservation.Unreachable(endpoint, e.Message);
            // "max number of clients" also fails the login, and says nothing of whose server it is.
            return new NodeObservation.Unknown(endpoint, LoginRefused: e.ServerError is { } error && IsLoginError(error), e.Message);
        }
    }

    private static NodeObservation Read(RedisEndpoint endpoint, RespValue roleReply, RespValue infoReply, RespValue announceReply)
    {
        if (roleReply.IsError) return Refused(endpoint, roleReply);
        if (infoReply.IsError) return Refused(endpoint, infoReply);
        if (!RoleReply.TryParse(roleReply, out var role)) return new NodeObservation.Unknown(endpoint, false, "its ROLE reply can't be read");
        if (!InfoReply.TryParse(infoReply, out var info) || string.IsNullOrEmpty(info.RunId)) return new NodeObservation.Unknown(endpoint, false, "its INFO has no run_id");
        var view = new NodeView
        {
            RunId = info.RunId,
            Role = NodeRole.Master,
            ReplicationId = info.ReplicationId ?? "",
            PreviousReplicationId = info.ReplicationId2 ?? "",
            PreviousEnded = info.SecondReplicationOffset,
            Offset = info.MasterReplOffset ?? 0,
            Loading = info.LoadingInProgress ?? false,
            Keys = info.Databases.Sum(d => d.Keys),
            Announced = Announced(announceReply),
        };
        return role switch
        {
            RoleReply.Master => new NodeObservation.Known(endpoint, view),
            RoleReply.Replica replica => new NodeObservation.Known(endpoint, view with
            {
                Role = NodeRole.Replica,
                MasterAddress = replica.Of,
                MasterLinkUp = info.MasterLinkUp ?? false,
                SyncInProgress = info.MasterSyncInProgress ?? replica.Link == ReplicaLink.Sync,
                Offset = info.SlaveReplOffset ?? view.Offset,
            }),
            _ => new NodeObservation.Unknown(endpoint, false, "it is a Sentinel, no Redis"),
        };
    }

    // Flat array (RESP2) or map (RESP3) of names and values; empty ip or port 0 where nothing is announced.
    private static RedisEndpoint? Announced(RespValue reply)
    {
        string host = "", port = "";
        for (var i = 0; i + 1 < reply.Items.Count; i += 2)
        {
            if (reply.Items[i].Text == "replica-announce-ip") host = reply.Items[i + 1].Text;
            if (reply.Items[i].Text == "replica-announce-port") port = reply.Items[i + 1].Text;
        }

        return int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && RedisEndpoint.TryParse(host, number, out var endpoint) ? endpoint : null;
    }

    private static NodeObservation.Unknown Refused(RedisEndpoint endpoint, RespValue error) =>
        new(endpoint, LoginRefused: IsLoginError(error.Text), $"it answers {error.Text}");

    private static bool IsLoginError(string error) =>
        error.StartsWith("NOAUTH", StringComparison.Ordinal) || error.StartsWith("WRONGPASS", StringComparison.Ordinal)
        || error.StartsWith("NOPERM", StringComparison.Ordinal) || error.StartsWith("ERR AUTH", StringComparison.Ordinal);
}
