using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Sidecars.Aws;
using Sidecars.Backup.Store;
using Sidecars.Backup.Store.S3;

namespace Sidecars.Contract.Tests;

/// <summary>What only S3 has: parts, headers, pages, and the ways in which it says no.</summary>
[RequiresMoto]
public sealed class S3RequestTests(MotoFixture moto) : IClassFixture<MotoFixture>, IAsyncLifetime
{
    private readonly Wire _wire = new();
    private readonly List<S3Store> _stores = [];

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync()
    {
        _stores.ForEach(s => s.Dispose());
        _wire.Dispose();
        return Task.CompletedTask;
    }

    [ContractFact]
    public async Task A_large_object_goes_in_parts_at_once_and_appears_with_the_last_request()
    {
        var store = Open();
        var bytes = RandomNumberGenerator.GetBytes((S3Settings.MinPartBytes * 3) + 17);
        Assert.NotNull(await store.PutAsync("a/parts", ObjectContent.Of(bytes), PutCondition.Absent, default));
        Assert.Equal(4, _wire.Seen.Count(r => r.Query.Contains("partNumber=", StringComparison.Ordinal)));
        Assert.True(_wire.MostAtOnce > 1);
        using (var download = await store.OpenAsync("a/parts", default))
        using (var copy = new MemoryStream())
        {
            await download.Content.CopyToAsync(copy);
            Assert.True(bytes.AsSpan().SequenceEqual(copy.ToArray()));
        }

        Assert.Null(await store.PutAsync("a/parts", ObjectContent.Of(new byte[bytes.Length]), PutCondition.Absent, default));
        // the parts of the second are gone
        Assert.Contains(_wire.Seen, r => r is { Method: "DELETE" } && r.Query.Contains("uploadId=", StringComparison.Ordinal));
    }

    [ContractFact]
    public async Task A_part_whose_request_fails_is_sent_again_alone()
    {
        var store = Open();
        var failed = 0;
        _wire.Before = request => request.RequestUri!.Query.Contains("partNumber=2", StringComparison.Ordinal)
            && Interlocked.Increment(ref failed) == 1
            ? Wire.Error(503, "SlowDown")
            : null;
        var bytes = RandomNumberGenerator.GetBytes((S3Settings.MinPartBytes * 2) + 1);
        await store.PutAsync("a/again", ObjectContent.Of(bytes), PutCondition.None, default);
        using var download = await store.OpenAsync("a/again", default);
        using var copy = new MemoryStream();
        await download.Content.CopyToAsync(copy);
        Assert.True(bytes.AsSpan().SequenceEqual(copy.ToArray()));
        Assert.Equal(4, _wire.Seen.Count(r => r.Query.Contains("partNumber=", StringComparison.Ordinal)));
    }

    [ContractFact]
    public async Task Every_body_has_a_checksum_and_settings_are_headers()
    {
        var store = Open(s => s with
        { Encryption = S3Encryption.Kms, KmsKey = "key-1", StorageClass = "STANDARD_IA", LockDays = 3, LockMode = S3LockMode.Compliance });
        _wire.Before = _ => new HttpResponseMessage(HttpStatusCode.OK) { Headers = { { "ETag", "\"1\"" } } };
        await store.PutAsync("t.r/0000000001/tail/0000000001/small", ObjectContent.Of(new byte[100]), PutCondition.Absent, default);
        await store.PutAsync("t.r/0000000001/base/x/large", ObjectContent.Of(new byte[200_000]), PutCondition.None, default);
        await store.PutAsync("t.r/uploader.json", ObjectContent.Of(new byte[10]), PutCondition.Matches("\"7\""), default);
        var (small, large, lease) = (_wire.Seen[0], _wire.Seen[1], _wire.Seen[2]);
        Assert.All(_wire.Seen, r => Assert.Equal(("CRC32C", "aws:kms", "key-1"),
            (r["x-amz-sdk-checksum-algorithm"], r["x-amz-server-side-encryption"], r["x-amz-server-side-encryption-aws-kms-key-id"])));
        Assert.Equal(["B8uf9g==", "qZgjnw==", "493waw=="], _wire.Seen.Select(r => r["x-amz-checksum-crc32c"])); // by another implementation
        Assert.All(_wire.Seen, r => Assert.Null(r["x-amz-trailer"]));
        Assert.Equal(("*", null, "\"7\""), (small["If-None-Match"], large["If-None-Match"], lease["If-Match"]));
        Assert.Equal((null, "STANDARD_IA"), (small["x-amz-storage-class"], large["x-amz-storage-class"]));
        // a lease is replaced for ever
        Assert.Equal(("COMPLIANCE", null), (small["x-amz-object-lock-mode"], lease["x-amz-object-lock-mode"]));
        var until = DateTimeOffset.Parse(small["x-amz-object-lock-retain-until-date"]!, CultureInfo.InvariantCulture);
        Assert.InRange(until - TimeProvider.System.GetUtcNow(), TimeSpan.FromDays(2.9), TimeSpan.FromDays(3.1));
    }

