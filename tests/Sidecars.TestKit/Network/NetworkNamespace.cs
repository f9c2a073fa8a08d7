using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;

namespace Sidecars.TestKit.Network;

/// <summary>
/// A named network namespace (ip-netns(8)), in which this process can open sockets: a socket belongs to the namespace of the
/// thread that made it, for ever, whichever thread uses it. So clients and fakes of a test need no process of their own to
/// be on another host.
/// </summary>
public sealed partial class NetworkNamespace(string name)
{
    private const int NewNet = 0x40000000; // CLONE_NEWNET
    private const int CloseOnExec = 0x80000; // SOCK_CLOEXEC
    private const int Inet = 2;

    /// <summary>As <c>ip netns</c> shows it.</summary>
    public string Name => name;

    /// <summary>Where it is bound.</summary>
    public string Path => "/run/netns/" + name;

    /// <summary>A program and arguments that run what follows them in the namespace, with the same process id.</summary>
    public string[] Enter => ["nsenter", "--net=" + Path];

    /// <summary>A socket of IPv4 in the namespace.</summary>
    /// <param name="type">Stream (TCP) or Dgram (UDP): Linux' numbers are the same.</param>
    /// <exception cref="IOException">The namespace is gone, or this process may not enter it.</exception>
    public Socket OpenSocket(SocketType type = SocketType.Stream)
    {
        var (descriptor, error) = (-1, 0);
        // A thread of its own, which does nothing else: one of the pool would keep the namespace, and pass it on to every
        // thread and process that it starts.
        var thread = new Thread(() =>
        {
            using var handle = File.OpenHandle(Path);
            if (SetNamespace((int)handle.DangerousGetHandle(), NewNet) == 0) descriptor = NewSocket(Inet, (int)type | CloseOnExec, 0);
            if (descriptor < 0) error = Marshal.GetLastPInvokeError();
        });
        if (!File.Exists(Path)) throw new IOException($"{Path} is gone");
        thread.UnsafeStart();
        thread.Join();
        if (descriptor < 0) throw new IOException($"{Path}: {Marshal.GetPInvokeErrorMessage(error)}");
        return new Socket(new SafeSocketHandle(descriptor, ownsHandle: true));
    }

    /// <summary>A socket bound to an address of the namespace.</summary>
    public Socket Bind(IPEndPoint address) => Bind(address, SocketType.Stream);

    /// <summary>A socket of another type.</summary>
    public Socket Bind(IPEndPoint address, SocketType type)
    {
        var socket = OpenSocket(type);
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        socket.Bind(address);
        return socket;
    }

    /// <summary>Connects from the namespace.</summary>
    public IRespTransport Transport(RedisEndpoint endpoint) => new From(this, endpoint);

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNamespace(int descriptor, int type);

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    private static partial int NewSocket(int domain, int type, int protocol);

    private sealed class From(NetworkNamespace origin, RedisEndpoint endpoint) : IRespTransport
    {
        public string Description { get; } = endpoint.ToString();

        public async ValueTask<Stream> ConnectAsync(CancellationToken cancellation)
        {
            Socket? socket = null;
            try
            {
                socket = origin.OpenSocket();
                socket.NoDelay = true;
                await socket.ConnectAsync(new IPEndPoint(IPAddress.Parse(endpoint.Host), endpoint.Port), cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch (Exception exception)
            {
                socket?.Dispose();
                throw exception switch
                {
                    SocketException e => new RedisConnectionException(
                        e.SocketErrorCode == SocketError.ConnectionRefused ? RedisFailure.Refused : RedisFailure.Unreachable,
                        $"{Description}: {e.Message}", e),
                    IOException e => new RedisConnectionException(RedisFailure.Unreachable, e.Message, e),
                    _ => exception,
                };
            }
        }
    }
}
