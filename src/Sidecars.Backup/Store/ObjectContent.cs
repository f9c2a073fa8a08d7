using System.Buffers;
using Microsoft.Win32.SafeHandles;

namespace Sidecars.Backup.Store;

/// <summary>The bytes of an object to be written, which can be read again for another try; never copied as a whole.</summary>
public abstract class ObjectContent
{
    private const int ReadBytes = 128 * 1024;

    /// <summary>Takes bytes, in order.</summary>
    public delegate void Taker(ReadOnlySpan<byte> bytes);

    /// <summary>Bytes.</summary>
    public abstract long Length { get; }

    /// <summary>
    /// A fresh stream from the first byte, which can seek. It throws <see cref="IOException"/> where the content has become shorter. What
    /// is sent is read asynchronously, and only that is held back by a bound on uploads; digests, which some stores need before they send,
    /// read synchronously.
    /// </summary>
    public abstract Stream Open();

    /// <summary>Reads all of it, for a digest.</summary>
    /// <exception cref="IOException">It ended early or could not be read.</exception>
    public void ReadAll(Taker take)
    {
        ArgumentNullException.ThrowIfNull(take);
        using var stream = Open();
        var buffer = ArrayPool<byte>.Shared.Rent(ReadBytes);
        var left = Length;
        try
        {
            for (int read; (read = stream.Read(buffer, 0, ReadBytes)) > 0; left -= read) take(buffer.AsSpan(0, read));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        if (left != 0) throw new IOException("the content changed its length while it was read");
    }

    /// <summary>Returns a part of the content.</summary>
    /// <param name="offset">Its first byte.</param>
    /// <param name="length">Its length; all of it lies within.</param>
    public virtual ObjectContent Slice(long offset, long length) => new Part(this, offset, length);

    /// <summary>Bytes in memory, which must not change.</summary>
    public static ObjectContent Of(ReadOnlyMemory<byte> bytes) => new Memory(bytes);

    /// <summary>A range of an open file, which stays readable after its name is gone.</summary>
    public static ObjectContent Of(SafeFileHandle file, long offset, long length) => new FileRange(file, offset, length);

    private sealed class Memory(ReadOnlyMemory<byte> bytes) : ObjectContent
    {
        public override long Length => bytes.Length;

        public override Stream Open() => new MemoryStream(bytes.ToArray(), writable: false);
    }

    private sealed class FileRange(SafeFileHandle file, long offset, long length) : ObjectContent
    {
        public override long Length => length;

        public override Stream Open() => new RangeStream(file, offset, length);

        public override ObjectContent Slice(long from, long count) => new FileRange(file, offset + from, count);
    }

    private sealed class Part(ObjectContent whole, long offset, long length) : ObjectContent
    {
        public override long Length => length;

        public override Stream Open() => new PartStream(whole.Open(), offset, length);
    }

    /// <summary>A read-only view by pread, so that several readers of one handle do not disturb each other.</summary>
    private sealed class RangeStream(SafeFileHandle file, long offset, long length) : ReadOnlyStream(length)
    {
        protected override int ReadAt(Span<byte> buffer, long position) => Some(RandomAccess.Read(file, buffer, offset + position));

        protected override async ValueTask<int> ReadAtAsync(Memory<byte> buffer, long position, CancellationToken cancellation) =>
            Some(await RandomAccess.ReadAsync(file, buffer, offset + position, cancellation).ConfigureAwait(false));

        private static int Some(int read) => read > 0 ? read : throw new IOException("the content changed its length while it was read");
    }

    private sealed class PartStream(Stream whole, long offset, long length) : ReadOnlyStream(length)
    {
        protected override int ReadAt(Span<byte> buffer, long position)
        {
            whole.Position = offset + position;
            return whole.Read(buffer);
        }

        protected override ValueTask<int> ReadAtAsync(Memory<byte> buffer, long position, CancellationToken cancellation)
        {
            whole.Position = offset + position;
            return whole.ReadAsync(buffer, cancellation);
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing) whole.Dispose();
            base.Dispose(disposing);
        }
    }
}
