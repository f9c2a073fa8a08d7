using Amazon.S3;
using Amazon.S3.Model;

namespace Sidecars.Backup.Store.S3;

/// <summary>An upload in parts, several at once: the object appears with the last request, or not at all.</summary>
internal sealed class S3Multipart(IAmazonS3 client, S3Settings settings, S3Requests requests, S3Errors errors, S3Attempts attempts)
{
    private const int MaxParts = 10_000; // S3's limit
    private static readonly TimeSpan AbortLimit = TimeSpan.FromSeconds(10);

    public async Task<string> RunAsync(
        string key, string path, ObjectContent content, PutCondition condition, CancellationToken cancellation)
    {
        var begun = await attempts.RepeatAsync(
            key, 0, token => client.InitiateMultipartUploadAsync(requests.Begin(key, path, content.Length), token),
            cancellation).ConfigureAwait(false);
        try
        {
            var size = PartSize(content.Length, settings.PartBytes);
            var tags = new PartETag[(content.Length + size - 1) / size];
            await Parallel.ForEachAsync(
                Enumerable.Range(0, tags.Length),
                new ParallelOptions { MaxDegreeOfParallelism = settings.Parallel, CancellationToken = cancellation },
                async (i, token) => tags[i] = await PartAsync(
                    key, path, begun.UploadId, i, content.Slice(i * size, Math.Min(size, content.Length - (i * size))),
                    i == tags.Length - 1, token).ConfigureAwait(false)).ConfigureAwait(false);
            var complete = new CompleteMultipartUploadRequest
            { BucketName = settings.Bucket, Key = path, UploadId = begun.UploadId, PartETags = [.. tags] };
            if (condition.Kind == PutConditionKind.Absent) complete.IfNoneMatch = "*";
            if (condition.Kind == PutConditionKind.Matches) complete.IfMatch = condition.ETag;
            return await CompleteAsync(key, complete, content.Length, cancellation).ConfigureAwait(false);
        }
        catch
        {
            await AbortAsync(path, begun.UploadId).ConfigureAwait(false);
            throw;
        }
    }

    // S3 joins the parts whether or not the answer arrives: the object is looked for before all of it is sent again.
    private async Task<string> CompleteAsync(
        string key, CompleteMultipartUploadRequest complete, long length, CancellationToken cancellation)
    {
        try
        {
            var done = await attempts.OnceAsync(key, settings.CompletionTimeout,
                token => client.CompleteMultipartUploadAsync(complete, token), cancellation).ConfigureAwait(false);
            return errors.Stored(key, done.ETag);
        }
        catch (StoreException e) when (e.Failure == StoreFailure.Unavailable)
        {
            if (await FindAsync(key, complete, length, cancellation).ConfigureAwait(false) is { } etag) return etag;
            throw;
        }
    }

    // Of the same length and joined from as many parts: the names of large objects are used once (a base's id).
    private async Task<string?> FindAsync(string key, CompleteMultipartUploadRequest complete, long length, CancellationToken cancellation)
    {
        var head = new GetObjectMetadataRequest { BucketName = settings.Bucket, Key = complete.Key };
        try
        {
            var found = await attempts.RepeatAsync(
                key, 0, token => client.GetObjectMetadataAsync(head, token), cancellation).ConfigureAwait(false);
            var isOurs = found.ContentLength == length
                && found.ETag?.Trim('"').EndsWith($"-{complete.PartETags.Count}", StringComparison.Ordinal) == true;
            return isOurs ? found.ETag : null;
        }
        catch (StoreException)
        {
            return null; // the first failure is the one to tell
        }
    }

    /// <summary>A whole number of MiB, large enough for the number of parts that are allowed.</summary>
    internal static long PartSize(long length, long wanted)
    {
        var least = (length + MaxParts - 1) / MaxParts;
        return least <= wanted ? wanted : (least + (1 << 20) - 1) >> 20 << 20;
    }

    private async Task<PartETag> PartAsync(
        string key, string path, string upload, int index, ObjectContent content, bool last, CancellationToken cancellation)
    {
        var checksum = "";
        var done = await attempts.RepeatAsync(
            key, content.Length,
            async token =>
            {
                var request = requests.Part(path, upload, index + 1, content, last);
                using var body = request.InputStream;
                checksum = request.ChecksumCRC32C;
                return await client.UploadPartAsync(request, token).ConfigureAwait(false);
            },
            cancellation).ConfigureAwait(false);
        return new PartETag(index + 1, done.ETag) { ChecksumCRC32C = checksum };
    }

    // Parts of uploads that were never completed cost as objects do. What a killed process leaves is for prune, or for a lifecycle rule of
    // the bucket.
    private async Task AbortAsync(string path, string upload)
    {
        try
        {
            using var limit = new CancellationTokenSource(AbortLimit, attempts.Time);
            await client.AbortMultipartUploadAsync(
                new AbortMultipartUploadRequest { BucketName = settings.Bucket, Key = path, UploadId = upload },
                limit.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException || errors.Map(path, e) is not null)
        {
            // The first failure is the one to tell.
        }
    }
}
