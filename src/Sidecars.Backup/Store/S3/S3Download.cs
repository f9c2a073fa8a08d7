using System.IO.Hashing;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Sidecars.Core.Primitives;

namespace Sidecars.Backup.Store.S3;

/// <summary>
/// The body of a GET: each read is bounded in time, and every failure, the checksum at its end included, is a
/// <see cref="StoreException"/> that names the object. An object that went in parts has none of its own.
/// </summary>
internal sealed class S3Download(GetObjectResponse response, S3Errors errors, string key, TimeSpan stall, TimeProvider time) : Stream
{
    // A server that gives a byte now and then must not hold a restore for years; a line of 32 kbit/s is none to restore over.
    private const double SlowestBytesPerSecond = 4096;
    private TimeSpan _waited;
    private long _received;
    private readonly string? _expected = response.ChecksumType == ChecksumType.COMPOSITE
        || response.ChecksumCRC32C?.Contains('-', StringComparison.Ordinal) != false
        ? null
        : response.ChecksumCRC32C;
    private readonly Crc32 _sum = Crc32C.Begin();

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => response.ContentLength;

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var left = stall + TimeSpan.FromSeconds(_received / SlowestBytesPerSecond) - _waited;
        if (left <= TimeSpan.Zero)
            throw errors.Of(StoreFailure.Unavailable, key, $"{_received} bytes in {DurationText.About(_waited)}: too slow");
        using var limit = new CancellationTokenSource(left < stall ? left : stall, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            var started = time.GetTimestamp();
            var read = await response.ResponseStream.ReadAsync(buffer, both.Token).ConfigureAwait(false);
            // what the reader does in between is not the server's
            (_waited, _received) = (_waited + time.GetElapsedTime(started), _received + read);
            return Checked(buffer.Span, read);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw errors.Of(StoreFailure.Unavailable, key, $"no bytes for {DurationText.Of(stall)}", e);
        }
        catch (Exception e) when (errors.Map(key, e) is { } mapped)
        {
            throw mapped;
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count)
    {
        try
        {
            return Checked(buffer.AsSpan(offset, count), response.ResponseStream.Read(buffer, offset, count));
        }
        catch (Exception e) when (errors.Map(key, e) is { } mapped)
        {
            throw mapped;
        }
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    private int Checked(Span<byte> buffer, int read)
    {
        if (_expected is null) return read;
        _sum.Append(buffer[..read]);
        return read > 0 || buffer.IsEmpty || Crc32C.Text(_sum) == _expected
            ? read
            : throw errors.Of(StoreFailure.Damaged, key, "its checksum is not the one that it was stored with");
    }

    protected override void Dispose(bool disposing)
    {
        try
        {
            if (disposing) response.Dispose();
        }
        catch (AmazonClientException)
        {
            // The SDK compares the checksum once more; the read has told it.
        }

        base.Dispose(disposing);
    }
}
