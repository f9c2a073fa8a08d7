using System.Runtime.CompilerServices;
using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Sidecars.Aws;

namespace Sidecars.Backup.Store.S3;

/// <summary>
/// Objects in a bucket of S3, or of what speaks its protocol with conditional writes (<c>If-None-Match</c>, <c>If-Match</c>). Whole objects
/// are one request, larger ones go in parts; all carry a checksum that the server verifies, and that is verified when they are read.
/// </summary>
public sealed class S3Store : IObjectStore, IDisposable
{
    private const int CopyBytes = 128 * 1024; // of the SDK's own copies; at its 8 KiB a body costs sixteen times the system calls
    private const string ProbeSuffix = ".probe";
    private readonly S3Settings _settings;
    private readonly HttpClientFactory? _http;
    private readonly RotatingCredentials _credentials;
    private readonly S3Requests _requests;
    private readonly S3Errors _errors;
    private readonly S3Attempts _attempts;
    private readonly SemaphoreSlim _gate = new(1);
    private AmazonS3Client? _client;

    /// <summary>Contacts nobody yet: without credentials the first request fails, and a later one finds them.</summary>
    /// <param name="settings">The bucket, and how it is used.</param>
    /// <param name="time">Clock.</param>
    /// <param name="credentials">The process' own: they outlive this.</param>
    /// <param name="http">Default: the SDK's own.</param>
    public S3Store(S3Settings settings, TimeProvider time, RotatingCredentials credentials, HttpClientFactory? http = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(settings.PartBytes, S3Settings.MinPartBytes);
        (_settings, _http, _credentials) = (settings, http, credentials);
        (_requests, _errors) = (new S3Requests(settings, time), new S3Errors(settings));
        _attempts = new S3Attempts(settings, _errors, credentials, time, Random.Shared.NextDouble);
    }

    /// <inheritdoc/>
    public string Description => _settings.Place;

    /// <inheritdoc/>
    public async Task<string?> PutAsync(string key, ObjectContent content, PutCondition condition, CancellationToken cancellation)
    {
        var path = PathOf(key);
        var client = await ClientAsync(key, cancellation).ConfigureAwait(false);
        try
        {
            if (content.Length > _settings.PartBytes)
                return await new S3Multipart(client, _settings, _requests, _errors, _attempts)
                    .RunAsync(key, path, content, condition, cancellation).ConfigureAwait(false);
            var put = await _attempts.OnceAsync(
                key, _attempts.Within(content.Length), token => client.PutObjectAsync(_requests.Put(key, path, content, condition), token),
                cancellation).ConfigureAwait(false);
            return _errors.Stored(key, put.ETag);
        }
        catch (StoreException e) when (condition.Kind != PutConditionKind.None && e.InnerException is { } cause && IsLost(cause, condition))
        {
            return null;
        }
        catch (StoreException e) when (e.Failure == StoreFailure.Unfit)
        {
            throw _errors.Unknown(key, await RefusedHeaderAsync(client, key, condition, cancellation).ConfigureAwait(false), e);
        }
    }

