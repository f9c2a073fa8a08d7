using System.Net;
using System.Net.Sockets;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Probe.Sockets;

namespace Sidecars.Probe.Reading;

/// <summary>Connects without ever waiting for a resolver longer than the budget.</summary>
internal static class ProbeConnector
{
    public static BlockingRedisConnection Connect(RedisEndpoint endpoint, TimeSpan budget, TimeProvider time, RespLimits limits, Func<Stream, string, Stream>? secure)
    {
        var deadline = new CallDeadline(time, budget);
        var target = endpoint;
        if (!IPAddress.TryParse(endpoint.Host, out _))
        {
            var addresses = Resolve(endpoint.Host, budget);
            if (addresses.Length == 0) throw new RedisConnectionException(RedisFailure.NameResolution, endpoint.ToString() + ": the name was not resolved in time.");
            target = new RedisEndpoint(addresses[0].ToString(), endpoint.Port);
        }

        var left = deadline.Remaining;
        if (left <= TimeSpan.Zero) throw new RedisConnectionException(RedisFailure.ConnectTimedOut, endpoint.ToString() + ": no time is left.");
        return BlockingRedisConnection.Connect(target, left, time, limits, secure is null ? null : stream => secure(stream, endpoint.Host));
    }

    /// <summary>The addresses of a name; none where it has none, or not in time. getaddrinfo can't be cancelled: it is left behind on a thread that does not keep the process.</summary>
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
