namespace Sidecars.Backup.Store;

/// <summary>What streams over content of a known length have in common: they read at a place, and seek.</summary>
internal abstract class ReadOnlyStream(long length) : Stream
{
    private long _position;

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => length;

    public override long Position { get => _position; set => _position = value; }

    public override int Read(Span<byte> buffer)
    {
        var read = Count(buffer.Length) is > 0 and var count ? ReadAt(buffer[..count], _position) : 0;
        _position += read;
        return read;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = Count(buffer.Length) is > 0 and var count
            ? await ReadAtAsync(buffer[..count], _position, cancellationToken).ConfigureAwait(false)
            : 0;
        _position += read;
        return read;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override long Seek(long offset, SeekOrigin origin) =>
        _position = origin switch { SeekOrigin.Begin => offset, SeekOrigin.Current => _position + offset, _ => length + offset };

    public override void Flush()
    {
    }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <summary>Reads at least one byte; the place lies within the length.</summary>
    protected abstract int ReadAt(Span<byte> buffer, long position);

    /// <inheritdoc cref="ReadAt"/>
    protected abstract ValueTask<int> ReadAtAsync(Memory<byte> buffer, long position, CancellationToken cancellation);

    private int Count(int wanted) => (int)Math.Min(wanted, Math.Max(0, length - _position));
}