    [ContractFact]
    public async Task A_listing_goes_through_all_pages()
    {
        var store = Open();
        for (var i = 0; i < 7; i++) await store.PutAsync($"a/{i}/x", ObjectContent.Of(new byte[1]), PutCondition.None, default);
        _wire.Rewrite = request => request.RequestUri!.Query.Contains("list-type=2", StringComparison.Ordinal)
            ? new Uri(request.RequestUri + "&max-keys=2")
            : null;
        var keys = new List<string>();
        await foreach (var entry in store.ListAsync("a/", "a/1/x", default)) keys.Add(entry.Key);
        Assert.Equal(["a/2/x", "a/3/x", "a/4/x", "a/5/x", "a/6/x"], keys);
        Assert.Equal(7, (await store.ListFoldersAsync("a/", default)).Count);
    }

    [ContractFact]
    public async Task A_body_that_was_changed_is_Damaged()
    {
        var store = Open();
        await store.PutAsync("a/flip", ObjectContent.Of(Encoding.ASCII.GetBytes(new string('x', 5000))), PutCondition.None, default);
        _wire.After = async response =>
        {
            var bytes = await response.Content.ReadAsByteArrayAsync();
            bytes[2500] ^= 1;
            var changed = new ByteArrayContent(bytes);
            foreach (var (name, values) in response.Content.Headers) changed.Headers.TryAddWithoutValidation(name, values);
            response.Content = changed;
        };
        using var download = await store.OpenAsync("a/flip", default);
        var error = await Assert.ThrowsAsync<StoreException>(async () => await download.Content.CopyToAsync(Stream.Null));
        Assert.Equal((StoreFailure.Damaged, "a/flip"), (error.Failure, error.Key));
    }

    [ContractFact]
    public async Task What_the_service_answers_is_told_apart()
    {
        foreach (var (status, code, expected, requests) in ((int, string, StoreFailure, int)[])[
            (403, "AccessDenied", StoreFailure.Denied, 1), (403, "InvalidAccessKeyId", StoreFailure.Denied, 1),
            (404, "NoSuchBucket", StoreFailure.Denied, 1),
            (400, "InvalidRequest", StoreFailure.Denied, 1), (404, "NoSuchKey", StoreFailure.NotFound, 1),
            (409, "OperationAborted", StoreFailure.Unavailable, 3),
            (429, "TooManyRequests", StoreFailure.Unavailable, 3), (503, "SlowDown", StoreFailure.Unavailable, 3),
            (500, "InternalError", StoreFailure.Unavailable, 3),
            (400, "RequestTimeout", StoreFailure.Unavailable, 3)])
        {
            using var wire = new Wire { Before = _ => Wire.Error(status, code) };
            using var store = MotoFixture.Open(moto.Settings(), wire);
            var error = await Assert.ThrowsAsync<StoreException>(() => store.OpenAsync("a/x", default));
            Assert.Equal((code, expected, requests), (code, error.Failure, wire.Seen.Count));
            Assert.Contains("a/x", error.Message, StringComparison.Ordinal);
        }
    }

