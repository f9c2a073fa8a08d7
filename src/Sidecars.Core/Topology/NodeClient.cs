using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;

namespace Sidecars.Core.Topology;

/// <summary>Looks at one Redis of the group. IO only: what it means is decided elsewhere.</summary>
/// <param name="transport">Makes the transport to an address (TCP, or TLS where configured).</param>
/// <param name="options">Credentials of our group and deadlines.</param>
public sealed class NodeClient(Func<RedisEndpoint, IRespTransport> transport, RedisClientOptions options)
{
    /// <summary>
    /// Looks once. Never throws for what a server does; <see cref="OperationCanceledException"/> only for <paramref name="cancellation"/>.
    /// </summary>
    public async Task<NodeObservation> ObserveAsync(RedisEndpoint endpoint, CancellationToken cancellation)
    {
        try
        {
            var (look, why, error) = await NodeLook.TakeAsync(transport(endpoint), options, withSettings: true, cancellation).ConfigureAwait(false);
            return look is not null ? new NodeObservation.Known(endpoint, look) : new NodeObservation.Unknown(endpoint, IsLoginError(error), why);
        }
        catch (RedisConnectionException e)
        {
            if (e.IsNoConnection) return new NodeObservation.Unreachable(endpoint, e.Message);
            // "max number of clients" also fails the login, and says nothing of whose server it is.
            return new NodeObservation.Unknown(endpoint, IsLoginError(e.ServerError), e.Message);
        }
    }

    private static bool IsLoginError(string? error) => error is not null
        && (error.StartsWith("NOAUTH", StringComparison.Ordinal) || error.StartsWith("WRONGPASS", StringComparison.Ordinal)
            || error.StartsWith("NOPERM", StringComparison.Ordinal) || error.StartsWith("ERR AUTH", StringComparison.Ordinal));
}
