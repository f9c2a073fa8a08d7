using System.Net;
using Sidecars.Core.Redis;

namespace Sidecars.Probe.Sockets;

/// <summary>
/// A blocking socket whose every call ends by one deadline: what is left of it becomes the socket's own time-out before each.
/// A stream, so that TLS can be put over it and is then bounded too, each of its records being read in several calls.
/// </summary>
internal sealed class DeadlineStream(PosixSocket socket, CallDeadline deadline) : Stream
{
    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public void Connect(IPAddress address, int port)
    {
        socket.SetSendTimeout(Left());
        socket.Connect(address, port);
    }

    public void Connect(string path)
    {
        socket.SetSendTimeout(Left());
        socket.Connect(path);
    }

    public override int Read(Span<byte> buffer)
    {
        socket.SetReceiveTimeout(Left());
        return socket.Receive(buffer);
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (buffer.Length > 0)
        {
            socket.SetSendTimeout(Left());
            buffer = buffer[socket.Send(buffer)..];
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) socket.Dispose();
        base.Dispose(disposing);
    }

    private TimeSpan Left()
    {
        var left = deadline.Remaining;
        return left > TimeSpan.Zero ? left : throw new TimeoutException();
    }
}
