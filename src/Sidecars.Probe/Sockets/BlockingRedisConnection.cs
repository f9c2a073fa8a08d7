using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;

namespace Sidecars.Probe.Sockets;

/// <summary>
/// The probe's connection: a plain socket without tasks, threads and polls, no resolver for an
/// address, TLS only where the caller brings it. One deadline, counted from the connect, bounds everything by the time-outs of
/// the socket itself, however slowly the peer trickles. Not safe for concurrent use; closed by the first failure.
/// </summary>
public sealed class BlockingRedisConnection : IDisposable
{
    private readonly Stream _stream;
    private readonly string _peer;
    private readonly RespReader _reader;
    private RedisConnectionException? _sendFailure;
    private bool _closed;

    private BlockingRedisConnection(Stream stream, string peer, RespLimits? limits)
    {
        _stream = stream;
        _peer = peer;
        _reader = new RespReader(limits);
    }

    /// <summary>
    /// Connects over TCP. A name is resolved by the system's resolver, whose own time-outs are not bounded by the deadline: give an
    /// address.
    /// </summary>
    /// <param name="endpoint">The server.</param>
    /// <param name="deadline">For the connection and all calls on it; more than zero.</param>
    /// <param name="time">The clock; the system's by default.</param>
    /// <param name="limits">What a reply may cost.</param>
    /// <param name="secure">Wraps the connected stream, in TLS say; what it throws is a failure of the connection. Null: plain.</param>
    /// <exception cref="RedisConnectionException">No connection.</exception>
    public static BlockingRedisConnection Connect(RedisEndpoint endpoint, TimeSpan deadline, TimeProvider? time = null,
        RespLimits? limits = null, Func<Stream, Stream>? secure = null)
    {
        var until = new CallDeadline(time ?? TimeProvider.System, deadline);
        var peer = endpoint.ToString();
        var address = IPAddress.TryParse(endpoint.Host, out var ip) ? ip : Resolve(endpoint.Host, peer);
        return Open(address.AddressFamily, stream => stream.Connect(address, endpoint.Port), until, peer, limits, secure);
    }

    /// <summary>Connects to a Unix socket; otherwise like <see cref="Connect"/>.</summary>
    /// <exception cref="RedisConnectionException">No connection.</exception>
    public static BlockingRedisConnection ConnectUnix(string path, TimeSpan deadline, TimeProvider? time = null, RespLimits? limits = null)
    {
        var until = new CallDeadline(time ?? TimeProvider.System, deadline);
        if (!PosixSocket.IsPath(path))
            throw new RedisConnectionException(RedisFailure.Unreachable, $"{path}: no usable path of a Unix socket.");
        return Open(AddressFamily.Unix, stream => stream.Connect(path), until, path, limits, secure: null);
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
        Send(command);
        return Receive();
    }

    /// <inheritdoc cref="Call(RespCommand)"/>
    public RespValue Call(params string[] words) => Call(RespCommand.Of(words));

    /// <summary>
    /// Sends commands in one write: one packet, one turn of the server's event loop. Each has its reply, by <see cref="Receive"/>.
    /// A peer that closed first is reported there, after what it said: a full server names its reason and never reads.
    /// </summary>
    /// <exception cref="RedisConnectionException">The deadline is over.</exception>
    public void Send(params ReadOnlySpan<RespCommand> commands)
    {
        ThrowIfClosed();
        var output = new ArrayBufferWriter<byte>(256);
        foreach (var command in commands) command.WriteTo(output);
        try
        {
            _stream.Write(output.WrittenSpan);
        }
        catch (Exception exception) when (IsFailure(exception))
        {
            _sendFailure = RedisConnectionException.From(exception, _peer);
            if (_sendFailure.Failure == RedisFailure.Closed) return;
            Dispose();
            throw _sendFailure;
        }
        finally
        {
            output.Clear(); // zeroes: it may have held a password
        }
    }

    /// <summary>Receives the next reply.</summary>
    /// <exception cref="RedisConnectionException">No whole reply before the deadline.</exception>
    public RespValue Receive()
    {
        ThrowIfClosed();
        try
        {
            RespValue? value;
            while (!_reader.TryRead(out value)) Fill();
            return value;
        }
        catch (Exception exception) when (IsFailure(exception))
        {
            Dispose(); // a late reply must not be read as another's
            throw RedisConnectionException.From(exception, _peer);
        }
    }

    /// <summary>Closes the connection.</summary>
    public void Dispose()
    {
        _closed = true;
        _stream.Dispose();
    }

    private static BlockingRedisConnection Open(AddressFamily family, Action<DeadlineStream> connect, CallDeadline deadline, string peer,
        RespLimits? limits, Func<Stream, Stream>? secure)
    {
        var stream = new DeadlineStream(PosixSocket.Open(family, peer), deadline);
        try
        {
            connect(stream);
        }
        catch (Exception exception) when (IsFailure(exception))
        {
            stream.Dispose();
            var failure = RedisConnectionException.From(exception, peer);
            throw failure.Failure == RedisFailure.TimedOut
                ? new RedisConnectionException(RedisFailure.ConnectTimedOut, failure.Message, exception)
                : failure;
        }

        try
        {
            return new BlockingRedisConnection(secure is null ? stream : secure(stream), peer, limits);
        }
        catch (Exception exception)
        {
            stream.Dispose();
            if (IsFailure(exception)) throw RedisConnectionException.From(exception, peer);
            throw;
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

    private static bool IsFailure(Exception exception) => exception is IOException or ObjectDisposedException or TimeoutException;

    private void ThrowIfClosed()
    {
        if (_closed)
            throw new RedisConnectionException(
                RedisFailure.Closed, $"{_peer}: the connection was closed by an earlier failure or Dispose.");
    }

    private void Fill()
    {
        var count = _stream.Read(_reader.GetMemory().Span);
        if (count == 0)
            throw _sendFailure ?? new RedisConnectionException(
                RedisFailure.Closed, $"{_peer}: closed by the peer{(_reader.IsBetweenValues ? "" : " in the middle of a reply")}.");
        _reader.Advance(count);
    }
}
