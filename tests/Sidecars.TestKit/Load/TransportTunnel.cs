using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using StackExchange.Redis;
using StackExchange.Redis.Configuration;

namespace Sidecars.TestKit.Load;

/// <summary>Has StackExchange.Redis connect by a transport of ours: with TLS as the kit does it, or from another host.</summary>
internal sealed class TransportTunnel(Func<RedisEndpoint, IRespTransport> transport) : Tunnel
{
    private readonly ConcurrentDictionary<(EndPoint, ConnectionType), Stream> _streams = new();

    public override ValueTask<EndPoint?> GetSocketConnectEndpointAsync(EndPoint endpoint, CancellationToken cancellationToken) =>
        new(default(EndPoint));

    // The library gives up a stream without closing it (20 in 25 s at a server that was stopped, 3.4.35): the next one in its place does.
    public override async ValueTask<Stream?> BeforeAuthenticateAsync(
        EndPoint endpoint, ConnectionType connectionType, Socket? socket, CancellationToken cancellationToken)
    {
        if (_streams.TryRemove((endpoint, connectionType), out var last)) await last.DisposeAsync();
        return _streams[(endpoint, connectionType)] = await transport(Of(endpoint)).ConnectAsync(cancellationToken);
    }

    public override string ToString() => nameof(TransportTunnel);

    private static RedisEndpoint Of(EndPoint endpoint) => endpoint switch
    {
        IPEndPoint address => new RedisEndpoint(address.Address.ToString(), address.Port),
        DnsEndPoint name => new RedisEndpoint(name.Host, name.Port),
        _ => throw new ArgumentException($"{endpoint} is no TCP address.", nameof(endpoint)),
    };
}
