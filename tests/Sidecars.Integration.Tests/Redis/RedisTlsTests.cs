using System.Globalization;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.TestKit.FakeRedis;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Redis;

/// <summary>TLS against a real redis-server with certificates made here.</summary>
public sealed class RedisTlsTests : IAsyncLifetime, IDisposable
{
    private static readonly RedisClientOptions Options =
        new() { ConnectTimeout = TimeSpan.FromSeconds(10), CommandTimeout = TimeSpan.FromSeconds(10) };
    private readonly TempFolder _folder = new("tls");
    private readonly TestAuthority _authority;
    private readonly TestAuthority _stranger;
    private RedisProcess _redis = null!;
    private RedisEndpoint _endpoint = null!;

    public RedisTlsTests()
    {
        _authority = new TestAuthority(_folder, "ca");
        _stranger = new TestAuthority(_folder, "stranger");
    }

    public async Task InitializeAsync()
    {
        var (certificate, key) = _authority.Issue("server");
        _endpoint = new RedisEndpoint("127.0.0.1", FreePort.Next());
        _redis = await RedisProcess.StartAsync(
            string.Create(CultureInfo.InvariantCulture, $"tls-port {_endpoint.Port}"),
            $"tls-cert-file {certificate}",
            $"tls-key-file {key}",
            $"tls-ca-cert-file {_authority.CaFile}",
            "tls-auth-clients optional");
    }

    public async Task DisposeAsync() => await _redis.DisposeAsync();

    public void Dispose()
    {
        _authority.Dispose();
        _stranger.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Calls_over_tls_verified_by_address_or_by_name()
    {
        await CallAsync(new TlsSettings { CaFile = _authority.CaFile });
        await CallAsync(new TlsSettings { CaFile = _authority.CaFile, ServerName = "redis.test" });
    }

    [Fact]
    public async Task A_big_value_and_messages_pass_over_tls()
    {
        await using var client = await ConnectAsync(new TlsSettings { CaFile = _authority.CaFile });
        var value = new string('v', 5_000_000);
        Assert.Equal("OK", (await client.CallAsync(default, "SET", "big", value)).Text);
        Assert.Equal(value, (await client.CallAsync(default, "GET", "big")).Text);
        _ = await client.CallAsync(default, "SUBSCRIBE", "c");
        Assert.Null(await client.TryReadMessageAsync(TimeSpan.FromMilliseconds(20), default)); // a read given up must lose nothing
        await using var publisher = await ConnectAsync(new TlsSettings { CaFile = _authority.CaFile });
        _ = await publisher.CallAsync(default, "PUBLISH", "c", "hello");
        Assert.Equal("hello", (await client.TryReadMessageAsync(TimeSpan.FromSeconds(10), default))!.Items[2].Text);
    }

    [Fact]
    public async Task Another_authority_or_another_name_is_refused()
    {
        await FailsAsync(_endpoint, new TlsSettings { CaFile = _stranger.CaFile });
        await FailsAsync(_endpoint, new TlsSettings { CaFile = _authority.CaFile, ServerName = "other.test" });
    }

    [Fact]
    public async Task A_client_certificate_is_demanded_and_checked()
    {
        await using (var admin = await RedisClient.ConnectAsync(new TcpTransport(_redis.Endpoint), Options, default))
            Assert.Equal("OK", (await admin.CallAsync(default, "CONFIG", "SET", "tls-auth-clients", "yes")).Text);
        var (certificate, key) = _authority.Issue("client");
        await CallAsync(new TlsSettings { CaFile = _authority.CaFile, CertificateFile = certificate, KeyFile = key });

        // TLS 1.3 lets the client finish before the server refuses: the failure may come with the first call.
        await Assert.ThrowsAsync<RedisConnectionException>(() => CallAsync(new TlsSettings { CaFile = _authority.CaFile }));
        var (strange, strangeKey) = _stranger.Issue("client");
        await Assert.ThrowsAsync<RedisConnectionException>(
            () => CallAsync(new TlsSettings { CaFile = _authority.CaFile, CertificateFile = strange, KeyFile = strangeKey }));
    }

    [Fact]
    public async Task Unusable_files_are_failures_of_tls_that_name_them()
    {
        var empty = _folder.Write("empty.crt", "");
        Assert.Contains("empty.crt", (await FailsAsync(_endpoint, new TlsSettings { CaFile = empty })).Message, StringComparison.Ordinal);
        Assert.Contains("absent.crt", (await FailsAsync(_endpoint, new TlsSettings { CaFile = _folder.File("absent.crt") })).Message,
            StringComparison.Ordinal);
        await FailsAsync(_endpoint, new TlsSettings { CaFile = _authority.CaFile, CertificateFile = empty, KeyFile = empty });
    }

    [Fact]
    public async Task A_peer_that_speaks_no_tls_is_a_failure_of_tls()
    {
        // (A plain Redis is no such peer: it takes the handshake for half an inline command and says nothing.)
        await using var other = FakeRedisServer.Start(async (connection, stop) =>
        {
            await connection.SendAsync(FakeReply.Error("ERR Protocol error"), stop);
            await Task.Delay(Timeout.Infinite, stop);
        });
        await FailsAsync(other.Endpoint, new TlsSettings { CaFile = _authority.CaFile });
        await using var closing = FakeRedisServer.Start((_, _) => Task.CompletedTask);
        await FailsAsync(closing.Endpoint, new TlsSettings { CaFile = _authority.CaFile });
    }

    [Fact]
    public async Task A_handshake_that_hangs_times_out()
    {
        await using var silent = FakeRedisServer.Start((_, stop) => Task.Delay(Timeout.Infinite, stop));
        var connect = RedisClient.ConnectAsync(
            new TlsTransport(silent.Endpoint, new TlsSettings { CaFile = _authority.CaFile }),
            Options with { ConnectTimeout = TimeSpan.FromMilliseconds(200) },
            default);
        Assert.Equal(RedisFailure.TimedOut, (await Assert.ThrowsAsync<RedisConnectionException>(() => connect)).Failure);
    }

    private Task<RedisClient> ConnectAsync(TlsSettings settings) =>
        RedisClient.ConnectAsync(new TlsTransport(_endpoint, settings), Options, default);

    private async Task CallAsync(TlsSettings settings)
    {
        await using var client = await ConnectAsync(settings);
        Assert.Equal("PONG", (await client.CallAsync(default, "PING")).Text);
    }

    private static async Task<RedisConnectionException> FailsAsync(RedisEndpoint endpoint, TlsSettings settings)
    {
        var connect = RedisClient.ConnectAsync(new TlsTransport(endpoint, settings), Options, default);
        var failure = await Assert.ThrowsAsync<RedisConnectionException>(() => connect);
        Assert.Equal(RedisFailure.Tls, failure.Failure);
        return failure;
    }
}
