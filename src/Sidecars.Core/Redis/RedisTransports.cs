using System.Net;
using System.Net.Sockets;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Redis;

/// <summary>Opens the byte stream to a server.</summary>
public interface IRespTransport
{
    /// <summary>The peer, for messages: <c>10.0.0.1:6379</c>, <c>/run/redis.sock</c>.</summary>
    string Description { get; }

    /// <summary>Opens one new connection. Cancellation abandons it and closes what was opened.</summary>
    /// <exception cref="RedisConnectionException">
    /// It failed; every reason but <see cref="RedisFailure.Auth"/> and <see cref="RedisFailure.Protocol"/> may occur.
    /// </exception>
    /// <exception cref="OperationCanceledException">
    /// Cancelled while connecting. (Cancelled in the steps before and after, the name and the handshake, it is the failure of that step.)
    /// </exception>
    ValueTask<Stream> ConnectAsync(CancellationToken cancellation);
}

/// <summary>Plain TCP, over IPv4 or IPv6, Nagle off. An address touches no resolver; the addresses of a name are tried in order.</summary>
public sealed class TcpTransport(RedisEndpoint endpoint) : IRespTransport
{
    /// <inheritdoc/>
    public string Description { get; } = endpoint.ToString();

    /// <inheritdoc/>
    public async ValueTask<Stream> ConnectAsync(CancellationToken cancellation)
    {
        IPAddress[] addresses =
            IPAddress.TryParse(endpoint.Host, out var address) ? [address] : await ResolveAsync(cancellation).ConfigureAwait(false);
        for (var i = 0; ; i++)
        {
            try
            {
                return await ConnectAsync(new IPEndPoint(addresses[i], endpoint.Port), cancellation).ConfigureAwait(false);
            }
            catch (SocketException exception)
            {
                if (i == addresses.Length - 1) throw RedisConnectionException.FromConnect(exception, Description);
            }
        }
    }

    private static async ValueTask<Stream> ConnectAsync(IPEndPoint remote, CancellationToken cancellation)
    {
        var socket = new Socket(remote.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(remote, cancellation).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task<IPAddress[]> ResolveAsync(CancellationToken cancellation)
    {
        try
        {
            // getaddrinfo itself can't be cancelled: it is left behind on its pool thread.
            var addresses = await Dns.GetHostAddressesAsync(endpoint.Host, cancellation).WaitAsync(cancellation).ConfigureAwait(false);
            if (addresses.Length > 0) return addresses;
        }
        catch (OperationCanceledException exception)
        {
            throw new RedisConnectionException(
                RedisFailure.NameResolution, $"{Description}: the name was not resolved in time.", exception);
        }
        catch (Exception exception) when (exception is SocketException or ArgumentException)
        {
            throw new RedisConnectionException(RedisFailure.NameResolution, $"{Description}: {exception.Message}", exception);
        }

        throw new RedisConnectionException(RedisFailure.NameResolution, $"{Description}: the name has no address.");
    }
}
