using Amazon.Runtime;
using Amazon.S3.Model;
using Sidecars.Core.Backup;

namespace Sidecars.S3;

/// <summary>
/// The body of a GET: each read is bounded in time, and every failure, the checksum at its end included, is a
/// <see cref="StoreException"/> that names the object.
/// </summary>
internal sealed class S3Download(GetObjectResponse response, string key, TimeSpan stall, TimeProvider time) : Stream
{
    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => response.ContentLength;

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        using var limit = new CancellationTokenSource(stall, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            return await response.ResponseStream.ReadAsync(buffer, both.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new StoreException(StoreFailure.Unavailable, key, $"no bytes for {stall.TotalSeconds:0} s", e);
        }
        catch (Exception e) when (S3Errors.Map(key, e) is { } mapped)
        {
            throw mapped;
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count)
    {
        try
        {
            return response.ResponseStream.Read(buffer, offset, count);
        }
        catch (Exception e) when (S3Errors.Map(key, e) is { } mapped)
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
