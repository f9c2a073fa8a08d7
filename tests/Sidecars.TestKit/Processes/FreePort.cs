using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Sidecars.TestKit.Processes;

/// <summary>
/// Hands out loopback TCP ports, each once in the life of this process. A port is below the range from which the kernel
/// takes the local ports of outgoing connections (one of those could otherwise take it between our look and the server's
/// bind), and is reserved against other test processes of the same user by an exclusive lock on a file, which the kernel
/// drops when this process ends, however it ends.
/// </summary>
public static class FreePort
{
    private const int LowestPort = 15000; // above what is commonly installed: databases, web servers, X11
    private const int DefaultEphemeralStart = 32768;
    private static readonly string LockFolder = Path.Combine(Path.GetTempPath(), "sidecars-ports-" + Environment.UserName);
    private static readonly ConcurrentDictionary<int, FileStream> Given = [];
    private static readonly Lock Gate = new();
    private static int _next = -1;

    /// <summary>One port that nobody listens on, on 127.0.0.1 or any other address.</summary>
    /// <exception cref="InvalidOperationException">No port is left.</exception>
    public static int Next()
    {
        lock (Gate)
        {
            Directory.CreateDirectory(LockFolder);
            var end = EphemeralStart();
            var count = end - LowestPort;
            if (_next < 0) _next = Random.Shared.Next(count); // processes start in different places, so they rarely meet
            for (var i = 0; i < count; i++)
            {
                var port = LowestPort + _next;
                _next = (_next + 1) % count;
                if (TryReserve(port)) return port;
            }

            throw new InvalidOperationException($"No free port in {LowestPort}..{end - 1}.");
        }
    }

    /// <summary>Several distinct ports.</summary>
    public static int[] Next(int count)
    {
        var ports = new int[count];
        for (var i = 0; i < count; i++) ports[i] = Next();
        return ports;
    }

    private static bool TryReserve(int port)
    {
        if (Given.ContainsKey(port)) return false;
        FileStream? held = null;
        try
        {
            held = new FileStream(Path.Combine(LockFolder, port.ToString(CultureInfo.InvariantCulture)), FileMode.OpenOrCreate,
                FileAccess.Write, FileShare.None);
            using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            probe.Bind(new IPEndPoint(IPAddress.Any, port));
            probe.Listen(1);
            return Given.TryAdd(port, held);
        }
        catch (Exception e) when (e is IOException or SocketException or UnauthorizedAccessException)
        {
            held?.Dispose();
            return false;
        }
    }

    private static int EphemeralStart()
    {
        try
        {
            var first = File.ReadAllText("/proc/sys/net/ipv4/ip_local_port_range")
                .Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[0];
            var start = int.Parse(first, CultureInfo.InvariantCulture);
            return start > LowestPort + 1000 ? start : DefaultEphemeralStart;
        }
        catch (IOException)
        {
            return DefaultEphemeralStart;
        }
    }
}
