using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Sidecars.Core.Redis;

namespace Sidecars.Probe.Sockets;

/// <summary>The half for conversations with several peers at once, by poll(2): https://man7.org/linux/man-pages/man2/poll.2.html.</summary>
internal sealed unsafe partial class PosixSocket
{
    private const int SockNonBlocking = 0x800;
    private const int TryAgain = 11; // EAGAIN
    private const int InProgress = 115; // EINPROGRESS
    private const short PollIn = 1;
    private const short PollOut = 4;

    /// <summary>After <see cref="Wait"/>: there is something to do, which may be to learn of an error.</summary>
    public bool IsReady { get; private set; }

    /// <summary>A socket that never waits. Without TCP_NODELAY: whoever sends one packet and reads its replies has no use for it.</summary>
    /// <exception cref="RedisConnectionException">The system has no socket to give. All other methods throw it too.</exception>
    public static PosixSocket OpenNonBlocking(AddressFamily family, string peer)
    {
        var descriptor = NewSocket(
            family == AddressFamily.InterNetworkV6 ? AfInet6 : AfInet, SockStream | SockCloseOnExec | SockNonBlocking, 0);
        return descriptor >= 0 ? new PosixSocket(descriptor, peer) : throw Failed(peer);
    }

    /// <summary>It is connected, or refused, when it is ready for sending: the first <see cref="TrySend"/> tells which.</summary>
    public void BeginConnect(IPAddress address, int port)
    {
        Span<byte> name = stackalloc byte[MaxName];
        fixed (byte* start = name)
        {
            if (ConnectTo(_descriptor, start, (uint)WriteName(name, address, port)) != 0 && Marshal.GetLastPInvokeError() != InProgress)
                throw Failed(_peer);
        }
    }

    /// <returns>Bytes taken; -1: no room.</returns>
    public int TrySend(ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            return Outcome(SendBytes(_descriptor, start, (nuint)bytes.Length, MsgNoSignal));
        }
    }

    /// <returns>Bytes read, 0 at the end of the stream; -1: none is there.</returns>
    public int TryReceive(Span<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            return Outcome(ReceiveBytes(_descriptor, start, (nuint)buffer.Length, 0));
        }
    }

    /// <summary>Waits until one of them is ready, at most for the time given, and sets <see cref="IsReady"/> of all.</summary>
    public static void Wait(ReadOnlySpan<Interest> interests, TimeSpan timeout)
    {
        Span<PollDescriptor> descriptors = new PollDescriptor[interests.Length];
        for (var i = 0; i < interests.Length; i++)
            descriptors[i] = new PollDescriptor(interests[i].Socket._descriptor, interests[i].Sends ? PollOut : PollIn);
        fixed (PollDescriptor* first = descriptors)
        {
            // Rounded up: 0 would not wait at all. After an error (EINTR) the events are all 0: nobody is ready, and the caller comes
            // again.
            _ = Poll(first, (nuint)descriptors.Length, (int)Math.Ceiling(timeout.TotalMilliseconds));
        }

        for (var i = 0; i < interests.Length; i++) interests[i].Socket.IsReady = descriptors[i].Happened != 0;
    }

    private int Outcome(nint count)
    {
        if (count >= 0) return (int)count;
        return Marshal.GetLastPInvokeError() is TryAgain or Interrupted ? -1 : throw Failed(_peer);
    }

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int Poll(PollDescriptor* descriptors, nuint count, int milliseconds);

    /// <summary>What a socket is waited for.</summary>
    /// <param name="socket">The socket.</param>
    /// <param name="sends">To send; otherwise to receive.</param>
    internal readonly struct Interest(PosixSocket socket, bool sends)
    {
        public PosixSocket Socket => socket;

        public bool Sends => sends;
    }

    // struct pollfd
    [StructLayout(LayoutKind.Sequential)]
    private struct PollDescriptor(int descriptor, short events)
    {
        public int Descriptor = descriptor;
        public short Events = events;
        public short Happened = 0;
    }
}
