using Amazon.S3;
using Amazon.S3.Model;
using Sidecars.Backup.Archive;

namespace Sidecars.Backup.Store.S3;

/// <summary>What settings put into requests, and contents: reads them for their checksum.</summary>
internal sealed class S3Requests(S3Settings settings, TimeProvider time)
{
    // Amazon's infrequent classes bill 128 KB at least.
    private const long LeastForStorageClass = 128 * 1024;

    // The SDK signs a body by reading it in pieces of 4 KiB.
    private const int SignBytes = 64 * 1024;

    // A header, so that the body is sent as it is; its algorithm goes beside it, without which some servers do not verify it.
    private static readonly ChecksumAlgorithm Checksum = ChecksumAlgorithm.CRC32C;

    // Signing the payload costs a hash; TLS and the checksum protect it. Plain HTTP has neither TLS nor, in the SDK, the choice.
    private readonly bool _unsigned = settings.Endpoint is null || settings.Endpoint.Scheme == Uri.UriSchemeHttps;

    public PutObjectRequest Put(string key, string path, ObjectContent content, PutCondition condition)
    {
        var request = new PutObjectRequest
        {
            BucketName = settings.Bucket,
            Key = path,
            ChecksumCRC32C = Crc32C.Of(content), // before the body is opened: it may fail
            InputStream = Body(content),
            AutoCloseStream = true,
            ChecksumAlgorithm = Checksum,
            DisablePayloadSigning = _unsigned,
            UseChunkEncoding = false,
            ServerSideEncryptionMethod = Encryption(),
            ServerSideEncryptionKeyManagementServiceKeyId = settings.Encryption == S3Encryption.Kms ? settings.KmsKey : null,
            StorageClass = Class(content.Length),
            IfNoneMatch = condition.Kind == PutConditionKind.Absent ? "*" : null,
            IfMatch = condition.Kind == PutConditionKind.Matches ? condition.ETag : null,
        };
        if (LockUntil(key) is { } until) (request.ObjectLockMode, request.ObjectLockRetainUntilDate) = (Mode(), until);
        return request;
    }

    public InitiateMultipartUploadRequest Begin(string key, string path, long length)
    {
        var request = new InitiateMultipartUploadRequest
        {
            BucketName = settings.Bucket,
            Key = path,
            ChecksumAlgorithm = Checksum,
            ServerSideEncryptionMethod = Encryption(),
            ServerSideEncryptionKeyManagementServiceKeyId = settings.Encryption == S3Encryption.Kms ? settings.KmsKey : null,
            StorageClass = Class(length),
        };
        if (LockUntil(key) is { } until) (request.ObjectLockMode, request.ObjectLockRetainUntilDate) = (Mode(), until);
        return request;
    }

    public UploadPartRequest Part(string path, string upload, int number, ObjectContent content, bool last) => new()
    {
        BucketName = settings.Bucket,
        Key = path,
        UploadId = upload,
        PartNumber = number,
        PartSize = content.Length,
        ChecksumCRC32C = Crc32C.Of(content),
        InputStream = Body(content),
        IsLastPart = last,
        ChecksumAlgorithm = Checksum,
        DisablePayloadSigning = _unsigned,
        UseChunkEncoding = false,
    };

    private static BufferedStream Body(ObjectContent content) => new(content.Open(), (int)Math.Clamp(content.Length, 1, SignBytes));

    private ServerSideEncryptionMethod? Encryption() => settings.Encryption switch
    {
        S3Encryption.S3 => ServerSideEncryptionMethod.AES256,
        S3Encryption.Kms => ServerSideEncryptionMethod.AWSKMS,
        _ => null,
    };

    private S3StorageClass? Class(long length) =>
        settings.StorageClass is { } name && length >= LeastForStorageClass ? new S3StorageClass(name) : null;

    // A document that is replaced would leave a locked version a renewal.
    private DateTime? LockUntil(string key) =>
        settings.LockDays > 0 && !BackupLayout.IsReplaced(key) ? time.GetUtcNow().AddDays(settings.LockDays).UtcDateTime : null;

    private ObjectLockMode Mode() => settings.LockMode == S3LockMode.Compliance ? ObjectLockMode.Compliance : ObjectLockMode.Governance;
}
