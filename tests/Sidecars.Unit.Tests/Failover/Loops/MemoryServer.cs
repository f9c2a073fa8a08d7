using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;

namespace Sidecars.Unit.Tests.Failover.Loops;

/// <summary>
/// A server without a network: each command is answered within the write that sends it, so that no time passes and no thread waits.
/// </summary>
internal sealed class MemoryServer(RedisEndpoint endpoint, Func<IReadOnlyList<string>, byte[]> answer) : IRespTransport
{
    private readonly Func<IReadOnlyList<string>, byte[]> _answer = answer;
    private readonly Lock _gate = new();
    private readonly List<Connection> _open = [];
    private int _connects;
    private int _hanging;

    public string Description => endpoint.ToString();

    public RedisEndpoint Endpoint => endpoint;

    /// <summary>Thrown by the next connects; null: they succeed.</summary>
    public Func<Exception?> Refuses { get; set; } = () => null;

    /// <summary>What is sent before any command, after which the server closes: a full server's words.</summary>
    public byte[]? Greets { get; set; }

    /// <summary>Connects so far, also those that failed.</summary>
    public int Connects => Volatile.Read(ref _connects);

    public int OpenConnections
    {
        get
        {
            lock (_gate) return _open.Count;
        }
    }

    /// <summary>Connects are never answered.</summary>
    public bool Hangs { get; set; }

    /// <summary>It takes commands, carries them out and answers none: a server that is stopped, or whose answers are lost.</summary>
    public bool IsMute { get; set; }

    /// <summary>Connects that wait for an answer.</summary>
    public int Hanging => Volatile.Read(ref _hanging);

    public async ValueTask<Stream> ConnectAsync(CancellationToken cancellation)
    {
        Interlocked.Increment(ref _connects);
        if (Hangs) await HangAsync(cancellation);
        if (Refuses() is { } why) throw why;
        var connection = new Connection(this);
        if (Greets is { } words)
        {
            connection.Send(words);
            connection.End();
        }
        else
        {
            lock (_gate) _open.Add(connection);
        }

        return connection;
    }

    private async Task HangAsync(CancellationToken cancellation)
    {
        Interlocked.Increment(ref _hanging);
        try
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation);
        }
        finally
        {
            Interlocked.Decrement(ref _hanging);
        }
    }

    /// <summary>Sends to every connection that subscribed.</summary>
    public void Publish(byte[] message)
    {
        Connection[] subscribed;
        lock (_gate) subscribed = [.. _open.Where(c => c.IsSubscribed)];
        foreach (var connection in subscribed) connection.Send(message);
    }

    /// <summary>Ends all connections, as the kernel does for a process that died.</summary>
    public void EndAll()
    {
        Connection[] open;
        lock (_gate) open = [.. _open];
        foreach (var connection in open) connection.End();
    }

    private sealed class Connection(MemoryServer server) : Stream
    {
        private readonly Lock _gate = new();
        private readonly RespReader _commands = new();
        private readonly Queue<byte[]> _replies = new();
        private (Memory<byte> Into, TaskCompletionSource<int> Done)? _read;
        private bool _isEnded;

        public bool IsSubscribed { get; private set; }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            _commands.Append(buffer.Span);
            while (_commands.TryRead(out var command))
            {
                var words = command.Items.Select(item => item.Text).ToArray();
                IsSubscribed |= words[0] == "SUBSCRIBE";
                var answer = server._answer(words);
                if (!server.IsMute) Send(answer);
            }

            return ValueTask.CompletedTask;
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            lock (_gate)
            {
                if (_replies.TryDequeue(out var reply))
                {
                    if (reply.Length > buffer.Length)
                    {
                        // The rest stays in front.
                        var rest = _replies.ToArray();
                        _replies.Clear();
                        _replies.Enqueue(reply[buffer.Length..]);
                        foreach (var later in rest) _replies.Enqueue(later);
                    }

                    var count = Math.Min(reply.Length, buffer.Length);
                    reply.AsSpan(0, count).CopyTo(buffer.Span);
                    return ValueTask.FromResult(count);
                }

                if (_isEnded) return ValueTask.FromResult(0);
                var done = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
                _read = (buffer, done);
                return new ValueTask<int>(done.Task);
            }
        }

        public void Send(byte[] bytes)
        {
            TaskCompletionSource<int> done;
            int count;
            lock (_gate)
            {
                if (_isEnded) return;
                if (_read is not { } read)
                {
                    _replies.Enqueue(bytes);
                    return;
                }

                (done, _read) = (read.Done, null);
                count = Math.Min(bytes.Length, read.Into.Length);
                bytes.AsSpan(0, count).CopyTo(read.Into.Span);
                if (count < bytes.Length) _replies.Enqueue(bytes[count..]);
            }

            done.SetResult(count);
        }

        public void End()
        {
            TaskCompletionSource<int>? done;
            lock (_gate) (_isEnded, done, _read) = (true, _read?.Done, null);
            lock (server._gate) server._open.Remove(this);
            done?.SetResult(0);
        }

        protected override void Dispose(bool disposing)
        {
            End();
            base.Dispose(disposing);
        }

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
