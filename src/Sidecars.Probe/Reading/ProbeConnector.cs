using System.Net;
using System.Net.Sockets;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Probe.Sockets;

namespace Sidecars.Probe.Reading;

/// <summary>Connects without ever waiting for a resolver longer than the budget.</summary>
public static class ProbeConnector
{
    /// <summary>Connects within the budget, which then bounds every call on the connection.</summary>
    /// <exception cref="RedisConnectionException">No connection.</exception>
    public static BlockingRedisConnection Connect(
        RedisEndpoint endpoint, TimeSpan budget, TimeProvider time, RespLimits limits, Func<Stream, string, Stream>? secure)
    {
        var deadline = new CallDeadline(time, budget);
        Func<Stream, Stream>? wrap = secure is null ? null : stream => secure(stream, endpoint.Host);
        if (IPAddress.TryParse(endpoint.Host, out _))
            return BlockingRedisConnection.Connect(endpoint, Left(deadline, endpoint), time, limits, wrap);
        var addresses = Resolve(endpoint.Host, budget);
        if (addresses.Length == 0)
            throw new RedisConnectionException(RedisFailure.NameResolution, endpoint.ToString() + ": the name was not resolved in time.");
        return ConnectToAny(addresses, endpoint, deadline.Remaining, time, limits, wrap);
    }

    /// <summary>Connects to the first of a name's addresses where somebody listens.</summary>
    /// <exception cref="RedisConnectionException">No connection; of several failures the last.</exception>
    public static BlockingRedisConnection ConnectToAny(
        IReadOnlyList<IPAddress> addresses, RedisEndpoint endpoint, TimeSpan budget, TimeProvider time, RespLimits limits,
        Func<Stream, Stream>? wrap)
    {
        var deadline = new CallDeadline(time, budget);
        for (var i = 0; ; i++)
        {
            var target = new RedisEndpoint(addresses[i].ToString(), endpoint.Port);
            try
            {
                return BlockingRedisConnection.Connect(target, Left(deadline, endpoint), time, limits, wrap);
            }
            catch (RedisConnectionException exception)
                when (i + 1 < addresses.Count && exception.Failure is RedisFailure.Refused or RedisFailure.Unreachable)
            {
                // localhost is ::1 first, and the server may listen on 127.0.0.1 alone.
            }
        }
    }

    private static TimeSpan Left(CallDeadline deadline, RedisEndpoint endpoint) => deadline.Remaining is var left && left > TimeSpan.Zero
        ? left
        : throw new RedisConnectionException(RedisFailure.ConnectTimedOut, endpoint.ToString() + ": no time is left.");

    /// <summary>
    /// The addresses of a name; none where it has none, or not in time. getaddrinfo can't be cancelled: it is left behind on a thread that
    /// does not keep the process.
    /// </summary>
    public static IPAddress[] Resolve(string host, TimeSpan budget)
    {
        IPAddress[] found = [];
        var resolver = new Thread(() =>
        {
            try
            {
                Volatile.Write(ref found, Dns.GetHostAddresses(host));
            }
            catch (Exception exception) when (exception is SocketException or ArgumentException)
            {
                // Without an address, as before.
            }
        })
        { IsBackground = true };
        resolver.Start();
        resolver.Join(budget > TimeSpan.Zero ? budget : TimeSpan.Zero);
        return Volatile.Read(ref found);
    }
}
