using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Amazon.Runtime;
using Sidecars.Aws;
using Sidecars.Backup.Store;
using Sidecars.Backup.Store.S3;

namespace Sidecars.Contract.Tests;

/// <summary>
/// A server that takes connections and does not behave, on real sockets: every call ends by itself, as Unavailable with the object's name,
/// and leaves no connection behind. A call that hung would run into the test's own limit, and end otherwise.
/// </summary>
public sealed class StubbornServerTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1); // where it is what is waited for
    private readonly StubbornServer _server = new();
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromMinutes(1));
    private S3Store _store = null!;

    public Task InitializeAsync()
    {
        Open(TimeSpan.FromSeconds(20));
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        _store.Dispose();
        await _server.DisposeAsync();
        _limit.Dispose();
    }

    [Fact]
    public async Task One_that_never_answers_is_given_up()
    {
        await OpenAsync(Patience);
        _server.Answer = (_, stop) => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, stop);
        await FailsAsync(
            "a/put", () => _store.PutAsync("a/put", ObjectContent.Of(new byte[100]), PutCondition.Absent, _limit.Token), requests: 1);
        await FailsAsync("a/get", () => _store.OpenAsync("a/get", _limit.Token), requests: 3);
    }

    [Fact]
    public async Task One_that_takes_no_more_of_a_body_is_given_up()
    {
        await OpenAsync(Patience * 3); // which it signs before
        _server.ReadsBodies = false; // its window fills, and the upload stands
        _server.Answer = (_, stop) => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, stop);
        await FailsAsync("a/large",
            () => _store.PutAsync("a/large", ObjectContent.Of(new byte[8 << 20]), PutCondition.Absent, _limit.Token), requests: 1);
    }

    [Fact]
    public async Task One_that_gives_a_byte_now_and_then_is_given_up_though_each_read_has_one()
    {
        await OpenAsync(Patience);
        _server.Answer = async (connection, stop) =>
        {
            await connection.WriteAsync(Head(200, 5000), stop);
            while (true)
            {
                await connection.WriteAsync("x"u8.ToArray(), stop);
                await Task.Delay(Patience / 4, TimeProvider.System, stop);
            }
        };
        await FailsAsync("a/slow", () => ReadAsync("a/slow"), requests: 1);
    }

    [Fact]
    public async Task A_body_that_breaks_off_is_no_whole_one()
    {
        _server.Answer = async (connection, stop) => await connection.WriteAsync((byte[])[.. Head(200, 5000), .. new byte[2500]], stop);
        await FailsAsync("a/cut", () => ReadAsync("a/cut"), requests: 1);
    }

    [Fact]
    public async Task A_connection_that_is_cut_within_an_upload_is_no_success()
    {
        _server.ReadsBodies = false;
        _server.Answer = async (connection, stop) =>
        {
            await connection.WriteAsync("HTTP/1.1 100 Continue\r\n\r\n"u8.ToArray(), stop);
            await connection.ReadExactlyAsync(new byte[65536], stop); // and closes, with the rest on its way
        };
        // the connection's layer may begin again where the body was not taken: nothing was written
        await FailsAsync("a/reset", () => _store.PutAsync("a/reset", ObjectContent.Of(new byte[4 << 20]), PutCondition.None, _limit.Token),
            requests: null);
    }

    [Fact]
    public async Task SlowDown_is_tried_again_a_few_times_and_no_more()
    {
        const string Body = "<Error><Code>SlowDown</Code><Message>reduce your request rate</Message></Error>";
        _server.Answer = async (connection, stop) => await connection.WriteAsync(
            (byte[])[.. Head(503, Body.Length), .. Encoding.ASCII.GetBytes(Body)], stop);
        var error = await FailsAsync("a/busy", () => _store.OpenAsync("a/busy", _limit.Token), requests: 3);
        Assert.Contains("SlowDown", error.Message, StringComparison.Ordinal);
        await FailsAsync(
            "a/busy", () => _store.PutAsync("a/busy", ObjectContent.Of(new byte[100]), PutCondition.Absent, _limit.Token), requests: 1);
    }

    [Fact]
    public async Task An_answer_that_is_none_of_S3_is_no_crash()
    {
        _server.Answer = async (connection, stop) => await connection.WriteAsync((byte[])[.. Head(200, 3, etag: "1"), .. "<a>"u8], stop);
        await FailsAsync("a/etag", () => ReadAsync("a/etag"), requests: 3);
        await FailsAsync("a/", () => _store.ListFoldersAsync("a/", _limit.Token), requests: 3);
    }

    [Fact]
    public async Task A_write_that_is_answered_without_an_ETag_is_not_taken_for_stored()
    {
        _server.Answer = async (connection, stop) => await connection.WriteAsync(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 7\r\nConnection: close\r\n\r\nwelcome"u8.ToArray(), stop);
        var error = await FailsAsync(
            "a/proxy", () => _store.PutAsync("a/proxy", ObjectContent.Of(new byte[100]), PutCondition.None, _limit.Token), requests: 1);
        Assert.Contains("no ETag", error.Message, StringComparison.Ordinal);
        _server.Complete = (connection, stop) => CompleteAsync(
            connection, "<CompleteMultipartUploadResult></CompleteMultipartUploadResult>", stop);
        await FailsAsync("a/parts", PutPartsAsync, requests: null);
    }

    [Fact]
    public async Task A_store_that_knows_no_header_of_ours_is_unfit_and_the_one_of_every_write_is_named()
    {
        const string body = "<Error><Code>NotImplemented</Code><Message>A header you provided implies functionality that is not "
            + "implemented</Message></Error>";
        _server.Answer = async (connection, stop) => await connection.WriteAsync(
            (byte[])[.. Head(501, body.Length), .. Encoding.ASCII.GetBytes(body)], stop);
        var error = await Assert.ThrowsAsync<StoreException>(
            () => _store.PutAsync("a/lease", ObjectContent.Of(new byte[100]), PutCondition.Absent, _limit.Token));
        Assert.Equal(StoreFailure.Unfit, error.Failure);
        Assert.Contains("501: the store does not know the header x-amz-checksum-crc32c", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(9 << 20, "joined-2", true)]
    [InlineData(9 << 20, "joined-3", false)]
    [InlineData(100, "joined-2", false)]
    public async Task An_object_whose_completion_was_not_answered_is_looked_for_and_not_sent_again(int found, string etag, bool isOurs)
    {
        _server.Complete = (_, _) => Task.CompletedTask; // closes
        _server.Found = Head(200, found, etag);
        if (isOurs) Assert.Equal($"\"{etag}\"", await PutPartsAsync());
        else await FailsAsync("a/parts", PutPartsAsync, requests: null);
        Assert.Equal(isOurs ? 0 : 1, _server.Aborted);
        Assert.Equal(2, _server.Parts);
    }

    [Fact]
    public async Task Making_one_object_of_its_parts_may_take_longer_than_a_request()
    {
        await OpenAsync(Patience);
        _server.Complete = (connection, stop) => CompleteAsync(
            connection, "<CompleteMultipartUploadResult><ETag>\"whole\"</ETag></CompleteMultipartUploadResult>", stop);
        Assert.Equal("\"whole\"", await PutPartsAsync());
        Assert.Equal(0, _server.Aborted);
    }

    [Fact]
    public async Task What_fails_after_200_has_failed()
    {
        _server.Complete = (connection, stop) => CompleteAsync(
            connection, "<Error><Code>InternalError</Code><Message>try again</Message></Error>", stop);
        await FailsAsync("a/parts", PutPartsAsync, requests: null);
        Assert.Equal(1, _server.Aborted);
    }

    [Fact]
    public async Task A_race_may_be_lost_after_200_too()
    {
        _server.Complete = (connection, stop) => CompleteAsync(connection,
            "<Error><Code>PreconditionFailed</Code><Message>At least one of the pre-conditions you specified did not "
            + "hold</Message></Error>",
            stop);
        Assert.Null(await PutPartsAsync());
    }

    [Fact]
    public async Task A_server_that_never_makes_the_object_is_given_up_and_the_parts_are_taken_back()
    {
        await OpenAsync(Patience, completion: Patience * 2);
        _server.Complete = (_, stop) => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, stop);
        await FailsAsync("a/parts", PutPartsAsync, requests: null);
        Assert.Equal(1, _server.Aborted);
    }

    private Task<string?> PutPartsAsync() =>
        _store.PutAsync("a/parts", ObjectContent.Of(new byte[9 << 20]), PutCondition.Absent, _limit.Token);

    // As S3 does: the head at once, white space while it works, and then how it went.
    private static async Task CompleteAsync(NetworkStream connection, string result, CancellationToken stop)
    {
        await connection.WriteAsync(
            "HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nConnection: close\r\n\r\n<?xml version=\"1.0\" encoding=\"UTF-8\"?>"u8.ToArray(),
            stop);
        for (var i = 0; i < 12; i++)
        {
            await Task.Delay(Patience / 4, TimeProvider.System, stop);
            await connection.WriteAsync(" "u8.ToArray(), stop);
        }

        await connection.WriteAsync(Encoding.ASCII.GetBytes(result), stop);
    }

    private static byte[] Head(int status, int length, string etag = "00000000000000000000000000000000") => Encoding.ASCII.GetBytes(
        $"HTTP/1.1 {status} x\r\nContent-Length: {length}\r\nContent-Type: application/xml\r\nETag: \"{etag}\"\r\nConnection: "
        + "close\r\n\r\n");

    private void Open(TimeSpan timeout, TimeSpan? completion = null)
    {
        _store?.Dispose();
        var settings = new S3Settings("backups", "t/")
        { Endpoint = _server.Endpoint, PathStyle = true, Timeout = timeout, SlowestBytesPerSecond = 64 << 20 };
        if (completion is { } within) settings = settings with { CompletionTimeout = within };
        _store = new S3Store(settings, TimeProvider.System, RotatingCredentials.Of(new BasicAWSCredentials("a", "b")));
    }

    /// <summary>The first requests of a process take longer than those that are waited for.</summary>
    private async Task OpenAsync(TimeSpan timeout, TimeSpan? completion = null)
    {
        var (answer, reads) = (_server.Answer, _server.ReadsBodies);
        (_server.Answer, _server.ReadsBodies) = (async (connection, stop) => await connection.WriteAsync(Head(404, 0), stop), true);
        await Assert.ThrowsAsync<StoreException>(() => _store.OpenAsync("warm", _limit.Token));
        await Assert.ThrowsAsync<StoreException>(
            () => _store.PutAsync("warm", ObjectContent.Of(new byte[100]), PutCondition.Absent, _limit.Token));
        (_server.Answer, _server.ReadsBodies) = (answer, reads);
        Open(timeout, completion);
    }

    private async Task ReadAsync(string key)
    {
        using var download = await _store.OpenAsync(key, _limit.Token);
        await download.Content.CopyToAsync(Stream.Null, _limit.Token);
    }

    private async Task<StoreException> FailsAsync(string key, Func<Task> call, int? requests)
    {
        var before = _server.Requests;
        var error = await Assert.ThrowsAsync<StoreException>(call);
        Assert.Equal((StoreFailure.Unavailable, key), (error.Failure, error.Key));
        if (requests is { } count) Assert.Equal(count, _server.Requests - before);
        // else the end of a connection stands behind what is not read
        if (_server.ReadsBodies) await _server.NobodyIsConnectedAsync(_limit.Token);
        return error;
    }

    private sealed class StubbornServer : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly CancellationTokenSource _stop = new();
        private readonly ConcurrentDictionary<Task, bool> _connections = new();
        private readonly Task _accepting;
        private int _requests;
        private int _aborted;
        private int _parts;

        public StubbornServer()
        {
            _listener.Start();
            _accepting = AcceptAsync();
        }

        public Uri Endpoint => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

        public Func<NetworkStream, CancellationToken, Task> Answer { get; set; } = (_, _) => Task.CompletedTask;

        /// <summary>Where it is set, an upload in parts goes as it should until it is to be completed.</summary>
        public Func<NetworkStream, CancellationToken, Task>? Complete { get; set; }

        /// <summary>The answer to HEAD; null: there is no such object.</summary>
        public byte[]? Found { get; set; }

        public int Parts => Volatile.Read(ref _parts);

        public int Aborted => Volatile.Read(ref _aborted);

        public bool ReadsBodies { get; set; } = true;

        public int Requests => Volatile.Read(ref _requests);

        /// <summary>Until the client has closed all that it opened.</summary>
        public async Task NobodyIsConnectedAsync(CancellationToken cancellation)
        {
            foreach (var connection in _connections.Keys) await connection.WaitAsync(cancellation);
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            _listener.Stop();
            await _accepting;
            await Task.WhenAll(_connections.Keys);
            _stop.Dispose();
        }

        private async Task AcceptAsync()
        {
            try
            {
                while (true) _connections[ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token))] = true;
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException)
            {
                // It is stopped.
            }
        }

        // Ends when the client closes, or this side has said what it had to say.
        private async Task ServeAsync(TcpClient client)
        {
            await Task.Yield();
            using var _ = client;
            using var gone = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
            try
            {
                var stream = client.GetStream();
                var (read, buffer) = (0, new byte[16384]);
                while (buffer.AsSpan(0, read).IndexOf("\r\n\r\n"u8) < 0)
                {
                    var some = await stream.ReadAsync(buffer.AsMemory(read), _stop.Token);
                    if (some == 0) return; // opened, and never used
                    read += some;
                }

                Interlocked.Increment(ref _requests);
                if (Complete is { } complete)
                {
                    await PartsAsync(stream, buffer, read, complete, gone);
                    await gone.CancelAsync();
                    return;
                }

                var end = ReadsBodies ? WatchAsync(stream, gone) : Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, gone.Token);
                await Task.WhenAny(Answer(stream, gone.Token), end);
                await gone.CancelAsync();
            }
            catch (Exception e) when (e is IOException or OperationCanceledException)
            {
                // The client went, or the test ended.
            }
        }

        private async Task PartsAsync(NetworkStream stream, byte[] buffer, int read, Func<NetworkStream, CancellationToken, Task> complete,
            CancellationTokenSource gone)
        {
            var stop = gone.Token;
            var end = buffer.AsSpan(0, read).IndexOf("\r\n\r\n"u8) + 4;
            var head = Encoding.ASCII.GetString(buffer, 0, end);
            var line = head[..head.IndexOf('\r', StringComparison.Ordinal)];
            if (head.Contains("100-continue", StringComparison.OrdinalIgnoreCase))
                await stream.WriteAsync("HTTP/1.1 100 Continue\r\n\r\n"u8.ToArray(), stop);
            var length = head.Split("\r\n").Where(h => h.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase))
                .Select(h => int.Parse(h[15..], CultureInfo.InvariantCulture)).FirstOrDefault();
            await stream.ReadExactlyAsync(new byte[length - (read - end)], stop);
            const string Begun = "<InitiateMultipartUploadResult><Bucket>backups</Bucket><Key>t/a/parts</Key><UploadId>one</UploadId>"
                + "</InitiateMultipartUploadResult>";
            if (line.StartsWith("HEAD", StringComparison.Ordinal))
            {
                await stream.WriteAsync(Found ?? Head(404, 0), stop);
                return;
            }

            if (line.StartsWith("PUT", StringComparison.Ordinal)) Interlocked.Increment(ref _parts);
            if (line.StartsWith("DELETE", StringComparison.Ordinal)) Interlocked.Increment(ref _aborted);
            if (line.Contains("?uploads", StringComparison.Ordinal))
                await stream.WriteAsync((byte[])[.. Head(200, Begun.Length), .. Encoding.ASCII.GetBytes(Begun)], stop);
            else if (line.StartsWith("POST", StringComparison.Ordinal))
                await Task.WhenAny(complete(stream, stop), WatchAsync(stream, gone));
            else await stream.WriteAsync(Head(line.StartsWith("PUT", StringComparison.Ordinal) ? 200 : 204, 0), stop);
        }

        private static async Task WatchAsync(NetworkStream stream, CancellationTokenSource gone)
        {
            var rest = new byte[65536];
            while (await stream.ReadAsync(rest, gone.Token) > 0)
            {
            }
        }
    }
}
