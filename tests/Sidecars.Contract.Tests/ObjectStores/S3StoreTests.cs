using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Sidecars.Aws;
using Sidecars.Backup.Store;
using Sidecars.Backup.Store.S3;
using Sidecars.TestKit.Processes;

namespace Sidecars.Contract.Tests;

/// <summary>One server for the tests of a class; each has a prefix of its own.</summary>
public sealed class MotoFixture : IAsyncLifetime
{
    public const string Bucket = "backups";
    private int _prefixes;

    public MotoServer Server { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        if (MotoServer.Missing is not null) return;
        Server = await MotoServer.StartAsync();
        await Server.CreateBucketAsync(Bucket);
    }

    public async Task DisposeAsync()
    {
        if (Server is not null) await Server.DisposeAsync();
    }

    public S3Settings Settings() =>
        new(Bucket, $"test-{Interlocked.Increment(ref _prefixes)}/")
        { Endpoint = Server.Endpoint, PathStyle = true, PartBytes = S3Settings.MinPartBytes };

    public static S3Store Open(S3Settings settings, HttpMessageHandler? handler = null) =>
        new(settings, TimeProvider.System, RotatingCredentials.Of(new BasicAWSCredentials("test", "test")),
            handler is null ? null : new Http(handler));

    private sealed class Http(HttpMessageHandler handler) : HttpClientFactory
    {
        public override HttpClient CreateHttpClient(IClientConfig clientConfig) =>
            new(handler, disposeHandler: false) { Timeout = Timeout.InfiniteTimeSpan };

        public override bool UseSDKHttpClientCaching(IClientConfig clientConfig) => false;

        public override string? GetConfigUniqueString(IClientConfig clientConfig) => null;
    }
}

/// <summary>The contract against S3.</summary>
[RequiresMoto]
public sealed class S3StoreTests(MotoFixture moto) : ObjectStoreContract, IClassFixture<MotoFixture>
{
    private S3Store? _store;

    public override Task DisposeAsync()
    {
        _store?.Dispose();
        return Task.CompletedTask;
    }

    protected override Task<IObjectStore> OpenAsync() =>
        Task.FromResult<IObjectStore>(_store = MotoFixture.Open(moto.Settings(), new OneAtATime()));

    [ContractFact]
    public async Task Uploads_that_were_never_completed_are_found_and_removed()
    {
        var settings = moto.Settings();
        using var store = MotoFixture.Open(settings);
        using var client = new AmazonS3Client(new BasicAWSCredentials("test", "test"),
            new AmazonS3Config { ServiceURL = settings.Endpoint!.AbsoluteUri, ForcePathStyle = true, AuthenticationRegion = "us-east-1" });
        await client.InitiateMultipartUploadAsync(
            new InitiateMultipartUploadRequest { BucketName = settings.Bucket, Key = settings.Prefix + "a/killed" });
        await client.InitiateMultipartUploadAsync(
            new InitiateMultipartUploadRequest { BucketName = settings.Bucket, Key = settings.Prefix + "b/others" });
        var later = TimeProvider.System.GetUtcNow().AddHours(1);
        Assert.Equal(0, await store.RemoveUnfinishedAsync("a/", DateTimeOffset.UnixEpoch, dryRun: false, default));
        Assert.Equal(1, await store.RemoveUnfinishedAsync("a/", later, dryRun: true, default));
        Assert.Equal(1, await store.RemoveUnfinishedAsync("a/", later, dryRun: false, default));
        Assert.Equal(0, await store.RemoveUnfinishedAsync("a/", later, dryRun: false, default));
        Assert.Equal(1, await store.RemoveUnfinishedAsync("b/", later, dryRun: true, default));
    }

    /// <summary>moto looks at a condition and then writes, in threads; S3 does both at once.</summary>
    private sealed class OneAtATime() : DelegatingHandler(new SocketsHttpHandler())
    {
        private readonly SemaphoreSlim _gate = new(1);

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var writes = request.Method != HttpMethod.Get;
            if (writes) await _gate.WaitAsync(cancellationToken);
            try
            {
                return await base.SendAsync(request, cancellationToken);
            }
            finally
            {
                if (writes) _gate.Release();
            }
        }
    }
}
