using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;

namespace Sidecars.Core.Topology;

/// <summary>Looks at one Redis of the group. IO only: what it means is decided elsewhere.</summary>
/// <param name="transport">Makes the transport to an address (TCP, or TLS where configured).</param>
/// <param name="options">Credentials of our group and deadlines.</param>
public sealed class NodeClient(Func<RedisEndpoint, IRespTransport> transport, RedisClientOptions options)
{
    /// <summary>Looks at any server, on a connection of its own: one outlives its process behind a stable address.</summary>
    /// <param name="transport">The transport to the server.</param>
    /// <param name="options">Credentials and deadlines.</param>
    /// <param name="withSettings">False: INFO alone.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="RedisConnectionException">No reply.</exception>
    public static async Task<NodeReading> LookAsync(
        IRespTransport transport, RedisClientOptions options, bool withSettings, CancellationToken cancellation)
    {
        var client = await RedisClient.ConnectAsync(transport, options, cancellation).ConfigureAwait(false);
        await using (client.ConfigureAwait(false))
        {
            RespCommand[] commands = withSettings ? [NodeLook.InfoCommand, NodeLook.SettingsCommand] : [NodeLook.InfoCommand];
            var replies = await client.PipelineAsync(commands, cancellation).ConfigureAwait(false);
            return NodeLook.Of(replies[0], replies.ElementAtOrDefault(1));
        }
    }

    /// <summary>
    /// Looks at a node of the group. Never throws for what a server does; <see cref="OperationCanceledException"/> only for
    /// <paramref name="cancellation"/>.
    /// </summary>
    public async Task<NodeObservation> ObserveAsync(RedisEndpoint endpoint, CancellationToken cancellation)
    {
        try
        {
            var (look, why, error) = await LookAsync(transport(endpoint), options, withSettings: true, cancellation).ConfigureAwait(false);
            return look switch
            {
                null => new NodeObservation.Unknown(endpoint, RedisLogin.IsRefusal(error), why),
                { Role: NodeRole.Replica, MasterAddress: null } =>
                    new NodeObservation.Unknown(endpoint, LoginRefused: false, "whom it follows can't be read"),
                _ => new NodeObservation.Known(endpoint, look),
            };
        }
        catch (RedisConnectionException e)
        {
            if (e.IsNoConnection) return new NodeObservation.Unreachable(endpoint, e.Message);
            // "max number of clients" also fails the login, and says nothing of whose server it is.
            return new NodeObservation.Unknown(endpoint, RedisLogin.IsRefusal(e.ServerError), e.Message) { Failure = e.Failure };
        }
    }
}
