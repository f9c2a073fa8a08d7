using System.Net.Sockets;

namespace Sidecars.Core.Redis;

/// <summary>Why there is no reply.</summary>
public enum RedisFailure
{
    /// <summary>Nobody listens there (or no such Unix socket): the process is down, the host answers.</summary>
    Refused,

    /// <summary>No route, host down, no permission.</summary>
    Unreachable,

    /// <summary>No connection within the deadline: a black hole (a dead node, an address that leads nowhere), or a full backlog.</summary>
    ConnectTimedOut,

    /// <summary>Connected, but no whole reply (or TLS handshake) within the deadline: something is there, and hangs.</summary>
    TimedOut,

    /// <summary>Closed or reset by the peer, or closed here before: by Dispose, or because an earlier call failed.</summary>
    Closed,

    /// <summary>The peer does not speak RESP, or goes past a limit.</summary>
    Protocol,

    /// <summary>The handshake failed: certificate not trusted, name wrong, files unreadable, or the peer speaks no TLS.</summary>
    Tls,

    /// <summary>The server answered AUTH with an error, kept in <see cref="RedisConnectionException.ServerError"/>.</summary>
    Auth,

    /// <summary>The name could not be resolved, or not in time.</summary>
    NameResolution,
}

/// <summary>No reply, and why. The connection can't be used any more. (An error reply is a value, not an exception.)</summary>
public sealed class RedisConnectionException(RedisFailure failure, string message, Exception? inner = null) : IOException(message, inner)
{
    /// <summary>What kind of failure it is.</summary>
    public RedisFailure Failure { get; } = failure;

    /// <summary>True where no connection came about: nothing is known of a process there, not even that there is one.</summary>
    public bool IsNoConnection =>
        Failure is RedisFailure.Refused or RedisFailure.Unreachable or RedisFailure.NameResolution or RedisFailure.ConnectTimedOut;

    /// <summary>
    /// What the server said to AUTH (<see cref="RedisFailure.Auth"/>): a proof that it is alive. Holds no password. Else null.
    /// </summary>
    public string? ServerError { get; init; }

    /// <summary>The exception of a socket, stream or reader as one of ours; the message names the peer.</summary>
    internal static RedisConnectionException From(Exception exception, string peer) => exception switch
    {
        RedisConnectionException own => own,
        RespProtocolException => new(RedisFailure.Protocol, $"{peer}: {exception.Message}", exception),
        TimeoutException => new(RedisFailure.TimedOut, $"{peer}: no answer within the deadline.", exception),
        SocketException socket => new(Classify(socket.SocketErrorCode), $"{peer}: {socket.Message}", exception),
        IOException { InnerException: SocketException socket } =>
            new(Classify(socket.SocketErrorCode), $"{peer}: {socket.Message}", exception),

        // A NetworkStream wraps a SocketException always; an alert of the peer (TLS 1.3 refuses a client certificate that late) is the
        // other inner one.
        IOException { InnerException: not null and not ObjectDisposedException } =>
            new(RedisFailure.Tls, $"{peer}: {exception.Message}", exception),
        _ => new(RedisFailure.Closed, $"{peer}: {exception.Message}", exception),
    };

    /// <summary><see cref="From"/> while connecting, where a time-out says something else.</summary>
    internal static RedisConnectionException FromConnect(Exception exception, string peer)
    {
        var failure = From(exception, peer);
        return failure.Failure == RedisFailure.TimedOut && !ReferenceEquals(failure, exception)
            ? new(RedisFailure.ConnectTimedOut, $"{peer}: no connection within the deadline.", exception)
            : failure;
    }

    private static RedisFailure Classify(SocketError error) => error switch
    {
        // A missing Unix socket file is AddressNotAvailable here: nobody listens.
        SocketError.ConnectionRefused or SocketError.AddressNotAvailable => RedisFailure.Refused,
        SocketError.TimedOut or SocketError.WouldBlock or SocketError.InProgress => RedisFailure.TimedOut,
        SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.Shutdown or SocketError.OperationAborted
            or SocketError.NotConnected or SocketError.Interrupted => RedisFailure.Closed,
        SocketError.HostNotFound or SocketError.TryAgain or SocketError.NoData or SocketError.NoRecovery => RedisFailure.NameResolution,
        _ => RedisFailure.Unreachable,
    };
}
