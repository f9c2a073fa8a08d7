using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Redis;

/// <summary>
/// The probe's connection: plain sockets without tasks (an async socket costs a quarter of a probe's run), no TLS, no resolver
/// for an address. One deadline, counted from the connect, bounds everything by the time-outs of the socket itself, however
/// slowly the peer trickles. Not safe for concurrent use; closed by the first failure.
/// </summary>
public sealed class BlockingRedisConnection : IDisposable
{
    private readonly Socket _socket;
    private readonly CallDeadline _deadline;
    private readonly string _peer;
    private readonly RespReader _reader;
    private bool _closed;

    private BlockingRedisConnection(Socket socket, CallDeadline deadline, string peer, RespLimits? limits)
    {
        _socket = socket;
        _deadline = deadline;
        _peer = peer;
        _reader = new RespReader(limits);
    }

    /// <summary>Connects over TCP. A name is resolved by the system's resolver, whose own time-outs are not bounded by the deadline: give an address.</summary>
    /// <param name="endpoint">Where.</param>
    /// <param name="deadline">For the connection and all calls on it; more than zero.</param>
    /// <param name="time">The clock; the system's by default.</param>
    /// <param name="limits">What a reply may cost.</param>
    /// <exception cref="RedisConnectionException">No connection.</exception>
    public static BlockingRedisConnection Connect(RedisEndpoint endpoint, TimeSpan deadline, TimeProvider? time = null, RespLimits? limits = null)
    {
        var until = new CallDeadline(time ?? TimeProvider.System, deadline);
        var peer = endpoint.ToString();
        var address = IPAddress.TryParse(endpoint.Host, out var ip) ? ip : Resolve(endpoint.Host, peer);
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        return Open(socket, new IPEndPoint(address, endpoint.Port), until, peer, limits);
    }

    /// <summary>Connects to a Unix socket; otherwise like <see cref="Connect"/>.</summary>
    /// <exception cref="RedisConnectionException">No connection.</exception>
    public static BlockingRedisConnection ConnectUnix(string path, TimeSpan deadline, TimeProvider? time = null, RespLimits? limits = null)
    {
        var until = new CallDeadline(time ?? TimeProvider.System, deadline);
        UnixDomainSocketEndPoint remote;
        try
        {
            remote = new UnixDomainSocketEndPoint(path);
        }
        catch (ArgumentException exception)
        {
            throw new RedisConnectionException(RedisFailure.Unreachable, $"{path}: no usable path of a Unix socket.", exception);
        }

        return Open(new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified), remote, until, path, limits);
    }

    /// <summary>Sends AUTH with each credential in order until one is accepted; without any, nothing.</summary>
    /// <exception cref="RedisConnectionException">None was accepted (<see cref="RedisFailure.Auth"/>), or no reply.</exception>
    public void LogIn(IReadOnlyList<RedisCredential> credentials)
    {
        if (credentials.Count == 0) return;
        var login = new RedisLogin(credentials, _peer);
        while (login.TryNext(out var command))
        {
            if (login.Accept(Call(command))) return;
        }

        throw login.Failed();
    }

    /// <summary>One command, one reply. An error reply is returned, not thrown. Not for SUBSCRIBE.</summary>
    /// <exception cref="RedisConnectionException">No whole reply before the deadline.</exception>
    public RespValue Call(RespCommand command)
    {
        if (_closed) throw new RedisConnectionException(RedisFailure.Closed, $"{_peer}: the connection was closed by an earlier failure or Dispose.");
        try
        {
            Send(command);
            RespValue? value;
            while (!_reader.TryRead(out value)) Receive();
            return value;
        }
        catch (Exception exception) when (exception is SocketException or IOException or ObjectDisposedException or TimeoutException)
        {
            Dispose(); // a late reply must not be read as another's
            throw RedisConnectionException.From(exception, _peer);
        }
    }

    /// <inheritdoc cref="Call(RespCommand)"/>
    public RespValue Call(params string[] words) => Call(RespCommand.Of(words));

    /// <summary>Closes the connection.</summary>
    public void Dispose()
    {
        _closed = true;
        _socket.Dispose();
    }

    private static BlockingRedisConnection Open(Socket socket, EndPoint remote, CallDeadline deadline, string peer, RespLimits? limits)
    {
        try
        {
            // On Linux the send time-out of a blocking socket bounds connect(2) as well: socket(7).
            socket.SendTimeout = Milliseconds(deadline);
            socket.Connect(remote);
            return new BlockingRedisConnection(socket, deadline, peer, limits);
        }
        catch (Exception exception) when (exception is SocketException or IOException or TimeoutException)
        {
            socket.Dispose();
            throw RedisConnectionException.FromConnect(exception, peer);
        }
    }

    private static IPAddress Resolve(string host, string peer)
    {
        try
        {
            var addresses = Dns.GetHostAddresses(host);
            if (addresses.Length > 0) return addresses[0];
        }
        catch (Exception exception) when (exception is SocketException or ArgumentException)
        {
            throw new RedisConnectionException(RedisFailure.NameResolution, $"{peer}: {exception.Message}", exception);
        }

        throw new RedisConnectionException(RedisFailure.NameResolution, $"{peer}: the name has no address.");
    }

    // Socket time-outs are whole milliseconds and 0 means none.
    private static int Milliseconds(CallDeadline deadline)
    {
        var left = deadline.Remaining;
        return left > TimeSpan.Zero ? (int)Math.Clamp(Math.Ceiling(left.TotalMilliseconds), 1, int.MaxValue) : throw new TimeoutException();
    }

    private void Send(RespCommand command)
    {
        var output = new ArrayBufferWriter<byte>(128);
        command.WriteTo(output);
        for (var rest = output.WrittenSpan; rest.Length > 0;)
        {
            _socket.SendTimeout = Milliseconds(_deadline);
            rest = rest[_socket.Send(rest, SocketFlags.None)..];
        }

        output.Clear(); // zeroes: it may have held a password
    }

    private void Receive()
    {
        _socket.ReceiveTimeout = Milliseconds(_deadline);
        var count = _socket.Receive(_reader.GetMemory().Span, SocketFlags.None);
        if (count == 0) throw new RedisConnectionException(RedisFailure.Closed, $"{_peer}: closed by the peer{(_reader.IsBetweenValues ? "" : " in the middle of a reply")}.");
        _reader.Advance(count);
    }
}
