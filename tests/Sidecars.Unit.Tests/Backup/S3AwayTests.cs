using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Amazon.Runtime;
using Sidecars.Aws;
using Sidecars.Backup.Archive;
using Sidecars.Backup.Lease;
using Sidecars.Backup.Store;
using Sidecars.Backup.Store.S3;
using Sidecars.Backup.Tail;
using Sidecars.Backup.Upload;
using Sidecars.Core.Hosting;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.TestKit.Processes;
using Sidecars.Unit.Tests.Failover.Loops;

namespace Sidecars.Unit.Tests.Backup;

/// <summary>Requests to an S3 that is away or throttles, through the whole of AWS' SDK, by a clock that the test moves.</summary>
public sealed class S3AwayTests : IDisposable
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(20);
    private readonly VirtualTime _time = new();
    private readonly Wire _wire;
    private readonly S3Store _store;

    public S3AwayTests()
    {
        _wire = new Wire(_time);
        var settings = new S3Settings("backups", "t/") { Endpoint = new Uri("http://s3.test"), PathStyle = true, Timeout = Timeout };
        _store = new S3Store(settings, _time, RotatingCredentials.Of(new BasicAWSCredentials("a", "b")), new Http(_wire));
    }

    public void Dispose()
    {
        _store.Dispose();
        _wire.Dispose();
    }

    [Theory]
    [InlineData("7", 7)]
    [InlineData("Fri, 20 Nov 2026 10:00:05 GMT", 5)]
    [InlineData("soon", 0.1)]
    public async Task A_short_wait_that_is_asked_for_is_kept_to(string retryAfter, double least)
    {
        _wire.Answer = () => _wire.Sent.Count == 1 ? Throttled(retryAfter) : Done;
        await Run(Delete(), TimeSpan.FromMinutes(1));

        Assert.InRange(Assert.Single(Pauses()), least, least * 2);
    }

    [Fact]
    public async Task A_long_one_is_the_callers_to_wait_for()
    {
        _wire.Answer = () => Throttled("30");
        var failure = await FailsAsync(Delete(), TimeSpan.Zero);

        Assert.Equal((StoreFailure.Unavailable, TimeSpan.FromSeconds(30), 1), (failure.Failure, failure.Asked, _wire.Sent.Count));
    }

    [Theory]
    [InlineData(HttpStatusCode.InternalServerError)]
    [InlineData(HttpStatusCode.ServiceUnavailable)]
    [InlineData(HttpStatusCode.TooManyRequests)]
    public async Task What_fails_without_a_word_is_tried_three_times(HttpStatusCode status)
    {
        _wire.Answer = () => Error(status);
        var failure = await FailsAsync(Delete(), TimeSpan.FromMinutes(1));

        Assert.Equal((StoreFailure.Unavailable, null), (failure.Failure, failure.Asked));
        Assert.Collection(Pauses(), pause => Assert.InRange(pause, 0.1, 0.2), pause => Assert.InRange(pause, 0.2, 0.4));
    }

    [Fact]
    public async Task What_never_answers_is_given_up_three_times()
    {
        _wire.Hangs = true;
        var failure = await FailsAsync(Delete(), TimeSpan.FromMinutes(5));

        Assert.Equal((StoreFailure.Unavailable, 3), (failure.Failure, _wire.Sent.Count));
        Assert.All(Pauses(), pause => Assert.InRange(pause, Timeout.TotalSeconds + 0.1, Timeout.TotalSeconds + 0.4));
    }

    [Fact]
    public async Task What_is_denied_is_not_tried_again()
    {
        _wire.Answer = () => Error(HttpStatusCode.BadRequest);

        Assert.Equal((StoreFailure.Denied, 1), ((await FailsAsync(Delete(), TimeSpan.Zero)).Failure, _wire.Sent.Count));
    }

    [Theory]
    [InlineData("If-None-Match", "If-None-Match")]
    [InlineData("If-Match", "If-Match")]
    [InlineData("x-amz-checksum-crc32c", "x-amz-checksum-crc32c")]
    public async Task A_store_that_does_not_know_a_header_is_unfit_and_that_header_is_named(string unknown, string named)
    {
        _wire.Respond = request => request.Headers.Concat(request.Content?.Headers.AsEnumerable() ?? [])
            .Any(h => string.Equals(h.Key, unknown, StringComparison.OrdinalIgnoreCase))
            ? Error(HttpStatusCode.NotImplemented)
            : Stored();
        var condition = unknown == "If-Match" ? PutCondition.Matches("\"1\"") : PutCondition.Absent;
        var failure = await FailsAsync(
            _store.PutAsync("a/uploader.json", ObjectContent.Of(new byte[3]), condition, default), TimeSpan.Zero);

        Assert.Equal(StoreFailure.Unfit, failure.Failure);
        Assert.Contains($"501: the store does not know the header {named},", failure.Message, StringComparison.Ordinal);
        Assert.Contains("s3://backups/t/ at s3.test", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(HttpStatusCode.Forbidden, "403 AccessDenied")]
    [InlineData(HttpStatusCode.NotFound, "404")]
    [InlineData(HttpStatusCode.ServiceUnavailable, "503 ")]
    public async Task An_error_names_status_object_bucket_prefix_and_endpoint(HttpStatusCode status, string named)
    {
        _wire.Respond = _ => status == HttpStatusCode.Forbidden ? Error(status, "AccessDenied") : Error(status);
        foreach (var call in (Func<Task>[])[() => _store.OpenAsync("a/x", default), () => _store.ListFoldersAsync("a/", default),
            () => _store.PutAsync("a/x", ObjectContent.Of(new byte[3]), PutCondition.None, default)])
        {
            var failure = await FailsAsync(call(), TimeSpan.FromMinutes(1));
            foreach (var part in (string[])["a/", named, "s3://backups/t/ at s3.test"])
                Assert.Contains(part, failure.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task One_that_gets_no_answer_names_them_too()
    {
        _wire.Hangs = true;
        Assert.Contains(
            "s3://backups/t/ at s3.test", (await FailsAsync(Delete(), TimeSpan.FromMinutes(5))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cancellation_ends_the_pause()
    {
        using var stop = new CancellationTokenSource();
        _wire.Answer = () => Throttled("7");
        var call = Delete(stop.Token);
        _time.Run(TimeSpan.FromSeconds(5), () => call.IsCompleted || _time.Sleepers == 1);
        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        Assert.Equal((1, 0), (_wire.Sent.Count, _time.Sleepers));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_conditional_write_is_sent_once_whatever_is_asked(bool hangs)
    {
        (_wire.Hangs, _wire.Answer) = (hangs, () => Throttled("1"));
        var put = _store.PutAsync("a/put", ObjectContent.Of(new byte[3]), PutCondition.Absent, default);
        var failure = await FailsAsync(put, TimeSpan.FromMinutes(5));

        Assert.Equal((StoreFailure.Unavailable, 1), (failure.Failure, _wire.Sent.Count));
        Assert.Equal(hangs ? null : TimeSpan.FromSeconds(1), failure.Asked);
    }

    [Theory]
    [InlineData("30", 100, 121)]
    [InlineData(null, 700, 3 * 490)] // three tries a look; a look every 7.5 s at most, and the way there
    public async Task An_uploader_whose_store_is_away_for_an_hour_asks_as_rarely_as_it_should(string? retryAfter, int least, int most)
    {
        using var folder = new TempFolder("away");
        using var log = new MemoryStream();
        using var stop = new CancellationTokenSource();
        _wire.Answer = () => retryAfter is null ? Error(HttpStatusCode.ServiceUnavailable) : Throttled(retryAfter);
        var server = new MemoryServer(new RedisEndpoint("127.0.0.1", 6379), _ => [])
        {
            Refuses = () => new RedisConnectionException(RedisFailure.Refused, "refused"),
        };
        var loop = new UploaderLoop(
            new BackupStore(_store, new BackupLayout(Samples.Cluster)), new AofDirectory(folder.Path, DataLayout.Default),
            new NodeFacts(server, new RedisClientOptions()),
            new UploaderOptions { Node = "redis-0" }, new JsonLineLog(log, "test", _time), _time, new Random(1));
        var run = loop.RunAsync(stop.Token);
        _time.Run(TimeSpan.FromHours(1), () => _time.Sleepers == 1);

        Assert.InRange(_wire.Sent.Count, least, most);
        if (retryAfter is not null) Assert.All(Pauses(), pause => Assert.InRange(pause, 30, 37.5));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
    }

    private static HttpResponseMessage Done => new(HttpStatusCode.NoContent);

    private static HttpResponseMessage Stored()
    {
        var response = new HttpResponseMessage(HttpStatusCode.OK) { Content = new ByteArrayContent([]) };
        response.Headers.ETag = new("\"93b885adfe0da089cdf634904fd59f71\""); // of one byte 0
        return response;
    }

    private static HttpResponseMessage Error(HttpStatusCode status, string? code = null) => new(status)
    {
        Content = new StringContent(
            $"<Error><Code>{code ?? status.ToString()}</Code><Message>no</Message></Error>", Encoding.UTF8, "application/xml"),
    };

    private HttpResponseMessage Throttled(string retryAfter)
    {
        var response = Error(HttpStatusCode.ServiceUnavailable);
        Assert.True(response.Headers.TryAddWithoutValidation("Retry-After", retryAfter));
        response.Headers.Date = new DateTimeOffset(2026, 11, 20, 10, 0, 0, TimeSpan.Zero);
        return response;
    }

    private Task Delete(CancellationToken cancellation = default) => _store.DeleteAsync("a/x", cancellation);

    private async Task Run(Task call, TimeSpan atMost)
    {
        _time.Run(atMost, () => call.IsCompleted || _time.Sleepers == 1 || _wire.IsHanging);
        Assert.True(call.IsCompleted);
        await call;
    }

    private Task<StoreException> FailsAsync(Task call, TimeSpan atMost) => Assert.ThrowsAsync<StoreException>(() => Run(call, atMost));

    private double[] Pauses() => [.. _wire.Sent.Zip(_wire.Sent.Skip(1)).Select(pair => (pair.Second - pair.First).TotalSeconds)];

    private sealed class Http(HttpMessageHandler handler) : HttpClientFactory
    {
        public override HttpClient CreateHttpClient(IClientConfig clientConfig) =>
            new(handler, disposeHandler: false) { Timeout = System.Threading.Timeout.InfiniteTimeSpan };

        public override bool UseSDKHttpClientCaching(IClientConfig clientConfig) => false;

        public override string? GetConfigUniqueString(IClientConfig clientConfig) => null;
    }

    private sealed class Wire(VirtualTime time) : HttpMessageHandler
    {
        private CancellationToken _hanging;

        public Func<HttpResponseMessage> Answer { get; set; } = () => Done;

        /// <summary>In place of <see cref="Answer"/>, where it is set.</summary>
        public Func<HttpRequestMessage, HttpResponseMessage>? Respond { get; set; }

        public bool Hangs { get; set; }

        /// <summary>A request waits for an answer that never comes, and is not given up.</summary>
        public bool IsHanging => _hanging is { CanBeCanceled: true, IsCancellationRequested: false };

        public ConcurrentQueue<TimeSpan> Sent { get; } = new();

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Sent.Enqueue(time.Now);
            if (Respond is not null && request.Content is not null)
                await request.Content.CopyToAsync(Stream.Null, cancellationToken).ConfigureAwait(false);
            if (!Hangs) return Respond?.Invoke(request) ?? Answer();
            _hanging = cancellationToken;
            await Task.Delay(System.Threading.Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken).ConfigureAwait(false);
            throw new InvalidOperationException("it never answers");
        }
    }
}
