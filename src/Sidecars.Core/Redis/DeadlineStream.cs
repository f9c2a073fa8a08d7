using System.Net;
using System.Net.Sockets;

namespace Sidecars.Core.Redis;

/// <summary>
/// A blocking socket whose every call ends by one deadline: what is left of it becomes the socket's own time-out before each.
/// A stream, so that TLS can be put over it and is then bounded too, each of its records being read in several calls.
/// </summary>
internal sealed class DeadlineStream(Socket socket, CallDeadline deadline) : Stream
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

    public void Connect(EndPoint remote)
    {
        // On Linux the send time-out of a blocking socket bounds connect(2) as well: socket(7).
        socket.SendTimeout = Milliseconds();
        socket.Connect(remote);
    }

    public override int Read(Span<byte> buffer)
    {
        socket.ReceiveTimeout = Milliseconds();
        return socket.Receive(buffer, SocketFlags.None);
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (buffer.Length > 0)
        {
            socket.SendTimeout = Milliseconds();
            buffer = buffer[socket.Send(buffer, SocketFlags.None)..];
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

    // Socket time-outs are whole milliseconds and 0 means none.
    private int Milliseconds()
    {
        var left = deadline.Remaining;
        return left > TimeSpan.Zero ? (int)Math.Clamp(Math.Ceiling(left.TotalMilliseconds), 1, int.MaxValue) : throw new TimeoutException();
    }
}
