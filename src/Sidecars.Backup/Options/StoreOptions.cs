using Sidecars.Aws;
using Sidecars.Backup.Store;
using Sidecars.Backup.Store.Directories;
using Sidecars.Backup.Store.S3;
using Sidecars.Core.Hosting;

namespace Sidecars.Backup.Options;

/// <summary>Settings of the store, and the store itself.</summary>
internal static class StoreOptions
{
    private const string Scheme = "s3://";

    /// <summary>Null where the address is none of S3.</summary>
    public static S3Settings? Read(SettingReader settings, string address, long uploadBytesPerSecond)
    {
        var region = settings.OptionalText("BACKUP_S3_REGION", "AWS region of the bucket. Default: found as AWS' own tools find it.");
        var endpoint = settings.OptionalText(
            "BACKUP_S3_ENDPOINT", "URL of an S3-compatible service, which must support If-None-Match and If-Match, or of a VPC endpoint.");
        var pathStyle = settings.Flag("BACKUP_S3_PATH_STYLE", endpoint is not null,
            "Put the bucket into the path instead of the host name. Default: true if BACKUP_S3_ENDPOINT is set.");
        var encryption = settings.Choice(
            "BACKUP_S3_ENCRYPTION", S3Encryption.Bucket,
            "Server-side encryption: bucket (the bucket's default), s3 (SSE-S3) or kms (SSE-KMS).");
        var key = settings.OptionalText("BACKUP_S3_KMS_KEY",
            "Id or ARN of the key for BACKUP_S3_ENCRYPTION=kms. Default: the account's key for S3.");
        var storageClass = settings.OptionalText("BACKUP_S3_STORAGE_CLASS",
            "Storage class of objects of 128 KiB and more: STANDARD_IA, ONEZONE_IA, INTELLIGENT_TIERING, GLACIER_IR. Default: STANDARD.");
        var lockPeriod = settings.Duration(
            "BACKUP_S3_LOCK_PERIOD", "BACKUP_S3_LOCK_DAYS", TimeSpan.Zero, TimeSpan.Zero, TimeSpan.FromDays(36_500),
            "Object Lock: how long a written object can't be deleted or replaced, rounded down to whole days. It must not exceed the "
            + "retention, and Object Lock must be enabled on the bucket. 0: no lock.");
        var lockMode = settings.Choice("BACKUP_S3_LOCK_MODE", S3LockMode.Governance,
            "Object Lock mode. governance: users with s3:BypassGovernanceRetention can delete early; compliance: nobody can.");
        var parallel = settings.Integer("BACKUP_S3_PARALLEL", 4, 1, 32, "Number of parts of a large object that are uploaded at once.");
        var timeout = settings.Duration(
            "BACKUP_S3_TIMEOUT", "BACKUP_S3_TIMEOUT_MS",
            TimeSpan.FromSeconds(20), TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10),
            "How long to wait for the response to a request, in addition to the time that its body takes.");
        if (!address.StartsWith(Scheme, StringComparison.Ordinal)) return null;
        if (key is not null && encryption != S3Encryption.Kms) settings.Fail("BACKUP_S3_KMS_KEY needs BACKUP_S3_ENCRYPTION=kms");
        Uri? uri = null;
        if (endpoint is not null && !(Uri.TryCreate(endpoint, UriKind.Absolute, out uri) && uri.Scheme is "http" or "https"
            && uri.AbsolutePath == "/" && uri.UserInfo.Length == 0))
            settings.Fail("BACKUP_S3_ENDPOINT must be http(s)://host or http(s)://host:port");
        var slash = address.IndexOf('/', Scheme.Length);
        var bucket = slash < 0 ? address[Scheme.Length..] : address[Scheme.Length..slash];
        var prefix = slash < 0 ? "" : address[(slash + 1)..].TrimEnd('/');
        if (bucket.Length is < 3 or > 63 || !bucket.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '.' or '-')
            || (prefix.Length > 0 && !ObjectKey.IsValid(prefix)))
            settings.Fail($"BACKUP_STORE is '{address}'; a bucket has 3 to 63 of a-z 0-9 . - and a prefix parts of A-Z a-z 0-9 . "
                + "_ - between slashes");
        var slowest = new S3Settings("", "").SlowestBytesPerSecond;
        return new S3Settings(bucket, prefix.Length == 0 ? "" : prefix + "/")
        {
            Region = region,
            Endpoint = uri,
            PathStyle = pathStyle,
            Encryption = encryption,
            KmsKey = key,
            StorageClass = storageClass,
            LockDays = (int)lockPeriod.TotalDays,
            LockMode = lockMode,
            Parallel = parallel,
            Timeout = timeout,
            // A limit that we keep must not look like a connection that hangs: parts and segments share it.
            SlowestBytesPerSecond =
                uploadBytesPerSecond == 0 ? slowest : (int)Math.Clamp(uploadBytesPerSecond / ((parallel + 1) * 2), 256, slowest),
        };
    }

    /// <summary>Opens it; nobody is contacted yet.</summary>
    public static IObjectStore Open(BackupOptions options, RotatingCredentials credentials)
    {
        IObjectStore store =
            options.S3 is { } s3 ? new S3Store(s3, TimeProvider.System, credentials) : new DirectoryStore(options.StoreDirectory);
        return options.UploadBytesPerSecond > 0 ? new LimitedStore(store, options.UploadBytesPerSecond, TimeProvider.System) : store;
    }
}
