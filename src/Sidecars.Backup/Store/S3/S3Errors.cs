using System.Net;
using System.Xml;
using Amazon.Runtime;
using Amazon.Runtime.Internal;
using Amazon.S3;
using Sidecars.Core.Primitives;

namespace Sidecars.Backup.Store.S3;

/// <summary>
/// What a failed request means; each message names the object, the status, bucket and prefix, and who answered. Source: S3 API reference,
/// "Error responses" and "Conditional requests".
/// </summary>
internal sealed class S3Errors(S3Settings settings)
{
    /// <summary>The header that every write has.</summary>
    public const string ChecksumHeader = "x-amz-checksum-crc32c";

    /// <summary>An error that names the place.</summary>
    public StoreException Of(StoreFailure failure, string key, string message, Exception? inner = null, TimeSpan? asked = null) =>
        new(failure, key, $"{message} ({settings.Place})", inner) { Asked = asked };

    /// <summary>501: a header is not known; only a request that lacks one of two tells which.</summary>
    public StoreException Unknown(string key, string headers, StoreException refused) =>
        Of(StoreFailure.Unfit, key, $"501: the store does not know the header {headers}, on which backups rest",
            refused.InnerException, refused.Asked);

    /// <summary>
    /// 412, or the same after a 200 (CompleteMultipartUpload): what <c>If-Match</c> or <c>If-None-Match</c> asked for did not hold, and
    /// nothing was written.
    /// </summary>
    public static bool IsConditionFailed(Exception e) =>
        e is AmazonS3Exception { StatusCode: HttpStatusCode.PreconditionFailed } or AmazonS3Exception { ErrorCode: "PreconditionFailed" };

    /// <summary>404 at <c>If-Match</c>: the version was deleted.</summary>
    public static bool IsNoSuchKey(Exception e) => e is AmazonS3Exception { StatusCode: HttpStatusCode.NotFound, ErrorCode: "NoSuchKey" };

    /// <summary>
    /// The ETag of a write. Every S3 sends one; a 200 without it is somebody else's (a proxy's page), and nothing may have been stored.
    /// </summary>
    /// <exception cref="StoreException">There is none.</exception>
    public string Stored(string key, string? etag) => string.IsNullOrEmpty(etag)
        ? throw Of(StoreFailure.Unavailable, key,
            "the answer has no ETag, so that it is not known to be stored: is this an S3 endpoint, or a proxy's answer?")
        : etag;

    /// <summary>The error of the interface; null for what is none of the store's (a bug, a cancellation).</summary>
    public StoreException? Map(string key, Exception e) => e switch
    {
        StoreException known => known,
        AmazonS3Exception s3 => OfService(key, s3),
        AmazonUnmarshallingException garbled => Of(StoreFailure.Unavailable, key, $"the answer can't be read: {garbled.Message}", garbled),
        AmazonServiceException service => Of(StoreFailure.Denied, key, $"credentials: {service.Message}", e), // of STS
        AmazonClientException client when IsChecksum(client) =>
            Of(StoreFailure.Damaged, key, "its checksum is not the one that it was stored with", e),
        AmazonClientException client when client.InnerException is HttpRequestException or IOException =>
            Of(StoreFailure.Unavailable, key, client.InnerException.Message, e),
        AmazonClientException client => Of(StoreFailure.Denied, key, client.Message, e), // no credentials, no region
        HttpRequestException or IOException => Of(StoreFailure.Unavailable, key, e.Message, e),
        // as the SDK throws them for a body, for a header
        XmlException or ArgumentException or FormatException =>
            Of(StoreFailure.Unavailable, key, $"the answer can't be read: {e.Message}", e),
        _ => null,
    };

    private StoreException OfService(string key, AmazonS3Exception e)
    {
        var failure = (e.StatusCode, e.ErrorCode) switch
        {
            (HttpStatusCode.NotFound, "NoSuchBucket") => StoreFailure.Denied, // a wrong setting, not a missing object
            (HttpStatusCode.NotFound, _) => StoreFailure.NotFound,
            (_, "RequestTimeout" or "RequestTimeTooSkewed" or "SlowDown" or "BadDigest" or "XAmzContentChecksumMismatch") =>
                StoreFailure.Unavailable,
            (HttpStatusCode.TooManyRequests or HttpStatusCode.Conflict or HttpStatusCode.RequestTimeout, _) => StoreFailure.Unavailable,
            ( >= HttpStatusCode.InternalServerError, _) or (0, _) => StoreFailure.Unavailable,
            (HttpStatusCode.OK, _) => StoreFailure.Unavailable, // CompleteMultipartUpload sends 200 before it knows
            _ => StoreFailure.Denied,
        };
        if (e.StatusCode == HttpStatusCode.NotImplemented) failure = StoreFailure.Unfit;
        return failure == StoreFailure.NotFound
            ? Of(failure, key, "404: there is no such object", e)
            : Of(failure, key, $"{(int)e.StatusCode} {e.ErrorCode}: {e.Message}", e, Asked(e));
    }

    // The SDK keeps the answer's headers at the inner exception alone.
    private static TimeSpan? Asked(AmazonS3Exception e) => e.InnerException is HttpErrorResponseException { Response: { } answer }
        ? RetryAfter.Read(answer.GetHeaderValue("Retry-After"), answer.GetHeaderValue("Date"))
        : null;

    // The SDK has no type of its own for a body that does not match its checksum (ChecksumHashStream).
    private static bool IsChecksum(AmazonClientException e) =>
        e.Message.Contains("hash", StringComparison.OrdinalIgnoreCase) && e.InnerException is null;
}