    [ContractFact]
    public async Task A_conditional_write_whose_answer_is_lost_is_not_sent_twice()
    {
        var store = Open();
        _wire.After = _ => throw new HttpRequestException("reset");
        var error = await Assert.ThrowsAsync<StoreException>(
            () => store.PutAsync("a/lost", ObjectContent.Of(new byte[3]), PutCondition.Absent, default));
        Assert.Equal((StoreFailure.Unavailable, 1), (error.Failure, _wire.Seen.Count));
    }

    [ContractFact]
    public async Task A_server_that_does_not_answer_is_given_up()
    {
        var store = Open(s => s with { Timeout = TimeSpan.FromMilliseconds(100) });
        _wire.Hang = true;
        Assert.Equal(StoreFailure.Unavailable, (await Assert.ThrowsAsync<StoreException>(
            () => store.PutAsync("a/x", ObjectContent.Of(new byte[3]), PutCondition.None, default))).Failure);
        using var stop = new CancellationTokenSource(50);
        // the caller's own will is no failure
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => store.OpenAsync("a/x", stop.Token));
    }

    [ContractFact]
    public async Task Without_credentials_it_is_Denied_and_later_it_works()
    {
        var found = false;
        var time = new AheadTime();
        var credentials = new RotatingCredentials(
            _ => found
                ? ResolvedCredentials.OfAsync(new Amazon.Runtime.BasicAWSCredentials("test", "test"))
                : throw new Amazon.Runtime.AmazonClientException("no credentials"),
            time,
            () => 0);
        using var store = new S3Store(moto.Settings(), time, credentials);
        Assert.Equal(StoreFailure.Denied, (await Assert.ThrowsAsync<StoreException>(() => store.OpenAsync("a/x", default))).Failure);
        found = true;
        time.Ahead = CredentialsPolicy.Pause.First;
        Assert.Equal(StoreFailure.NotFound, (await Assert.ThrowsAsync<StoreException>(() => store.OpenAsync("a/x", default))).Failure);
    }

    private S3Store Open(Func<S3Settings, S3Settings>? with = null)
    {
        var store = MotoFixture.Open(with is null ? moto.Settings() : with(moto.Settings()), _wire);
        _stores.Add(store);
        return store;
    }

    private sealed record SeenRequest(string Method, string Query, IReadOnlyDictionary<string, string> Headers)
    {
        public string? this[string name] => Headers.GetValueOrDefault(name);
    }

    /// <summary>Between the SDK and the server: records, and does harm.</summary>
    private sealed class Wire() : DelegatingHandler(new SocketsHttpHandler())
    {
        private int _atOnce;

        public List<SeenRequest> Seen { get; } = [];

        public int MostAtOnce { get; private set; }

        public Func<HttpRequestMessage, HttpResponseMessage?>? Before { get; set; }

        public Func<HttpRequestMessage, Uri?>? Rewrite { get; set; }

        public Func<HttpResponseMessage, Task>? After { get; set; }

        public bool Hang { get; set; }

        public static HttpResponseMessage Error(int status, string code) =>
            new((HttpStatusCode)status)
            {
                Content = new StringContent(
                    $"<Error><Code>{code}</Code><Message>as the test wants</Message></Error>", Encoding.UTF8, "application/xml")
            };

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            lock (Seen)
            {
                Seen.Add(new SeenRequest(request.Method.Method, request.RequestUri!.Query,
                    request.Headers.ToDictionary(h => h.Key, h => string.Join(',', h.Value), StringComparer.OrdinalIgnoreCase)));
                MostAtOnce = Math.Max(MostAtOnce, ++_atOnce);
            }

            try
            {
                if (Hang) await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
                if (Before?.Invoke(request) is { } canned)
                {
                    canned.RequestMessage = request;
                    return canned;
                }

                if (Rewrite?.Invoke(request) is { } uri) request.RequestUri = uri;
                var response = await base.SendAsync(request, cancellationToken);
                if (After is not null) await After(response);
                return response;
            }
            finally
            {
                lock (Seen) _atOnce--;
            }
        }
    }
}
