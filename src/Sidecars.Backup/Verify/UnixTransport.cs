using System.Net.Sockets;
using Sidecars.Core.Redis;

namespace Sidecars.Backup.Verify;

/// <summary>A Unix socket.</summary>
/// <param name="path">The socket file; at most 107 bytes on Linux.</param>
public sealed class UnixTransport(string path) : IRespTransport
{
    /// <inheritdoc/>
    public string Description => path;

    /// <inheritdoc/>
    public async ValueTask<Stream> ConnectAsync(CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch (Exception exception)
        {
            socket.Dispose();
            if (exception is OperationCanceledException) throw;
            throw exception is ArgumentException
                ? new RedisConnectionException(RedisFailure.Unreachable, $"{path}: no usable path of a Unix socket.", exception)
                : RedisConnectionException.FromConnect(exception, path);
        }
    }
}
