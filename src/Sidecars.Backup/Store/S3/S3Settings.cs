namespace Sidecars.Backup.Store.S3;

/// <summary>How the server encrypts what it stores.</summary>
public enum S3Encryption
{
    /// <summary>As the bucket says (S3 itself: at least SSE-S3).</summary>
    Bucket,

    /// <summary>SSE-S3: keys of the service.</summary>
    S3,

    /// <summary>SSE-KMS: <see cref="S3Settings.KmsKey"/>, or the account's key for S3.</summary>
    Kms,
}

/// <summary>Object Lock's two kinds of retention.</summary>
public enum S3LockMode
{
    /// <summary>A special right may still delete.</summary>
    Governance,

    /// <summary>Nobody can delete before the time is over, the account's owner included.</summary>
    Compliance,
}

/// <summary>Where and how a bucket is used. Credentials are no setting: see <see cref="Aws.RotatingCredentials"/>.</summary>
/// <param name="Bucket">Its name.</param>
/// <param name="Prefix">All keys begin with it: "" or what ends in a slash.</param>
public sealed record S3Settings(string Bucket, string Prefix)
{
    /// <summary>For messages: bucket, prefix and who is asked.</summary>
    public string Place => $"s3://{Bucket}/{Prefix} at {Endpoint?.Authority ?? (Region is null ? "AWS" : $"AWS, region {Region}")}";

    /// <summary>S3's least size of a part but the last.</summary>
    public const int MinPartBytes = 5 << 20;

    /// <summary>Null: as the SDK finds it (AWS_REGION, shared files, instance metadata).</summary>
    public string? Region { get; init; }

    /// <summary>Of another implementation of S3, or a VPC endpoint; null: AWS.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>Bucket in the path instead of the host's name.</summary>
    public bool PathStyle { get; init; }

    /// <summary>Default: as the bucket says.</summary>
    public S3Encryption Encryption { get; init; }

    /// <summary>For <see cref="S3Encryption.Kms"/>: id or ARN; null: the account's key for S3.</summary>
    public string? KmsKey { get; init; }

    /// <summary>
    /// Storage class of objects of 128 KiB and more (what is smaller costs more in the infrequent classes than in STANDARD); null:
    /// STANDARD.
    /// </summary>
    public string? StorageClass { get; init; }

    /// <summary>Days for which Object Lock keeps objects that are written once; 0: none. The bucket must have it enabled.</summary>
    public int LockDays { get; init; }

    /// <summary>For <see cref="LockDays"/>.</summary>
    public S3LockMode LockMode { get; init; }

    /// <summary>Objects larger than this are uploaded in parts of this size; 8 MiB, at least <see cref="MinPartBytes"/>.</summary>
    public int PartBytes { get; init; } = 8 << 20;

    /// <summary>Parts of one object in flight; 4.</summary>
    public int Parallel { get; init; } = 4;

    /// <summary>How long a request waits for its answer, besides the time for its bytes; 20 s.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>
    /// How long a server may take to make one object of its parts; 10 min: "several minutes" by S3's API reference
    /// (CompleteMultipartUpload), and longer where it copies them.
    /// </summary>
    public TimeSpan CompletionTimeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// Slowest transfer that is not given up, bytes a second; 128 KiB. A limit on the bandwidth must leave each part in flight this much.
    /// </summary>
    public int SlowestBytesPerSecond { get; init; } = 128 * 1024;
}
