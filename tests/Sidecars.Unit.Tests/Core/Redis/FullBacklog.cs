using System.Net;
using System.Net.Sockets;
using Sidecars.Core.Primitives;

namespace Sidecars.Unit.Tests.Core.Redis;

/// <summary>
/// A listener that accepts nobody and whose queue is full: the kernel drops every further SYN, as a dead pod's address does.
/// </summary>
internal sealed class FullBacklog : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly List<Socket> _queued = [];

    public FullBacklog()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(0);
        var local = (IPEndPoint)_listener.LocalEndPoint!;
        Endpoint = new RedisEndpoint("127.0.0.1", local.Port);
        while (_queued.Count < 64)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
            _queued.Add(socket);
            try
            {
                socket.Connect(local);
            }
            catch (SocketException)
            {
                if (!socket.Poll(TimeSpan.FromMilliseconds(50), SelectMode.SelectWrite)) return; // this SYN went unanswered
            }
        }

        throw new InvalidOperationException("The queue never filled.");
    }

    public RedisEndpoint Endpoint { get; }

    public void Dispose()
    {
        foreach (var socket in _queued) socket.Dispose();
        _listener.Dispose();
    }
}
