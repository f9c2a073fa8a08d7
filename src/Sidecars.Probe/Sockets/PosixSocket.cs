using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Sidecars.Core.Redis;

namespace Sidecars.Probe.Sockets;

/// <summary>
/// A blocking stream socket of Linux, called directly: the framework's own starts an epoll loop on a thread of its own with the
/// first socket of a process, asynchronous or not, which is a fifth of a probe's time and memory. Layouts are those of x86-64 and arm64.
/// </summary>
internal sealed unsafe partial class PosixSocket : IDisposable
{
    private const int SockStream = 1;
    private const int SockCloseOnExec = 0x80000;
    private const int IpProtoTcp = 6;
    private const int TcpNoDelay = 1;
    private const int SolSocket = 1;
    private const int SoReceiveTimeout = 20;
    private const int SoSendTimeout = 21;
    private const int MsgNoSignal = 0x4000; // a closed peer is an error, not SIGPIPE
    private const ushort AfUnix = 1;
    private const ushort AfInet = 2;
    private const ushort AfInet6 = 10;
    private const int MaxName = 28; // of struct sockaddr_in6, the larger one
    private const int MaxUnixPath = 107; // sun_path without its NUL: unix(7)
    private const int Interrupted = 4; // EINTR
    private readonly string _peer;
    private int _descriptor;

    private PosixSocket(int descriptor, string peer) => (_descriptor, _peer) = (descriptor, peer);

    /// <param name="family">Internet, of either version, or Unix.</param>
    /// <param name="peer">The peer's name in messages.</param>
    /// <exception cref="RedisConnectionException">The system has no socket to give. All other methods throw it too.</exception>
    public static PosixSocket Open(AddressFamily family, string peer)
    {
        int domain = family switch { AddressFamily.Unix => AfUnix, AddressFamily.InterNetworkV6 => AfInet6, _ => AfInet };
        var descriptor = NewSocket(domain, SockStream | SockCloseOnExec, 0);
        if (descriptor < 0) throw Failed(peer);
        if (domain != AfUnix)
        {
            var one = 1;
            _ = SetOption(descriptor, IpProtoTcp, TcpNoDelay, &one, sizeof(int));
        }

        return new PosixSocket(descriptor, peer);
    }

    /// <summary>Returns true if the path fits into an address.</summary>
    public static bool IsPath(string path) =>
        path.Length > 0 && Encoding.UTF8.GetByteCount(path) <= MaxUnixPath && !path.Contains('\0', StringComparison.Ordinal);

    public void Connect(IPAddress address, int port)
    {
        Span<byte> name = stackalloc byte[MaxName];
        Connect(name[..WriteName(name, address, port)]);
    }

    public void Connect(string path)
    {
        Span<byte> name = stackalloc byte[2 + MaxUnixPath + 1];
        name.Clear();
        MemoryMarshal.Write(name, AfUnix);
        var length = Encoding.UTF8.GetBytes(path, name[2..]);
        Connect(name[..(2 + length + 1)]);
    }

    /// <summary>Bounds send, and on Linux connect(2) as well: socket(7).</summary>
    public void SetSendTimeout(TimeSpan timeout) => SetTimeout(SoSendTimeout, timeout);

    public void SetReceiveTimeout(TimeSpan timeout) => SetTimeout(SoReceiveTimeout, timeout);

    public int Send(ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            while (true)
            {
                var count = SendBytes(_descriptor, start, (nuint)bytes.Length, MsgNoSignal);
                if (count >= 0) return (int)count;
                if (Marshal.GetLastPInvokeError() != Interrupted) throw Failed(_peer);
            }
        }
    }

    /// <returns>0 at the end of the stream.</returns>
    public int Receive(Span<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            while (true)
            {
                var count = ReceiveBytes(_descriptor, start, (nuint)buffer.Length, 0);
                if (count >= 0) return (int)count;
                if (Marshal.GetLastPInvokeError() != Interrupted) throw Failed(_peer);
            }
        }
    }

    public void Dispose()
    {
        if (_descriptor < 0) return;
        _ = Close(_descriptor);
        _descriptor = -1;
    }

    private void Connect(ReadOnlySpan<byte> name)
    {
        fixed (byte* start = name)
        {
            if (ConnectTo(_descriptor, start, (uint)name.Length) != 0) throw Failed(_peer);
        }
    }

    // Length of struct sockaddr_in or sockaddr_in6.
    private static int WriteName(Span<byte> name, IPAddress address, int port)
    {
        name.Clear();
        var isV6 = address.AddressFamily == AddressFamily.InterNetworkV6;
        MemoryMarshal.Write(name, isV6 ? AfInet6 : AfInet); // in the machine's order, unlike all that follows
        BinaryPrimitives.WriteUInt16BigEndian(name[2..], (ushort)port);
        address.TryWriteBytes(name[(isV6 ? 8 : 4)..], out _);
        if (isV6) MemoryMarshal.Write(name[24..], (uint)address.ScopeId);
        return isV6 ? MaxName : 16;
    }

    private void SetTimeout(int option, TimeSpan timeout)
    {
        // struct timeval of 64-bit Linux; zero would mean none.
        var microseconds = Math.Max(1, timeout.Ticks / TimeSpan.TicksPerMicrosecond);
        var value = stackalloc long[2] { microseconds / 1_000_000, microseconds % 1_000_000 };
        _ = SetOption(_descriptor, SolSocket, option, value, 16);
    }

    // errno of Linux, x86-64 and arm64 alike: asm-generic/errno.h.
    private static RedisConnectionException Failed(string peer)
    {
        var error = Marshal.GetLastPInvokeError();
        var (failure, text) = error switch
        {
            111 or 2 => (RedisFailure.Refused, "nobody listens there"), // ECONNREFUSED; ENOENT: no such Unix socket
            11 or 110 or 115 => (RedisFailure.TimedOut, "not done within the deadline"), // EAGAIN, ETIMEDOUT, EINPROGRESS
            32 or 103 or 104 or 107 or 9 => (RedisFailure.Closed, "closed"), // EPIPE, ECONNABORTED, ECONNRESET, ENOTCONN, EBADF
            _ => (RedisFailure.Unreachable, "not reachable"),
        };
        return new RedisConnectionException(failure, peer + ": " + text + " (errno " + error.ToString(CultureInfo.InvariantCulture) + ").");
    }

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    private static partial int NewSocket(int domain, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "connect", SetLastError = true)]
    private static partial int ConnectTo(int descriptor, byte* address, uint length);

    [LibraryImport("libc", EntryPoint = "setsockopt", SetLastError = true)]
    private static partial int SetOption(int descriptor, int level, int option, void* value, uint length);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    private static partial nint SendBytes(int descriptor, byte* bytes, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    private static partial nint ReceiveBytes(int descriptor, byte* bytes, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
