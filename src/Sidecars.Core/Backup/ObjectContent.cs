using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace Sidecars.Core.Backup;

/// <summary>The bytes of an object to be written, which can be read again for another try; never copied as a whole.</summary>
public abstract class ObjectContent
{
    /// <summary>Bytes.</summary>
    public abstract long Length { get; }

    /// <summary>A fresh stream from the first byte.</summary>
    public abstract Stream Open();

    /// <summary>Bytes in memory, which must not change.</summary>
    public static ObjectContent Of(ReadOnlyMemory<byte> bytes) => new Memory(bytes);

    /// <summary>A range of an open file, which stays readable after its name is gone.</summary>
    public static ObjectContent Of(SafeFileHandle file, long offset, long length) => new FileRange(file, offset, length);

    /// <summary>SHA-256 of <paramref name="prefix"/> and then the content.</summary>
    /// <exception cref="IOException">It ended early or could not be read.</exception>
    public byte[] Sha256(ReadOnlySpan<byte> prefix)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(prefix);
        using var stream = Open();
        var buffer = new byte[128 * 1024];
        var left = Length;
        for (int read; (read = stream.Read(buffer)) > 0; left -= read) hash.AppendData(buffer, 0, read);
        return left == 0 ? hash.GetHashAndReset() : throw new IOException("the content changed its length while it was read");
    }

    private sealed class Memory(ReadOnlyMemory<byte> bytes) : ObjectContent
    {
        public override long Length => bytes.Length;

        public override Stream Open() => new MemoryStream(bytes.ToArray(), writable: false);
    }

    private sealed class FileRange(SafeFileHandle file, long offset, long length) : ObjectContent
    {
        public override long Length => length;

        public override Stream Open() => new RangeStream(file, offset, length);
    }

    /// <summary>A read-only view by pread, so that several readers of one handle do not disturb each other.</summary>
    private sealed class RangeStream(SafeFileHandle file, long offset, long length) : Stream
    {
        private long _position;

        public override bool CanRead => true;

        public override bool CanSeek => true;

        public override bool CanWrite => false;

        public override long Length => length;

        public override long Position { get => _position; set => _position = value; }

        public override int Read(Span<byte> buffer)
        {
            var count = (int)Math.Min(buffer.Length, Math.Max(0, length - _position));
            var read = count == 0 ? 0 : RandomAccess.Read(file, buffer[..count], offset + _position);
            _position += read;
            return read;
        }

        public override int Read(byte[] buffer, int start, int count) => Read(buffer.AsSpan(start, count));

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var count = (int)Math.Min(buffer.Length, Math.Max(0, length - _position));
            var read = count == 0 ? 0 : await RandomAccess.ReadAsync(file, buffer[..count], offset + _position, cancellationToken).ConfigureAwait(false);
            _position += read;
            return read;
        }

        public override long Seek(long to, SeekOrigin origin) =>
            _position = origin switch { SeekOrigin.Begin => to, SeekOrigin.Current => _position + to, _ => length + to };

        public override void Flush()
        {
        }

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int start, int count) => throw new NotSupportedException();
    }
}