    /// <inheritdoc/>
    public async Task<ObjectDownload> OpenAsync(string key, CancellationToken cancellation)
    {
        var request = new GetObjectRequest { BucketName = _settings.Bucket, Key = PathOf(key), ChecksumMode = ChecksumMode.ENABLED };
        var client = await ClientAsync(key, cancellation).ConfigureAwait(false);
        var response = await _attempts.RepeatAsync(
            key, 0, token => client.GetObjectAsync(request, token), cancellation).ConfigureAwait(false);
        return new ObjectDownload(
            new S3Download(response, _errors, key, _settings.Timeout, _attempts.Time), response.ContentLength, response.ETag);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<ObjectEntry> ListAsync(
        string prefix, string? startAfter, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var request = new ListObjectsV2Request
        {
            BucketName = _settings.Bucket,
            Prefix = PrefixOf(prefix),
            StartAfter = startAfter is null ? null : _settings.Prefix + startAfter
        };
        await foreach (var page in PagesAsync(prefix, request, cancellation).ConfigureAwait(false))
        {
            foreach (var found in page.S3Objects ?? [])
            {
                var key = found.Key[_settings.Prefix.Length..];
                // others are nobody's: a console's folder, for one
                if (ObjectKey.IsValid(key)) yield return new ObjectEntry(key, found.Size ?? 0);
            }
        }
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string>> ListFoldersAsync(string prefix, CancellationToken cancellation)
    {
        var request = new ListObjectsV2Request { BucketName = _settings.Bucket, Prefix = PrefixOf(prefix), Delimiter = "/" };
        var names = new List<string>();
        await foreach (var page in PagesAsync(prefix, request, cancellation).ConfigureAwait(false))
            names.AddRange((page.CommonPrefixes ?? []).Select(p => p[request.Prefix.Length..].TrimEnd('/')).Where(ObjectKey.IsPart));
        names.Sort(StringComparer.Ordinal); // S3 orders them with their slash
        return names;
    }

    /// <inheritdoc/>
    public async Task DeleteAsync(string key, CancellationToken cancellation)
    {
        var request = new DeleteObjectRequest { BucketName = _settings.Bucket, Key = PathOf(key) };
        var client = await ClientAsync(key, cancellation).ConfigureAwait(false);
        await _attempts.RepeatAsync(key, 0, token => client.DeleteObjectAsync(request, token), cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async Task<int> RemoveUnfinishedAsync(string prefix, DateTimeOffset before, bool dryRun, CancellationToken cancellation)
    {
        var request = new ListMultipartUploadsRequest { BucketName = _settings.Bucket, Prefix = PrefixOf(prefix) };
        var client = await ClientAsync(prefix, cancellation).ConfigureAwait(false);
        for (var count = 0; ;)
        {
            var page = await _attempts.RepeatAsync(
                prefix, 0, token => client.ListMultipartUploadsAsync(request, token), cancellation).ConfigureAwait(false);
            foreach (var upload in (page.MultipartUploads ?? []).Where(u => u.Initiated < before.UtcDateTime))
            {
                count++;
                var abort = new AbortMultipartUploadRequest { BucketName = _settings.Bucket, Key = upload.Key, UploadId = upload.UploadId };
                if (!dryRun)
                    await _attempts.RepeatAsync(
                        prefix, 0, token => client.AbortMultipartUploadAsync(abort, token), cancellation).ConfigureAwait(false);
            }

            if (page.IsTruncated != true || string.IsNullOrEmpty(page.NextKeyMarker)) return count;
            (request.KeyMarker, request.UploadIdMarker) = (page.NextKeyMarker, page.NextUploadIdMarker);
        }
    }

    /// <summary>Closes the connections.</summary>
    public void Dispose()
    {
        _client?.Dispose();
        _gate.Dispose();
    }

    // The answer names no header, or the SDK does not keep it: a write without the condition tells, at a key that nobody reads.
    private async Task<string> RefusedHeaderAsync(AmazonS3Client client, string key, PutCondition condition, CancellationToken cancellation)
    {
        if (condition.Kind == PutConditionKind.None) return S3Errors.ChecksumHeader;
        var header = condition.Kind == PutConditionKind.Absent ? "If-None-Match" : "If-Match";
        var path = PathOf(key + ProbeSuffix);
        try
        {
            var put = _requests.Put(key, path, ObjectContent.Of(new byte[1]), PutCondition.None);
            await _attempts.OnceAsync(
                key, _attempts.Within(1), token => client.PutObjectAsync(put, token), cancellation).ConfigureAwait(false);
        }
        catch (StoreException e)
        {
            return e.Failure == StoreFailure.Unfit ? S3Errors.ChecksumHeader : $"{header} or {S3Errors.ChecksumHeader}";
        }

        try
        {
            await DeleteAsync(key + ProbeSuffix, cancellation).ConfigureAwait(false);
        }
        catch (StoreException)
        {
            // An uploader needs no right to delete; the one byte is written over by the next probe.
        }

        return header;
    }

    private static bool IsLost(Exception cause, PutCondition condition) =>
        S3Errors.IsConditionFailed(cause) || (condition.Kind == PutConditionKind.Matches && S3Errors.IsNoSuchKey(cause));

    private async IAsyncEnumerable<ListObjectsV2Response> PagesAsync(
        string prefix, ListObjectsV2Request request, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var client = await ClientAsync(prefix, cancellation).ConfigureAwait(false);
        while (true)
        {
            var page = await _attempts.RepeatAsync(
                prefix, 0, token => client.ListObjectsV2Async(request, token), cancellation).ConfigureAwait(false);
            yield return page;
            if (page.IsTruncated != true) break;
            // A listing that ends early would hide segments, or let a prune delete what is needed.
            request.ContinuationToken = page.NextContinuationToken is { Length: > 0 } next
                ? next
                : throw _errors.Of(StoreFailure.Damaged, prefix, "the listing is truncated and does not say where it goes on");
        }
    }

    private async Task<AmazonS3Client> ClientAsync(string key, CancellationToken cancellation)
    {
        await _gate.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            return _client ??= new AmazonS3Client(_credentials, Configuration());
        }
        catch (Exception e) when (_errors.Map(key, e) is { } mapped)
        {
            throw mapped;
        }
        finally
        {
            _gate.Release();
        }
    }

    private AmazonS3Config Configuration()
    {
        var config = new AmazonS3Config
        {
            ForcePathStyle = _settings.PathStyle,
            MaxErrorRetry = 0, // S3Attempts knows what may be repeated
            Timeout = Timeout.InfiniteTimeSpan, // and how long it may take
            ThrottleRetries = false,
            BufferSize = CopyBytes,
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_SUPPORTED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_SUPPORTED,
        };
        if (_http is not null) config.HttpClientFactory = _http;
        if (_settings.Endpoint is { } endpoint)
            (config.ServiceURL, config.AuthenticationRegion) = (endpoint.AbsoluteUri, _settings.Region ?? "us-east-1");
        else if (_settings.Region is { } region) config.RegionEndpoint = RegionEndpoint.GetBySystemName(region);
        return config;
    }

    private string PathOf(string key) =>
        ObjectKey.IsValid(key) ? _settings.Prefix + key : throw new ArgumentException($"'{key}' is not an object key.", nameof(key));

    private string PrefixOf(string prefix) => prefix.Length == 0 ? _settings.Prefix : PathOf(prefix.TrimEnd('/')) + "/";
}
